import { BLOCKED_DOMAIN, padChannels } from './layout.js';
import type { LoweringContext } from './loweringContext.js';
import type { Shape4D } from './windowGeometry.js';

// These functions treat the channels of each image of a batch as channels of their own: a batch of N images in blocked layout has the bytes
// of one image with N times as many channels. A depthwise convolution can then use another filter for each image of the batch. The number
// of channels is an attribute of the convolution, so the graph must be written for one batch size.

/** Returns the number of channels of all images of a batch together, additional channels included. */
const countAllChannels = ({ channelBlock }: LoweringContext, [batchSize, , , channels]: Shape4D): number =>
  batchSize * padChannels(channels, channelBlock!);

/** Adds a node that reshapes images in blocked layout to one image whose channels are the channels of all images. */
export const addMergedImages = (context: LoweringContext, images: string, shape: Shape4D): string =>
  context.addNode('Reshape', [
    images,
    context.addIntegers([1, countAllChannels(context, shape), shape[1], shape[2]]),
  ]);

/** Adds a node that reshapes images in blocked layout to the filter of a depthwise convolution, with one filter per image and channel. */
export const addImagesAsFilter = (context: LoweringContext, images: string, shape: Shape4D): string =>
  context.addNode('Reshape', [
    images,
    context.addIntegers([countAllChannels(context, shape), 1, shape[1], shape[2]]),
  ]);

/**
 * Adds nodes that sum the products of the elements of two images of the same shape, in blocked layout, over the pixels. The product of the
 * images is not stored. The result has one element per image and channel, and the shape `[1, batch * channels, 1, 1]`.
 */
export function addImageDot(context: LoweringContext, value: string, other: string, shape: Shape4D): string {
  const inputs = [addMergedImages(context, value, shape), addImagesAsFilter(context, other, shape)];
  return context.addNode(`${BLOCKED_DOMAIN}:Conv`, inputs, {
    group: countAllChannels(context, shape),
    kernel_shape: [shape[1], shape[2]],
  });
}
