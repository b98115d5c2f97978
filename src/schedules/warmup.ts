import { checkMinimum, createSchedule, type Schedule } from './schedule.js';

/**
 * Options of {@link warmup}.
 *
 * @category Optimisers
 */
export interface WarmupOptions {
  /** Updates that the rise takes; at least 1. */
  readonly steps: number;
  /** Rate of the first update, at least 0; default 0. */
  readonly initialLearningRate?: number;
}

/**
 * A straight rise from `from` to the first rate of `then`, after which `then` begins at its own step 0. With
 * {@link cosineDecay} it is Keras 3's `CosineDecay` with `warmup_steps` and `warmup_target`.
 *
 * Source: P. Goyal et al., Accurate, large minibatch SGD: training ImageNet in 1 hour, 2017.
 *
 * @throws `argument` fault for a number out of its range.
 * @example
 * ```ts
 * import { cosineDecay, warmup } from 'tfjs-multitask';
 *
 * const rate = warmup(cosineDecay({ initial: 1, decaySteps: 100 }), { steps: 10 });
 * console.log(rate(0), rate(5), rate(10), rate(60)); // 0 0.5 1 0.5
 * ```
 * @category Optimisers
 */
export function warmup(then: Schedule, { steps, initialLearningRate = 0 }: WarmupOptions): Schedule {
  checkMinimum('warmup.steps', steps, 1);
  checkMinimum('warmup.initialLearningRate', initialLearningRate, 0);
  const target = then(0);
  return createSchedule(
    { name: 'warmup', steps, from: initialLearningRate, after: then.description },
    (step) =>
      step < steps
        ? initialLearningRate + (target - initialLearningRate) * (step / steps)
        : then(step - steps),
  );
}
