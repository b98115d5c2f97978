import * as checks from '../core/errors/checks.js';
import { createSchedule, RATE_ADVICE, type Schedule, STEPS_ADVICE } from './schedule.js';

/**
 * Options for {@link warmup}.
 *
 * @category Optimizers
 */
export interface WarmupOptions {
  /** Number of updates over which the rate rises, at least 1. */
  readonly steps: number;
  /** Learning rate of the first update, at least 0. Default 0. */
  readonly initialLearningRate?: number;
}

/**
 * Creates a schedule that rises linearly from `initialLearningRate` to the first rate of another schedule, and then follows that schedule
 * from its step 0. Combined with {@link cosineDecay}, it is equivalent to Keras 3 `CosineDecay` with `warmup_steps` and `warmup_target`.
 *
 * Source: P. Goyal et al., Accurate, large minibatch SGD: training ImageNet in 1 hour, 2017.
 *
 * @param then - Schedule to follow after the warmup.
 * @param options - `steps` is required. `initialLearningRate`: default 0.
 * @returns A schedule for the `learningRate` of an optimizer.
 * @throws An `argument` error for an option outside its range.
 * @example
 * ```ts
 * import { cosineDecay, warmup } from 'tfjs-multitask';
 *
 * const rate = warmup(cosineDecay({ initialLearningRate: 1, decaySteps: 100 }), { steps: 10 });
 * console.log(rate(0), rate(5), rate(10), rate(60)); // 0 0.5 1 0.5
 * ```
 * @category Optimizers
 */
export function warmup(then: Schedule, options: WarmupOptions): Schedule {
  const advice = 'Write warmup(cosineDecay({ ... }), { steps: 100 }).';
  checks.callable('warmup.then', then, { noun: 'a schedule', advice });
  checks.options('warmup', options, { steps: true, initialLearningRate: true }, { advice });
  const { steps, initialLearningRate = 0 } = options;
  checks.number('warmup.steps', steps, { min: 1, advice: STEPS_ADVICE });
  checks.number('warmup.initialLearningRate', initialLearningRate, { min: 0, advice: RATE_ADVICE });
  const target = then(0);
  return createSchedule(
    { name: 'warmup', steps, from: initialLearningRate, after: then.description },
    (step) =>
      step < steps
        ? initialLearningRate + (target - initialLearningRate) * (step / steps)
        : then(step - steps),
  );
}
