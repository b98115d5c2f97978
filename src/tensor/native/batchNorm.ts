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
 * Batch normalisation in training and its gradient by TensorFlow's fused operations, version 2: version 3 adds one
 * output, which only cuDNN fills.
 */
export function registerBatchNorm(): void {
  registerNativeKernel(BATCH_NORM, ({ x, gamma, beta }, { epsilon }) => {
    const none = tf.tensor1d([]);
    const inputs = [to4D(x!), gamma!, beta!, none, none];
    const [y, mean, corrected] = runOp('FusedBatchNormV2', inputs, createBatchNormAttributes(epsilon), 5);
    // TensorFlow's running variance is divided by n - 1; Keras's, and the gradient's, by n.
    const rows = countRows(x!);
    const variance = rows > 1 ? tf.mul(corrected!, (rows - 1) / rows) : corrected!;
    return [tf.reshape(y!, x!.shape), mean!, variance];
  });
  registerNativeKernel(BATCH_NORM_GRADIENT, ({ x, dy, gamma, mean, variance }, { epsilon }) => {
    // What the forward operation hands on is the variance on a CPU, and one over the deviation by cuDNN.
    const spread = getTensorFlowBackend().isUsingGpuDevice
      ? tf.rsqrt(tf.add(variance as tf.Tensor, epsilon))
      : variance!;
    const inputs = [to4D(dy!), to4D(x!), gamma!, mean!, spread];
    const [dx, dgamma, dbeta] = runOp('FusedBatchNormGradV2', inputs, createBatchNormAttributes(epsilon), 5);
    return [tf.reshape(dx!, x!.shape), dgamma!, dbeta!];
  });
}

const countRows = ({ shape }: tf.TensorInfo) =>
  shape.slice(0, -1).reduce((product, size) => product * size, 1);

/** The operations know images only; over all axes but the last, any shape is one. */
function to4D(x: tf.TensorInfo): tf.TensorInfo {
  return x.shape.length === 4 ? x : tf.reshape(x as tf.Tensor, [countRows(x), 1, 1, x.shape.at(-1)!]);
}
