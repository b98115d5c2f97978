import { chooseImageLayout } from './channelOps.js';
import { BLOCKED_DOMAIN, convertLayout, type Layout, padChannels } from './layout.js';
import type { LoweringContext } from './loweringContext.js';
import { INFER_SIZE } from './shapeConstants.js';
import type { computeConvGeometry, Shape4D } from './windowGeometry.js';

// A convolution with a 1x1 filter and a stride reads only some of the pixels. Copying these pixels first is faster than a convolution with
// a stride, and the copy is shared: by both branches of a residual block, and by the gradients with respect to the filters.

type ConvGeometry = ReturnType<typeof computeConvGeometry>;

/**
 * Returns whether a convolution has a 1x1 filter, strides and no padding, and its input is in blocked layout, so that
 * {@link getSampledImage} and {@link addSkippedPixels} can be used.
 */
export const isBlockedPointwise = (
  context: LoweringContext,
  [height, width, channels]: Shape4D,
  { strideHeight, strideWidth, pads }: ConvGeometry,
): boolean =>
  height * width === 1 &&
  Math.max(strideHeight, strideWidth) > 1 &&
  pads.every((pad) => pad === 0) &&
  chooseImageLayout(context, channels) === 'blocked';

/**
 * Returns the pixels of the kernel input `x` that a 1x1 convolution with strides reads, as an image in the memory layout `layout`. Equal
 * nodes are merged by ONNX Runtime.
 */
export function getSampledImage(
  context: LoweringContext,
  { strideHeight, strideWidth }: ConvGeometry,
  layout: Layout,
): string {
  // Pooling with 1x1 windows copies whole blocks on all threads. Slice takes three times as long.
  const sampled = context.addNode(`${BLOCKED_DOMAIN}:MaxPool`, [context.getImage('x', 'blocked')], {
    kernel_shape: [1, 1],
    strides: [strideHeight, strideWidth],
  });
  return convertLayout(context, sampled, 'blocked', layout, context.call.inputs.x!.shape[3]!);
}

/**
 * Adds nodes that insert zeros for the pixels that the strides skip: the gradient of {@link getSampledImage}. `value` and the result are in
 * blocked layout.
 */
export function addSkippedPixels(
  { addNode, addIntegers, addFloats, channelBlock, call }: LoweringContext,
  value: string,
  { strideHeight, strideWidth, inHeight, inWidth, outHeight, outWidth }: ConvGeometry,
): string {
  const block = channelBlock!;
  const channels = padChannels(call.outputs[0]!.shape[3]!, block);
  const lines = addNode('Reshape', [value, addIntegers([INFER_SIZE, outHeight, 1, outWidth, block])]);
  const padded = addNode('Pad', [
    lines,
    addIntegers([0, 0, strideHeight - 1, (strideWidth - 1) * block]),
    addFloats([0]),
    addIntegers([2, 4]),
  ]);
  const [height, width] = [outHeight * strideHeight, outWidth * strideWidth];
  const isCropped = height > inHeight || width > inWidth;
  const images = isCropped
    ? addNode('Slice', [
        addNode('Reshape', [padded, addIntegers([INFER_SIZE, height, width, block])]),
        addIntegers([0, 0]),
        addIntegers([inHeight, inWidth]),
        addIntegers([1, 2]),
      ])
    : padded;
  return addNode('Reshape', [images, addIntegers([INFER_SIZE, channels, inHeight, inWidth])]);
}
