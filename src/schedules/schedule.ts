import type { Json } from '../core/json.js';

/**
 * Learning rate schedule: a pure function that computes the learning rate from the number of previous weight updates, which is 0 for the
 * first update. As in Keras, a schedule counts updates, not epochs.
 *
 * @category Optimizers
 */
export interface Schedule {
  (step: number): number;
  /** Name and options of the schedule. A run can only be resumed if these options are unchanged. */
  readonly description: { readonly [option: string]: Json };
}

/** Creates a schedule from a function that computes the learning rate, and attaches its description. */
export function createSchedule(
  description: Schedule['description'],
  rate: (step: number) => number,
): Schedule {
  return Object.assign((step: number) => rate(step), { description });
}

/** Advice for an invalid learning rate of a schedule. */
export const RATE_ADVICE = 'Pass a learning rate, for example 0.001.';

/** Advice for an invalid number of steps of a schedule. */
export const STEPS_ADVICE = 'Pass a number of weight updates, not a number of epochs.';
