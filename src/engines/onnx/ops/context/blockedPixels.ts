import { padChannels } from './layout.js';
import type { LoweringContext } from './loweringContext.js';
import { INFER_SIZE } from './shapeConstants.js';

/** Height and width of an image in pixels. */
export type Size = readonly [height: number, width: number];
/** Pixels above an image, to its left, below it and to its right. */
export type Margins = readonly [top: number, left: number, bottom: number, right: number];

/** Adds a node that reshapes images in blocked layout to `[blocks, height, width, block]`, the order of their elements. */
export const addPixelShape = (
  { addNode, addIntegers, channelBlock }: LoweringContext,
  images: string,
  size: Size,
): string => addNode('Reshape', [images, addIntegers([INFER_SIZE, ...size, channelBlock!])]);

/** Adds a node that reshapes a value to the declared shape of images in blocked layout with `channels` channels. */
export const addImageShape = (
  { addNode, addIntegers, channelBlock }: LoweringContext,
  value: string,
  size: Size,
  channels: number,
): string =>
  addNode('Reshape', [value, addIntegers([INFER_SIZE, padChannels(channels, channelBlock!), ...size])]);

/**
 * Adds nodes that pad images in blocked layout with pixels whose elements are `value`. The size `size` is that of the images without
 * padding. Returns the images unchanged if there is nothing to pad.
 */
export function addPixelPads(
  context: LoweringContext,
  images: string,
  [height, width]: Size,
  channels: number,
  [top, left, bottom, right]: Margins,
  value: number,
): string {
  if (top + left + bottom + right === 0) return images;
  const { addNode, addIntegers, addFloats } = context;
  const padded = addNode('Pad', [
    addPixelShape(context, images, [height, width]),
    addIntegers([top, left, bottom, right]),
    addFloats([value]),
    addIntegers([1, 2]),
  ]);
  return addImageShape(context, padded, [height + top + bottom, width + left + right], channels);
}

/** Adds nodes that select the pixels of images in blocked layout from row `top` and column `left`. `cropSize` is the size of the result. */
export function addPixelCrop(
  context: LoweringContext,
  images: string,
  size: Size,
  channels: number,
  [top, left]: readonly [top: number, left: number],
  cropSize: Size,
): string {
  const { addNode, addIntegers } = context;
  const [height, width] = cropSize;
  const cropped = addNode('Slice', [
    addPixelShape(context, images, size),
    addIntegers([top, left]),
    addIntegers([top + height, left + width]),
    addIntegers([1, 2]),
  ]);
  return addImageShape(context, cropped, cropSize, channels);
}
