import { countElements } from '../../core/arrays.js';
import { BATCH_NORM, BATCH_NORM_GRADIENT } from '../kernels/batchNorm.js';
import { tf } from '../tf.js';
import {
  boolAttribute,
  float32TypeAttribute,
  floatAttribute,
  getTensorFlowBackend,
  registerNativeKernel,
  runOp,
  stringAttribute,
} from './tensorflowOps.js';

const createBatchNormAttributes = (epsilon: number) => ({
  T: float32TypeAttribute(),
  U: float32TypeAttribute(),
  epsilon: floatAttribute(epsilon),
  data_format: stringAttribute('NHWC'),
  is_training: boolAttribute(true),
});

/**
 * Registers kernels that run TensorFlow's fused operations for batch normalization in training mode and for its gradient. Version 2 of the
 * operations is used: version 3 only adds an output for cuDNN.
 */
export function registerBatchNorm(): void {
  registerNativeKernel(BATCH_NORM, ({ x, gamma, beta }, { epsilon }) => {
    const noStatistics = tf.tensor1d([]);
    const inputs = [to4D(x!), gamma!, beta!, noStatistics, noStatistics];
    const [y, mean, unbiasedVariance] = runOp(
      'FusedBatchNormV2',
      inputs,
      createBatchNormAttributes(epsilon),
      5,
    );
    // TensorFlow divides this variance by n - 1, but Keras and the gradient divide it by n.
    const rows = countRows(x!);
    const variance = rows > 1 ? tf.mul(unbiasedVariance!, (rows - 1) / rows) : unbiasedVariance!;
    return [tf.reshape(y!, x!.shape), mean!, variance];
  });
  registerNativeKernel(BATCH_NORM_GRADIENT, ({ x, dy, gamma, mean, variance }, { epsilon }) => {
    // The gradient expects the variance on a CPU, but the reciprocal of the standard deviation with cuDNN.
    const savedVariance = getTensorFlowBackend().isUsingGpuDevice
      ? tf.rsqrt(tf.add(variance as tf.Tensor, epsilon))
      : variance!;
    const inputs = [to4D(dy!), to4D(x!), gamma!, mean!, savedVariance];
    const [dx, dgamma, dbeta] = runOp('FusedBatchNormGradV2', inputs, createBatchNormAttributes(epsilon), 5);
    return [tf.reshape(dx!, x!.shape), dgamma!, dbeta!];
  });
}

const countRows = ({ shape }: tf.TensorInfo) => countElements(shape.slice(0, -1));

/**
 * Reshapes a tensor to four axes, as TensorFlow's batch normalization requires. The last axis stays the same, so the statistics do not
 * change.
 */
function to4D(x: tf.TensorInfo): tf.TensorInfo {
  return x.shape.length === 4 ? x : tf.reshape(x as tf.Tensor, [countRows(x), 1, 1, x.shape.at(-1)!]);
}
