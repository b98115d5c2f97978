import { checkMinimum, createSchedule, type Schedule } from './schedule.js';

/**
 * Options of {@link cosineDecay}.
 *
 * @category Optimisers
 */
export interface CosineDecayOptions {
  /** Rate where the decay begins, above 0. */
  readonly initialLearningRate: number;
  /** Updates that the fall takes; at least 1. */
  readonly decaySteps: number;
  /** The lowest rate, as a share of `initial`: 0 to 1, default 0. */
  readonly alpha?: number;
}

/**
 * Half a cosine wave from `initial` down to `alpha · initial`, constant from then on. Same as Keras 3 `CosineDecay`
 * (optimizers/schedules/learning_rate_schedule.py) without its warm-up: for that, see {@link warmup}.
 *
 * Source: I. Loshchilov and F. Hutter, SGDR: stochastic gradient descent with warm restarts, 2016.
 *
 * @throws `argument` fault for a number out of its range.
 * @example
 * ```ts
 * import { cosineDecay } from 'tfjs-multitask';
 *
 * const rate = cosineDecay({ initial: 1, decaySteps: 100 });
 * console.log(rate(0), rate(50), rate(100)); // 1 0.5 0
 * ```
 * @category Optimisers
 */
export function cosineDecay({ initialLearningRate, decaySteps, alpha = 0 }: CosineDecayOptions): Schedule {
  checkMinimum('cosineDecay.initialLearningRate', initialLearningRate, 0, true);
  checkMinimum('cosineDecay.decaySteps', decaySteps, 1);
  checkMinimum('cosineDecay.alpha', alpha, 0);
  return createSchedule({ name: 'cosineDecay', initial: initialLearningRate, decaySteps, alpha }, (step) => {
    const part = Math.min(step, decaySteps) / decaySteps;
    const cosine = 0.5 * (1 + Math.cos(Math.PI * part));
    return initialLearningRate * ((1 - alpha) * cosine + alpha);
  });
}
