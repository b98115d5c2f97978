import { expect } from 'vitest';

/** Returns the largest absolute value, or 1e-30 if all values are 0. */
export function largest(values: ArrayLike<number>): number {
  let max = 1e-30;
  for (let i = 0; i < values.length; i++) max = Math.max(max, Math.abs(values[i]!));
  return max;
}

/**
 * Fails unless every number is within `tolerance` (absolute) of the Keras value. The message reports the element with
 * the largest error.
 */
export function expectClose(
  actual: ArrayLike<number>,
  keras: ArrayLike<number>,
  tolerance: number,
  name = 'value',
): void {
  expect(actual.length, `${name}: number of elements`).toBe(keras.length);
  let worst = -1;
  let worstIndex = 0;
  for (let i = 0; i < keras.length; i++) {
    const distance = Math.abs(actual[i]! - keras[i]!);
    if (distance <= worst) continue;
    worstIndex = i;
    worst = distance; // A NaN difference fails the check below.
    if (Number.isNaN(distance)) break;
  }
  if (worst <= tolerance) return;
  expect.fail(
    `${name}, element ${worstIndex}: ${actual[worstIndex]} received, ${keras[worstIndex]} in Keras; ${worst} apart, ${tolerance} allowed`,
  );
}

/** Fails unless every number is within `tolerance` of the Keras value, relative to the largest Keras value. */
export function expectCloseToLargest(
  actual: ArrayLike<number>,
  keras: ArrayLike<number>,
  share: number,
  name = 'value',
): void {
  expectClose(actual, keras, share * largest(keras), name);
}
