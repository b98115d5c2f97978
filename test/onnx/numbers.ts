import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';

/** Shapes of one to four axes of one to four places. */
export const shape = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });

/** Tensors of `size` float32 eighths between `min` and `max`, so that ties, zeros and whole numbers are frequent. */
export const eighths = (size: readonly number[], min = -3, max = 3) => made(size, min * 8, max * 8, 1 / 8);

/** Tensors of `size` whole numbers, int32. */
export const integers = (size: readonly number[], min = -5, max = 5) => made(size, min, max, 1, 'int32');

/** Tensors of `size` truths. */
export const truths = (size: readonly number[]) => made(size, 0, 1, 1, 'bool');

function made(
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

/** Two shapes that are broadcast to each other. */
export const shapePair = shape.chain((whole) =>
  fc
    .tuple(
      fc.array(fc.boolean(), { minLength: whole.length, maxLength: whole.length }),
      fc.nat(whole.length),
      fc.boolean(),
    )
    .map(([kept, cut, swapped]) => {
      const part = whole.map((size, axis) => (kept[axis] ? size : 1)).slice(cut);
      return swapped ? ([part, whole] as const) : ([whole, part] as const);
    }),
);

/** Why 1e-5: both sides are float32, whose rounding is 6e-8, over sums of up to some hundred terms. */
export const CLOSE = 1e-5;
