import { BLOCKED_DOMAIN } from './layout.js';
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
  { addNode, addIntegers }: LoweringContext,
  filter: string,
  [height, width, channels, filters]: Shape4D,
  block: number,
): string {
  const inputBlock = channels < block ? 1 : block;
  const taps = height * width;
  const rows = addNode('Reshape', [filter, addIntegers([1, taps * channels, 1, filters])]);
  // The bytes are those of an array [out / block, taps, in, block of out].
  const blocks = addNode(`${BLOCKED_DOMAIN}:ReorderInput`, [rows], { channels_last: 1 });
  const splitShape = addIntegers([filters / block, taps, channels / inputBlock, inputBlock * block]);
  const ordered =
    taps === 1
      ? blocks
      : addNode('Transpose', [addNode('Reshape', [blocks, splitShape])], { perm: [0, 2, 1, 3] });
  return addNode('Reshape', [ordered, addIntegers([filters, channels, height, width])]);
}

/**
 * Adds nodes that rotate a filter `[height, width, in, out]` by 180 degrees, swap its channel axes, and convert it to the blocked layout of
 * {@link addBlockedFilter}. A convolution with the result computes the gradient with respect to the input. Both channel counts must be
 * multiples of `block`.
 */
export function addRotatedBlockedFilter(
  { addNode, addIntegers }: LoweringContext,
  filter: string,
  [height, width, channels, filters]: Shape4D,
  block: number,
): string {
  const taps = height * width;
  const reversedTaps = Array.from({ length: taps }, (_, i) => taps - 1 - i);
  const images = addNode('Reshape', [filter, addIntegers([taps, channels, 1, filters])]);
  const rotated = taps === 1 ? images : addNode('Gather', [images, addIntegers(reversedTaps)]);
  // The bytes are those of an array [taps, in / block, out, block of in].
  const blocks = addNode(`${BLOCKED_DOMAIN}:ReorderInput`, [rotated], { channels_last: 0 });
  const splitShape = addIntegers([taps, channels / block, filters / block, block * block]);
  const ordered =
    taps === 1
      ? blocks
      : addNode('Transpose', [addNode('Reshape', [blocks, splitShape])], { perm: [1, 2, 0, 3] });
  return addNode('Reshape', [ordered, addIntegers([channels, filters, height, width])]);
}
