import * as checks from '../core/errors/checks.js';
import { createSchedule, RATE_ADVICE, type Schedule, STEPS_ADVICE } from './schedule.js';

/**
 * Options for {@link exponentialDecay}.
 *
 * @category Optimizers
 */
export interface ExponentialDecayOptions {
  /** Learning rate of the first update, above 0. */
  readonly initialLearningRate: number;
  /**
   * Number of updates after which the rate has been multiplied by `decayRate` once, at least 1. Pass the number of batches in an epoch for
   * one decay per epoch.
   */
  readonly decaySteps: number;
  /** Factor by which the rate is multiplied every `decaySteps` updates, above 0. For example, 0.95 reduces the rate by 5%. */
  readonly decayRate: number;
  /** If true, the rate changes only once every `decaySteps` updates; if false (default), it changes a little at each update. */
  readonly staircase?: boolean;
}

/**
 * Creates the schedule `initialLearningRate · decayRate^(step / decaySteps)`. With `staircase`, the exponent is rounded down. Equivalent to
 * Keras 3 `ExponentialDecay` (optimizers/schedules/learning_rate_schedule.py).
 *
 * @param options - `initialLearningRate`, `decaySteps` and `decayRate` are required. `staircase`: default false.
 * @returns A schedule for the `learningRate` of an optimizer.
 * @throws An `argument` error for an option outside its range.
 * @example
 * ```ts
 * import { exponentialDecay } from 'tfjs-multitask';
 *
 * const rate = exponentialDecay({ initialLearningRate: 1, decaySteps: 2, decayRate: 0.5 });
 * console.log(rate(0), rate(2), rate(4)); // 1 0.5 0.25
 * ```
 * @category Optimizers
 */
export function exponentialDecay(options: ExponentialDecayOptions): Schedule {
  checks.options('exponentialDecay', options, {
    initialLearningRate: true,
    decaySteps: true,
    decayRate: true,
    staircase: true,
  });
  const { initialLearningRate, decaySteps, decayRate, staircase = false } = options;
  checks.number('exponentialDecay.initialLearningRate', initialLearningRate, {
    above: 0,
    advice: RATE_ADVICE,
  });
  checks.number('exponentialDecay.decaySteps', decaySteps, { min: 1, advice: STEPS_ADVICE });
  checks.number('exponentialDecay.decayRate', decayRate, {
    above: 0,
    advice: 'Pass the factor of one decay, for example 0.95.',
  });
  checks.boolean('exponentialDecay.staircase', staircase, { advice: 'Omit it to use the default, false.' });
  return createSchedule(
    { name: 'exponentialDecay', initial: initialLearningRate, decaySteps, rate: decayRate, staircase },
    (step) => {
      const exponent = step / decaySteps;
      return initialLearningRate * decayRate ** (staircase ? Math.floor(exponent) : exponent);
    },
  );
}
