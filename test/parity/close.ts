import { expect } from 'vitest';

/** The largest of all absolute values, or 1e-30 where all are 0. */
export function largest(values: ArrayLike<number>): number {
  let most = 1e-30;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]!));
  return most;
}

/** Fails unless every number is within `tolerance` (absolute) of Keras's, with the worst place in the message. */
export function expectClose(
  actual: ArrayLike<number>,
  keras: ArrayLike<number>,
  tolerance: number,
  what = 'value',
): void {
  expect(actual.length, `${what}: how many`).toBe(keras.length);
  let worst = -1;
  let place = 0;
  for (let i = 0; i < keras.length; i++) {
    const distance = Math.abs(actual[i]! - keras[i]!);
    if (distance <= worst) continue;
    place = i;
    worst = distance; // a NaN ends here and fails below
    if (Number.isNaN(distance)) break;
  }
  if (worst <= tolerance) return;
  expect.fail(
    `${what}, place ${place}: ${actual[place]} here, ${keras[place]} in Keras; ${worst} apart, ${tolerance} allowed`,
  );
}

/** {@link expectClose} with the tolerance as a share of the largest of Keras's numbers. */
export function expectCloseToLargest(
  actual: ArrayLike<number>,
  keras: ArrayLike<number>,
  share: number,
  what = 'value',
): void {
  expectClose(actual, keras, share * largest(keras), what);
}
