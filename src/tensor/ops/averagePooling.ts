import type { Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tf.js';

/**
 * Computes average pooling with `same` padding. At the edges, only the pixels inside the image are averaged.
 *
 * The gradient of `tf.avgPool` is wrong at the edges because it divides by the full window size, unlike the forward pass. Therefore, this
 * function pads the image with zeros, pools without further padding, and rescales the means of the windows at the edges.
 *
 * @param x - Images, `[batch, height, width, channels]`.
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
  const windowSize = info.filterHeight * info.filterWidth;
  const factors = rows.flatMap((row) => columns.map((column) => windowSize / (row * column)));
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

/** Returns, for each window along one axis, the number of its pixels that are inside the image. */
function countPixelsPerWindow(
  windowCount: number,
  stride: number,
  windowSize: number,
  padding: number,
  size: number,
): number[] {
  return Array.from({ length: windowCount }, (_, i) => {
    const start = i * stride - padding;
    return Math.min(start + windowSize, size) - Math.max(start, 0);
  });
}
