import { fitsBlocks, padChannels } from './layout.js';
import type { LoweringContext } from './loweringContext.js';
import type { Shape4D } from './windowGeometry.js';

/**
 * Adds nodes that convert a filter `[height, width, in, out]` to ONNX Runtime's blocked layout: `[out / block, in / block, height, width,
 * block of in, block of out]`. If the filter has fewer input channels than a block, the input channels form one axis before the height. The
 * graph repeats the conversion in every step, because filters change with every step. The repeated conversion is cheap, because filters are
 * small.
 */
export function addBlockedFilter(
  { addNode, addIntegers }: LoweringContext,
  filter: string,
  [height, width, channels, filters]: Shape4D,
  block: number,
): string {
  const inputBlock = Math.min(block, channels);
  const splitShape = [height, width, channels / inputBlock, inputBlock, filters / block, block];
  const order = inputBlock < block ? [4, 2, 3, 0, 1, 5] : [4, 2, 0, 1, 3, 5];
  const blocks = addNode('Transpose', [addNode('Reshape', [filter, addIntegers(splitShape)])], {
    perm: order,
  });
  return addNode('Reshape', [blocks, addIntegers([filters, channels, height, width])]);
}

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
  { addNode, addIntegers }: LoweringContext,
  filter: string,
  [height, width, channels]: Shape4D,
  block: number,
  isRotated = false,
): string {
  const taps = height * width;
  const paddedChannels = padChannels(channels, block);
  const padding = paddedChannels - channels;
  const padded =
    padding === 0 ? filter : addNode('Pad', [filter, addIntegers([0, 0, 0, 0, 0, 0, padding, 0])]);
  const split = addNode('Reshape', [padded, addIntegers([taps, paddedChannels / block, block])]);
  const reversedTaps = Array.from({ length: taps }, (_, i) => taps - 1 - i);
  const ordered = isRotated ? addNode('Gather', [split, addIntegers(reversedTaps)]) : split;
  const blocks = addNode('Transpose', [ordered], { perm: [1, 0, 2] });
  return addNode('Reshape', [blocks, addIntegers([paddedChannels, 1, height, width])]);
}
