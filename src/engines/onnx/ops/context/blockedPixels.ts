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

/**
 * Adds nodes that insert `stride - 1` rows and columns of zeros after each row and column of images in blocked layout. A single `Pad`
 * inserts both, because in the shape `[blocks, height, 1, width, block]` a row of zeros follows on the third axis, and a pixel of zeros on
 * the last axis.
 */
export function addPixelGaps(
  context: LoweringContext,
  images: string,
  [height, width]: Size,
  channels: number,
  [strideHeight, strideWidth]: readonly [number, number],
): string {
  if (strideHeight === 1 && strideWidth === 1) return images;
  const { addNode, addIntegers, channelBlock } = context;
  const block = channelBlock!;
  const rows = addNode('Reshape', [images, addIntegers([INFER_SIZE, height, 1, width, block])]);
  const gaps = [strideHeight - 1, 0, (strideWidth - 1) * block];
  const padded = addNode('Pad', [rows, addIntegers([0, 0, 0, 0, 0, 0, 0, ...gaps])]);
  return addImageShape(context, padded, [height * strideHeight, width * strideWidth], channels);
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
