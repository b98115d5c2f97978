import type { LoweringContext } from './loweringContext.js';
import type { Shape4D } from './windowGeometry.js';

/**
 * Returns whether a convolution in the graph of a training step has a 1x1 filter and images of a single pixel, as in squeeze-and-excitation.
 * Such a convolution is a matrix product. `name` is the kernel input that contains the images.
 */
export function isSinglePixel(
  { call, countExamples, getAttribute }: LoweringContext,
  name: string,
  [filterHeight, filterWidth]: Shape4D,
): boolean {
  const [, height, width] = call.inputs[name]!.shape as Shape4D;
  const isUnpadded = ['valid', 'same', 0].includes(getAttribute<string | number>('pad'));
  return (
    countExamples(name) !== undefined &&
    isUnpadded &&
    [filterHeight, filterWidth, height, width].every((size) => size === 1)
  );
}
