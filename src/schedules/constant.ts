import { checkNumber, type Schedule, schedule } from './schedule.js';

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
export function constant(rate: number): Schedule {
  checkNumber('constant.rate', rate, 0);
  return schedule({ name: 'constant', rate }, () => rate);
}
