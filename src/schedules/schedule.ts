import type { Json } from '../core/json.js';

/**
 * A learning rate as a pure function of the number of updates so far, which is 0 before the first update. As in Keras, a schedule counts
 * weight updates, not epochs.
 *
 * @category Optimizers
 */
export interface Schedule {
  (step: number): number;
  /** Name and options. They are part of a checkpoint's fingerprint. */
  readonly description: { readonly [option: string]: Json };
}

/** Creates a schedule from a formula and a description. */
export function createSchedule(
  description: Schedule['description'],
  rate: (step: number) => number,
): Schedule {
  return Object.assign((step: number) => rate(step), { description });
}

/** Advice for an invalid learning rate or factor of a schedule. */
export const RATE_ADVICE = 'Pass a small number, for example 0.001.';

/** Advice for an invalid number of steps. */
export const STEPS_ADVICE = 'Pass a number of weight updates, not a number of epochs.';
