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
