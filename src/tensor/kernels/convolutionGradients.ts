import type { Tensor4D } from '@tensorflow/tfjs';
import { tf } from '../tf.js';

/** Strides, dilations and zero padding of a forward convolution, in pixels. */
export interface ConvolutionGeometry {
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly padding: Padding;
}

interface Padding {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** Maximum number of floats that are transposed at a time (64 MiB). */
const MAX_CHUNK_FLOATS = 16 * 1024 * 1024;

/**
 * Computes the geometry of a convolution with the rules of `tf.conv2d`. Dilation along a filter side of size 1 has no effect and is
 * replaced with 1. Otherwise, the dilation would become the stride of the gradient convolution, and TensorFlow returns wrong results for
 * such strides when there is one output column and one input channel.
 */
export function computeConvolutionGeometry(
  xShape: readonly number[],
  filterShape: readonly number[],
  strides: readonly [number, number],
  givenDilations: readonly [number, number],
  pad: 'valid' | 'same' | number | readonly (readonly [number, number])[],
): ConvolutionGeometry {
  const dilations = [
    filterShape[0] === 1 ? 1 : givenDilations[0],
    filterShape[1] === 1 ? 1 : givenDilations[1],
  ] as const;
  if (pad === 'valid') return { strides, dilations, padding: { top: 0, bottom: 0, left: 0, right: 0 } };
  if (typeof pad === 'number') {
    return { strides, dilations, padding: { top: pad, bottom: pad, left: pad, right: pad } };
  }
  if (pad === 'same') {
    const [top, bottom] = computeSamePadding(xShape[1]!, filterShape[0]!, strides[0], dilations[0]);
    const [left, right] = computeSamePadding(xShape[2]!, filterShape[1]!, strides[1], dilations[1]);
    return { strides, dilations, padding: { top, bottom, left, right } };
  }
  const [, [top, bottom] = [0, 0], [left, right] = [0, 0]] = pad;
  return { strides, dilations, padding: { top, bottom, left, right } };
}

function computeSamePadding(
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
): [number, number] {
  const span = (kernel - 1) * dilation + 1;
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + span - size);
  return [Math.floor(total / 2), total - Math.floor(total / 2)];
}

/**
 * Computes the gradient of a convolution with respect to its input, `[batch, height, width, in]`, from `dy`, `[batch, outHeight, outWidth,
 * out]`. The gradient is one forward convolution of `dy` with the filter rotated by 180 degrees and its input and output channels swapped
 * (V. Dumoulin and F. Visin 2016, section 4), which XNNPACK runs ten times as fast as the gradient in TensorFlow.js.
 */
export function computeInputGradient(
  dy: Tensor4D,
  filter: Tensor4D,
  xShape: readonly number[],
  { strides, dilations, padding }: ConvolutionGeometry,
): Tensor4D {
  return tf.tidy(() => {
    const [kernelHeight, kernelWidth] = filter.shape;
    const rotated = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]);
    const dilatedDy = insertZeros(dy, strides);
    const top = (kernelHeight - 1) * dilations[0] - padding.top;
    const left = (kernelWidth - 1) * dilations[1] - padding.left;
    // The padding at the bottom and right also covers rows and columns that no window reads.
    const bottom = xShape[1]! - (dilatedDy.shape[1] + top - (kernelHeight - 1) * dilations[0]);
    const right = xShape[2]! - (dilatedDy.shape[2] + left - (kernelWidth - 1) * dilations[1]);
    const cropped = cropNegativePadding(dilatedDy, [top, bottom], [left, right]);
    return convolve(cropped, rotated, [1, 1], dilations, [
      toPositivePadding(top, bottom),
      toPositivePadding(left, right),
    ]);
  });
}

/**
 * Computes the gradient of a convolution with respect to its filter, `[kernelHeight, kernelWidth, in, out]`. The gradient is a forward
 * convolution that swaps batch and channels, and also stride and dilation: the image is `x` as `[in, height, width, batch]`, and the filter
 * is `dy` as `[outHeight, outWidth, batch, out]`. Large batches are processed in chunks, so that the transposed copies stay small.
 */
export function computeFilterGradient(
  x: Tensor4D,
  dy: Tensor4D,
  filterShape: readonly number[],
  geometry: ConvolutionGeometry,
): Tensor4D {
  return tf.tidy(() => {
    const batch = x.shape[0];
    const images = Math.max(1, Math.floor((MAX_CHUNK_FLOATS * batch) / Math.max(x.size, dy.size)));
    if (images >= batch) return computeBatchFilterGradient(x, dy, filterShape, geometry);
    let sum = computeBatchFilterGradient(
      sliceBatch(x, 0, images),
      sliceBatch(dy, 0, images),
      filterShape,
      geometry,
    );
    for (let start = images; start < batch; start += images) {
      const count = Math.min(images, batch - start);
      const previous = sum;
      sum = tf.tidy(() =>
        tf.add(
          previous,
          computeBatchFilterGradient(
            sliceBatch(x, start, count),
            sliceBatch(dy, start, count),
            filterShape,
            geometry,
          ),
        ),
      );
      previous.dispose();
    }
    return sum;
  });
}

function sliceBatch(x: Tensor4D, start: number, count: number): Tensor4D {
  return tf.slice(x, [start, 0, 0, 0], [count, -1, -1, -1]);
}

function computeBatchFilterGradient(
  x: Tensor4D,
  dy: Tensor4D,
  filterShape: readonly number[],
  { strides, dilations, padding }: ConvolutionGeometry,
): Tensor4D {
  return tf.tidy(() => {
    const [kernelHeight, kernelWidth] = filterShape as [number, number];
    const [, outHeight, outWidth] = dy.shape;
    const imagesLast = tf.transpose(x, [3, 1, 2, 0]);
    const weights = tf.transpose(dy, [1, 2, 0, 3]);
    // The input is padded or cropped to the rows and columns that a window reads, so that the result has the size of the filter.
    const computeExtent = (kernel: number, dilation: number, out: number, stride: number) =>
      (kernel - 1) * dilation + (out - 1) * stride + 1;
    const bottom =
      computeExtent(kernelHeight, dilations[0], outHeight, strides[0]) - x.shape[1] - padding.top;
    const right = computeExtent(kernelWidth, dilations[1], outWidth, strides[1]) - x.shape[2] - padding.left;
    const cropped = cropNegativePadding(imagesLast, [padding.top, bottom], [padding.left, right]);
    const pads = [toPositivePadding(padding.top, bottom), toPositivePadding(padding.left, right)] as const;
    const sums = convolve(cropped, weights, dilations, strides, pads);
    return tf.transpose(sums, [1, 2, 0, 3]);
  });
}

type Pair = readonly [number, number];

const toPositivePadding = (before: number, after: number): Pair => [Math.max(0, before), Math.max(0, after)];

/** Crops `x` on the sides whose padding is negative, because a convolution only supports padding of at least 0. */
function cropNegativePadding(x: Tensor4D, [top, bottom]: Pair, [left, right]: Pair): Tensor4D {
  if (Math.min(top, bottom, left, right) >= 0) return x;
  const rows = Math.max(0, -top);
  const columns = Math.max(0, -left);
  return tf.slice(
    x,
    [0, rows, columns, 0],
    [-1, x.shape[1] - rows - Math.max(0, -bottom), x.shape[2] - columns - Math.max(0, -right), -1],
  );
}

function convolve(
  x: Tensor4D,
  filter: Tensor4D,
  strides: Pair,
  dilations: Pair,
  pads: readonly [Pair, Pair],
): Tensor4D {
  // tf.conv2d rejects strides together with dilations, but the kernels support them.
  return tf.engine().runKernel('Conv2D', { x, filter }, {
    strides: [...strides],
    dilations: [...dilations],
    pad: [[0, 0], [...pads[0]], [...pads[1]], [0, 0]],
    dataFormat: 'NHWC',
    dimRoundingMode: undefined,
  } as never) as unknown as Tensor4D;
}

/**
 * Inserts `stride - 1` rows or columns of zeros between neighboring rows or columns of `dy`, which reverses the stride of a convolution.
 */
export function insertZeros(dy: Tensor4D, [rows, columns]: readonly [number, number]): Tensor4D {
  if (rows === 1 && columns === 1) return dy;
  const [batch, height, width, channels] = dy.shape;
  let dilated = dy;
  if (rows > 1) {
    const flat = tf.reshape(dilated, [batch * height, width * channels]);
    const padded = tf.pad(flat, [
      [0, 0],
      [0, (rows - 1) * width * channels],
    ]);
    dilated = tf.reshape(padded, [batch, height * rows, width, channels]);
  }
  if (columns > 1) {
    const flat = tf.reshape(dilated, [batch * dilated.shape[1] * width, channels]);
    const padded = tf.pad(flat, [
      [0, 0],
      [0, (columns - 1) * channels],
    ]);
    dilated = tf.reshape(padded, [batch, dilated.shape[1], width * columns, channels]);
  }
  return tf.slice(dilated, [0, 0, 0, 0], [-1, (height - 1) * rows + 1, (width - 1) * columns + 1, -1]);
}
