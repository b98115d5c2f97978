import { createError } from '../core/errors/errors.js';
import type { Json } from '../core/json.js';

/**
 * A learning rate as a pure function of the number of updates so far, which is 0 before the first update. Updates are batches, not
 * epochs, as in Keras.
 *
 * @category Optimizers
 */
export interface Schedule {
  (step: number): number;
  /** Name and options. They are part of a checkpoint's fingerprint. */
  readonly description: { readonly [option: string]: Json };
}

/** Creates a schedule from its formula and its description. */
export function createSchedule(
  description: Schedule['description'],
  rate: (step: number) => number,
): Schedule {
  return Object.assign((step: number) => rate(step), { description });
}

/** Throws an `argument` error unless `value` is a finite number of at least `least`, or above `least` if `open`. */
export function checkMinimum(path: string, value: number, least: number, open = false): void {
  if (!Number.isFinite(value) || (open ? value <= least : value < least)) {
    throw createError({
      kind: 'argument',
      path,
      expected: `a number ${open ? 'above' : 'of at least'} ${least}`,
      received: String(value),
      advice: 'Rates are small numbers such as 0.001; steps count updates, not epochs.',
    });
  }
}
