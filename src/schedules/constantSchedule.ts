import * as checks from '../core/errors/checks.js';
import { createSchedule, RATE_ADVICE, type Schedule } from './schedule.js';

/**
 * Creates a schedule with the same learning rate at every update. Unlike a plain number as `learningRate`, a schedule cannot be changed by
 * callbacks such as `reduceLROnPlateau`.
 *
 * @param rate - Learning rate, at least 0.
 * @returns A schedule for the `learningRate` of an optimizer.
 * @throws An `argument` error for a negative rate.
 * @example
 * ```ts
 * import { constantSchedule } from 'tfjs-multitask';
 *
 * console.log(constantSchedule(1e-3)(500)); // 0.001
 * ```
 * @category Optimizers
 */
export function constantSchedule(rate: number): Schedule {
  checks.noOptions('constantSchedule', arguments[1]);
  checks.number('constantSchedule.rate', rate, { min: 0, advice: RATE_ADVICE });
  return createSchedule({ name: 'constant', rate }, () => rate);
}
