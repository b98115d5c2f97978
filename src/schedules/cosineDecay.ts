import * as checks from '../core/errors/checks.js';
import { createSchedule, RATE_ADVICE, type Schedule, STEPS_ADVICE } from './schedule.js';

/**
 * Options for {@link cosineDecay}.
 *
 * @category Optimizers
 */
export interface CosineDecayOptions {
  /** Learning rate of the first update, above 0. */
  readonly initialLearningRate: number;
  /** Number of updates after which the rate reaches its lowest value, at least 1. */
  readonly decaySteps: number;
  /** Lowest rate as a fraction of `initialLearningRate`, 0 to 1. Default 0. */
  readonly alpha?: number;
}

/**
 * Creates a schedule that follows half a cosine wave from `initialLearningRate` to `alpha · initialLearningRate` and then stays constant.
 * Equivalent to Keras 3 `CosineDecay` (optimizers/schedules/learning_rate_schedule.py) without warmup. To add a warmup, use {@link warmup}.
 *
 * Source: I. Loshchilov and F. Hutter, SGDR: stochastic gradient descent with warm restarts, 2016.
 *
 * @param options - `initialLearningRate` and `decaySteps` are required. `alpha`: default 0.
 * @returns A schedule for the `learningRate` of an optimizer.
 * @throws An `argument` error for an option outside its range.
 * @example
 * ```ts
 * import { cosineDecay } from 'tfjs-multitask';
 *
 * const rate = cosineDecay({ initialLearningRate: 1, decaySteps: 100 });
 * console.log(rate(0), rate(50), rate(100)); // 1 0.5 0
 * ```
 * @category Optimizers
 */
export function cosineDecay(options: CosineDecayOptions): Schedule {
  checks.options('cosineDecay', options, { initialLearningRate: true, decaySteps: true, alpha: true });
  const { initialLearningRate, decaySteps, alpha = 0 } = options;
  checks.number('cosineDecay.initialLearningRate', initialLearningRate, { above: 0, advice: RATE_ADVICE });
  checks.number('cosineDecay.decaySteps', decaySteps, { min: 1, advice: STEPS_ADVICE });
  checks.number('cosineDecay.alpha', alpha, {
    min: 0,
    advice: 'Pass the lowest rate as a fraction of the initial rate, for example 0.1.',
  });
  return createSchedule({ name: 'cosineDecay', initial: initialLearningRate, decaySteps, alpha }, (step) => {
    const progress = Math.min(step, decaySteps) / decaySteps;
    const cosine = 0.5 * (1 + Math.cos(Math.PI * progress));
    return initialLearningRate * ((1 - alpha) * cosine + alpha);
  });
}
