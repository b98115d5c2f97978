import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';

/** Arbitrary shapes with one to four axes of size one to four. */
export const shape = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });

/** Creates an arbitrary of float32 tensors of multiples of 1/8 between `min` and `max`, so that ties, zeros and integers are frequent. */
export const eighths = (size: readonly number[], min = -3, max = 3) => tensors(size, min * 8, max * 8, 1 / 8);

/** Creates an arbitrary of int32 tensors. */
export const integers = (size: readonly number[], min = -5, max = 5) => tensors(size, min, max, 1, 'int32');

/** Creates an arbitrary of boolean tensors. */
export const booleans = (size: readonly number[]) => tensors(size, 0, 1, 1, 'bool');

function tensors(
  size: readonly number[],
  min: number,
  max: number,
  unit: number,
  dtype: 'float32' | 'int32' | 'bool' = 'float32',
) {
  const count = tf.util.sizeFromShape([...size]);
  return fc
    .array(fc.integer({ min, max }), { minLength: count, maxLength: count })
    .map((list) => tf.tensor(list.map((value) => value * unit) as number[], [...size], dtype));
}

/** Arbitrary pairs of shapes that can be broadcast to each other. */
export const shapePair = shape.chain((fullShape) =>
  fc
    .tuple(
      fc.array(fc.boolean(), { minLength: fullShape.length, maxLength: fullShape.length }),
      fc.nat(fullShape.length),
      fc.boolean(),
    )
    .map(([keepsSize, removedAxes, isSwapped]) => {
      const part = fullShape.map((size, axis) => (keepsSize[axis] ? size : 1)).slice(removedAxes);
      return isSwapped ? ([part, fullShape] as const) : ([fullShape, part] as const);
    }),
);

/** Tolerance of float32 results: the rounding error of a value is 6e-8, and sums have up to a few hundred terms. */
export const CLOSE = 1e-5;
