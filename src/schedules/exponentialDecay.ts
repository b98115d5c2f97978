import { checkMinimum, createSchedule, type Schedule } from './schedule.js';

/**
 * Options of {@link exponentialDecay}.
 *
 * @category Optimisers
 */
export interface ExponentialDecayOptions {
  /** Rate of the first update, above 0. */
  readonly initialLearningRate: number;
  /** Updates in which the rate falls by `rate` once; at least 1. The number of batches in an epoch, for a fall an epoch. */
  readonly decaySteps: number;
  /** Factor, above 0; 0.95 takes away a twentieth. */
  readonly decayRate: number;
  /** Fall in steps, at every `decaySteps`-th update, instead of a little at each. Default false. */
  readonly staircase?: boolean;
}

/**
 * `initial · rate^(step / decaySteps)`; with `staircase` the exponent is rounded down. Same as Keras 3
 * `ExponentialDecay` (optimizers/schedules/learning_rate_schedule.py).
 *
 * @throws `argument` fault for a number out of its range.
 * @example
 * ```ts
 * import { exponentialDecay } from 'tfjs-multitask';
 *
 * const rate = exponentialDecay({ initial: 1, decaySteps: 2, rate: 0.5 });
 * console.log(rate(0), rate(2), rate(4)); // 1 0.5 0.25
 * ```
 * @category Optimisers
 */
export function exponentialDecay(options: ExponentialDecayOptions): Schedule {
  const { initialLearningRate, decaySteps, decayRate, staircase = false } = options;
  checkMinimum('exponentialDecay.initialLearningRate', initialLearningRate, 0, true);
  checkMinimum('exponentialDecay.decaySteps', decaySteps, 1);
  checkMinimum('exponentialDecay.decayRate', decayRate, 0, true);
  return createSchedule(
    { name: 'exponentialDecay', initial: initialLearningRate, decaySteps, rate: decayRate, staircase },
    (step) => {
      const exponent = step / decaySteps;
      return initialLearningRate * decayRate ** (staircase ? Math.floor(exponent) : exponent);
    },
  );
}
