import { addPixelCrop, addPixelGaps, type Size } from './blockedPixels.js';
import { chooseImageLayout } from './channelOps.js';
import { BLOCKED_DOMAIN, convertLayout, type Layout } from './layout.js';
import type { LoweringContext } from './loweringContext.js';
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
 * nodes are merged, so several calls share one copy.
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
  context: LoweringContext,
  value: string,
  { strideHeight, strideWidth, inHeight, inWidth, outHeight, outWidth }: ConvGeometry,
): string {
  const channels = context.call.outputs[0]!.shape[3]!;
  const size: Size = [outHeight * strideHeight, outWidth * strideWidth];
  const images = addPixelGaps(context, value, [outHeight, outWidth], channels, [strideHeight, strideWidth]);
  if (size[0] === inHeight && size[1] === inWidth) return images;
  return addPixelCrop(context, images, size, channels, [0, 0], [inHeight, inWidth]);
}
