import type { Tensor4D } from '@tensorflow/tfjs';
import { tf } from './tf.js';

/**
 * Average pooling with `same` padding whose gradient is right: `x` `[batch, height, width, channels]`, each window the
 * mean of its pixels that exist. The gradient of TensorFlow.js divides by the whole window at the edges too, which its
 * forward pass does not; so zeros are put around, windows all lie inside, and the factor at the edges is a constant.
 */
export function averagePoolSame(
  x: Tensor4D,
  size: readonly [number, number],
  strides: readonly [number, number],
): Tensor4D {
  const info = tf.backend_util.computePool2DInfo(x.shape, [...size], [...strides], 1, 'same');
  const { top, bottom, left, right } = info.padInfo;
  const rows = countPixelsPerWindow(info.outHeight, info.strideHeight, info.filterHeight, top, info.inHeight);
  const columns = countPixelsPerWindow(info.outWidth, info.strideWidth, info.filterWidth, left, info.inWidth);
  const window = info.filterHeight * info.filterWidth;
  const factors = rows.flatMap((row) => columns.map((column) => window / (row * column)));
  return tf.tidy(() => {
    const padded = tf.pad(x, [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ]);
    const means = tf.avgPool(padded, [...size], [...strides], 'valid');
    return tf.mul(means, tf.tensor4d(factors, [1, info.outHeight, info.outWidth, 1]));
  });
}

/** For each window of a side, how many of its places lie in the image. */
function countPixelsPerWindow(
  out: number,
  stride: number,
  filter: number,
  before: number,
  size: number,
): number[] {
  return Array.from({ length: out }, (_, i) => {
    const from = i * stride - before;
    return Math.min(from + filter, size) - Math.max(from, 0);
  });
}
