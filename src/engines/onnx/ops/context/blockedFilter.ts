import { BLOCKED_DOMAIN, fitsBlocks, padChannels } from './layout.js';
import type { LoweringContext } from './loweringContext.js';
import type { Shape4D } from './windowGeometry.js';

// A graph repeats the conversion of a filter in every step, because filters change with every step. Both functions move most of the data
// with `ReorderInput`, which is several times as fast as a transpose that moves single elements. The transpose that remains for filters
// larger than 1x1 moves whole blocks.

/**
 * Adds nodes that convert a filter `[height, width, in, out]` to ONNX Runtime's blocked layout: `[out / block, in / block, height, width,
 * block of in, block of out]`. If the filter has fewer input channels than a block, the input channels form one axis before the height.
 */
export function addBlockedFilter(
  context: LoweringContext,
  filter: string,
  [height, width, channels, filters]: Shape4D,
  block: number,
): string {
  const { addNode, addIntegers } = context;
  const inputBlock = channels < block ? 1 : block;
  const taps = height * width;
  const rows = addNode('Reshape', [filter, addIntegers([1, taps * channels, 1, filters])]);
  // The bytes are those of an array [out / block, taps, in, block of out].
  const blocks = addNode(`${BLOCKED_DOMAIN}:ReorderInput`, [rows], { channels_last: 1 });
  const splitShape = [filters / block, taps, channels / inputBlock, inputBlock * block];
  const ordered = taps === 1 ? blocks : addMovedBlocks(context, blocks, splitShape, [0, 2, 1, 3]);
  return addNode('Reshape', [ordered, addIntegers([filters, channels, height, width])]);
}

/**
 * Adds nodes that rotate a filter `[height, width, in, out]` by 180 degrees, swap its channel axes, and convert it to the blocked layout of
 * {@link addBlockedFilter}. A convolution with the result computes the gradient with respect to the input. Both channel counts must be
 * multiples of `block`.
 */
export function addRotatedBlockedFilter(
  context: LoweringContext,
  filter: string,
  [height, width, channels, filters]: Shape4D,
  block: number,
): string {
  const { addNode, addIntegers } = context;
  const taps = height * width;
  const images = addNode('Reshape', [filter, addIntegers([taps, channels, 1, filters])]);
  // The bytes are those of an array [taps, in / block, out, block of in].
  const blocks = addNode(`${BLOCKED_DOMAIN}:ReorderInput`, [addReversedTaps(context, images, taps)], {
    channels_last: 0,
  });
  const splitShape = [taps, channels / block, filters / block, block * block];
  const ordered = taps === 1 ? blocks : addMovedBlocks(context, blocks, splitShape, [1, 2, 0, 3]);
  return addNode('Reshape', [ordered, addIntegers([channels, filters, height, width])]);
}

/** Adds nodes that exchange the axes of an array whose last axis is a whole block. */
const addMovedBlocks = (
  { addNode, addIntegers }: LoweringContext,
  value: string,
  shape: readonly number[],
  perm: number[],
): string => addNode('Transpose', [addNode('Reshape', [value, addIntegers(shape)])], { perm });

/** Adds a node that reverses the order of the taps of a filter, its first axis, which rotates the filter by 180 degrees. */
const addReversedTaps = ({ addNode, addIntegers }: LoweringContext, value: string, taps: number): string =>
  taps === 1
    ? value
    : addNode('Gather', [value, addIntegers(Array.from({ length: taps }, (_, i) => taps - 1 - i))]);

/**
 * Adds nodes that pad a filter `[height, width, in, out]` with zeros for the additional channels of images in blocked layout. Input channels
 * that are not stored in blocks are not padded. Returns the padded filter and its shape.
 */
export function addPaddedFilter(
  { addNode, addIntegers }: LoweringContext,
  filter: string,
  [height, width, channels, filters]: Shape4D,
  block: number,
): { readonly value: string; readonly shape: Shape4D } {
  const pad = (count: number) => (fitsBlocks(count, block) ? padChannels(count, block) : count);
  const shape: Shape4D = [height, width, pad(channels), pad(filters)];
  const padding = [shape[2] - channels, shape[3] - filters] as const;
  if (padding[0] + padding[1] === 0) return { value: filter, shape };
  return { value: addNode('Pad', [filter, addIntegers([0, 0, 0, 0, 0, 0, ...padding])]), shape };
}

/**
 * Adds nodes that convert the filter `[height, width, channels, 1]` of a depthwise convolution to blocked layout, `[channels / block, height,
 * width, block]`. If `isRotated` is true, the filter is rotated by 180 degrees, as for the gradient with respect to the input.
 */
export function addDepthwiseBlockedFilter(
  context: LoweringContext,
  filter: string,
  [height, width, channels]: Shape4D,
  block: number,
  isRotated = false,
): string {
  const { addNode, addIntegers } = context;
  const taps = height * width;
  const { value, shape } = addPaddedFilter(context, filter, [height, width, channels, 1], block);
  const paddedChannels = shape[2];
  const split = addNode('Reshape', [value, addIntegers([taps, paddedChannels / block, block])]);
  const ordered = isRotated ? addReversedTaps(context, split, taps) : split;
  const blocks = addNode('Transpose', [ordered], { perm: [1, 0, 2] });
  return addNode('Reshape', [blocks, addIntegers([paddedChannels, 1, height, width])]);
}
