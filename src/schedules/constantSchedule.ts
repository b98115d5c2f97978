import { checkMinimum, createSchedule, type Schedule } from './schedule.js';

/**
 * The same rate at every update. A plain number given as a learning rate means this, and may be changed while training
 * runs; a schedule may not.
 *
 * @param rate - At least 0.
 * @throws `argument` fault for a negative rate.
 * @example
 * ```ts
 * import { constant } from 'tfjs-multitask';
 *
 * console.log(constant(1e-3)(500)); // 0.001
 * ```
 * @category Optimisers
 */
export function constantSchedule(rate: number): Schedule {
  checkMinimum('constantSchedule.rate', rate, 0);
  return createSchedule({ name: 'constant', rate }, () => rate);
}
