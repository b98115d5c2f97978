import { createError } from '../core/errors/errors.js';
import type { Json } from '../core/json.js';

/**
 * A learning rate as a pure function of the number of updates made so far: 0 before the first. Counted in updates
 * (batches), not epochs, as in Keras.
 *
 * @category Optimisers
 */
export interface Schedule {
  (step: number): number;
  /** Name and numbers, for a checkpoint's digest. */
  readonly description: { readonly [option: string]: Json };
}

/** A schedule from its formula and its description. */
export function createSchedule(
  description: Schedule['description'],
  rate: (step: number) => number,
): Schedule {
  return Object.assign((step: number) => rate(step), { description });
}

/** Throws unless `value` is a finite number from `least` on (or above it, when `open`). */
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
