import { NCHW_TO_NHWC, NHWC_TO_NCHW } from '../context/layout.js';
import type { OpLowering } from '../context/loweringContext.js';
import { INFER_SIZE } from '../context/shapeConstants.js';
import { computePoolGeometry, type Shape4D } from '../context/windowGeometry.js';
import { addSeparableProduct, createMatrix } from './separableProduct.js';

/** The lowest finite float32 number. */
const MIN_FLOAT32 = -3.4028234663852886e38;

/**
 * Lowers the gradient of max pooling with windows of any shape. The gradient of a window is passed to its first maximum. Where windows
 * overlap, their gradients are added.
 */
export const lowerGeneralMaxPoolGradient: OpLowering = (context) => {
  const geometry = computePoolGeometry(context, context.call.inputs.input!.shape as Shape4D);
  const { filterHeight, filterWidth, strideHeight, strideWidth, pads } = geometry;
  const isDisjoint = strideHeight >= filterHeight && strideWidth >= filterWidth;
  if (isDisjoint) return lowerDisjointMaxPoolGradient(context);
  const { addNode, addMultiOutputNode, transposeInput, addIntegers } = context;
  const x = transposeInput('input', NHWC_TO_NCHW);
  const window = {
    kernel_shape: [filterHeight, filterWidth],
    strides: [strideHeight, strideWidth],
    pads,
  };
  const [, indices] = addMultiOutputNode('MaxPool', [x], window, 2);
  const flatten = (value: string) => addNode('Reshape', [value, addIntegers([INFER_SIZE])]);
  const zeros = addNode('ConstantOfShape', [addNode('Reshape', [addNode('Size', [x]), addIntegers([1])])]);
  const sums = addNode(
    'ScatterElements',
    [zeros, flatten(indices!), flatten(transposeInput('dy', NHWC_TO_NCHW))],
    {
      axis: 0,
      reduction: 'add',
    },
  );
  return addNode('Transpose', [addNode('Reshape', [sums, addNode('Shape', [x])])], { perm: NCHW_TO_NHWC });
};

/** Lowers the gradient of max pooling whose windows do not overlap. */
const lowerDisjointMaxPoolGradient: OpLowering = (context) => {
  const { call, addNode, addMultiOutputNode, transposeInput, addIntegers, addFloats } = context;
  const shape = call.inputs.input!.shape as Shape4D;
  const { filterHeight, filterWidth, strideHeight, strideWidth, pads } = computePoolGeometry(context, shape);
  // MaxUnpool does not support padding. Therefore the image is padded with the lowest number, which is never a maximum, and the result is
  // cropped.
  const [, height, width] = shape;
  const [top, left, bottom, right] = pads;
  const isPadded = top + left + bottom + right > 0;
  const images = transposeInput('input', NHWC_TO_NCHW);
  const addPads = () => addIntegers([0, 0, top, left, 0, 0, bottom, right]);
  const x = isPadded ? addNode('Pad', [images, addPads(), addFloats([MIN_FLOAT32])]) : images;
  const window = { kernel_shape: [filterHeight, filterWidth], strides: [strideHeight, strideWidth] };
  const [, indices] = addMultiOutputNode('MaxPool', [x], window, 2);
  const dx = addNode(
    'MaxUnpool',
    [transposeInput('dy', NHWC_TO_NCHW), indices!, addNode('Shape', [x])],
    window,
  );
  const crop = [addIntegers([top, left]), addIntegers([top + height, left + width]), addIntegers([2, 3])];
  return addNode('Transpose', [isPadded ? addNode('Slice', [dx, ...crop]) : dx], { perm: NCHW_TO_NHWC });
};

/**
 * Lowers the gradient of average pooling, which each window distributes equally to its pixels. As in TensorFlow.js, the gradient is divided
 * by the full window size even if a window extends beyond the edge of the image.
 */
export const lowerAveragePoolGradient: OpLowering = (context) => {
  const geometry = computePoolGeometry(context, context.call.inputs.input!.shape as Shape4D);
  const { outHeight, inHeight, filterHeight, strideHeight } = geometry;
  const { outWidth, inWidth, filterWidth, strideWidth } = geometry;
  const [top, left] = geometry.pads;
  return addSeparableProduct(
    context,
    'dy',
    createAverageMatrix(outHeight, inHeight, filterHeight, strideHeight, top),
    createAverageMatrix(outWidth, inWidth, filterWidth, strideWidth, left),
  );
};

/**
 * Creates a `[windows, pixels]` matrix for average pooling along one dimension of an image. An element is `1 / windowSize` if the pixel is
 * inside the window, otherwise 0.
 */
const createAverageMatrix = (
  windows: number,
  pixels: number,
  windowSize: number,
  stride: number,
  padding: number,
) =>
  createMatrix(windows, pixels, (add) => {
    for (let i = 0; i < windows; i++) {
      const start = i * stride - padding;
      for (let at = start; at < start + windowSize; at++) {
        if (at >= 0 && at < pixels) add(i, at, 1 / windowSize);
      }
    }
  });
