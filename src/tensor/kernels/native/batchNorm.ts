import { tf } from '../../tf.js';
import { BATCH_NORM, BATCH_NORM_GRADIENT } from '../batchNorm.js';
import { bool, float, float32, operation, register, tensorflow, text } from './tensorflow.js';

const attributes = (epsilon: number) => ({
  T: float32(),
  U: float32(),
  epsilon: float(epsilon),
  data_format: text('NHWC'),
  is_training: bool(true),
});

/**
 * Batch normalisation in training and its gradient by TensorFlow's fused operations, version 2: version 3 adds one
 * output, which only cuDNN fills.
 */
export function registerBatchNorm(): void {
  register(BATCH_NORM, ({ x, gamma, beta }, { epsilon }) => {
    const none = tf.tensor1d([]);
    const inputs = [inFour(x!), gamma!, beta!, none, none];
    const [y, mean, corrected] = operation('FusedBatchNormV2', inputs, attributes(epsilon), 5);
    // TensorFlow's running variance is divided by n - 1; Keras's, and the gradient's, by n.
    const rows = rowsOf(x!);
    const variance = rows > 1 ? tf.mul(corrected!, (rows - 1) / rows) : corrected!;
    return [tf.reshape(y!, x!.shape), mean!, variance];
  });
  register(BATCH_NORM_GRADIENT, ({ x, dy, gamma, mean, variance }, { epsilon }) => {
    // What the forward operation hands on is the variance on a CPU, and one over the deviation by cuDNN.
    const spread = tensorflow().isUsingGpuDevice
      ? tf.rsqrt(tf.add(variance as tf.Tensor, epsilon))
      : variance!;
    const inputs = [inFour(dy!), inFour(x!), gamma!, mean!, spread];
    const [dx, dgamma, dbeta] = operation('FusedBatchNormGradV2', inputs, attributes(epsilon), 5);
    return [tf.reshape(dx!, x!.shape), dgamma!, dbeta!];
  });
}

const rowsOf = ({ shape }: tf.TensorInfo) => shape.slice(0, -1).reduce((product, size) => product * size, 1);

/** The operations know images only; over all axes but the last, any shape is one. */
function inFour(x: tf.TensorInfo): tf.TensorInfo {
  return x.shape.length === 4 ? x : tf.reshape(x as tf.Tensor, [rowsOf(x), 1, 1, x.shape.at(-1)!]);
}
