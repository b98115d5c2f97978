import type { Scalar, Tensor } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import { createOptimizer, type Optimizer, type OptimizerOptions, type UpdateRule } from './optimizer.js';

/**
 * Options of {@link adam}.
 *
 * @category Optimisers
 */
export interface AdamOptions extends OptimizerOptions {
  /** Decay of the mean gradient, 0 up to 1; default 0.9. */
  readonly beta1?: number;
  /** Decay of the mean squared gradient, 0 up to 1; default 0.999. */
  readonly beta2?: number;
  /** Added to the root, outside the bias correction; default 1e-7. */
  readonly epsilon?: number;
}

/**
 * Options of {@link adamw}.
 *
 * @category Optimisers
 */
export interface AdamWOptions extends AdamOptions {
  /** Decoupled weight decay; default 0.004, as in Keras. */
  readonly weightDecay?: number;
}

/**
 * Adam (D. P. Kingma and J. Ba, 2014), default rate 0.001. Same as Keras 3 `Adam` (optimizers/adam.py): epsilon stands
 * outside the bias correction, `w - rate·√(1 - β₂ᵗ)/(1 - β₁ᵗ) · m/(√v + ε)`. TensorFlow.js and the paper put it
 * inside, which for gradients near `epsilon` makes steps several times as long.
 *
 * @throws `argument` fault for more than one clipping option, or an option out of its range.
 * @example
 * ```ts
 * import { adam, exponentialDecay } from 'tfjs-multitask';
 *
 * const optimizer = adam({
 *   learningRate: exponentialDecay({ initial: 1e-3, decaySteps: 125, rate: 0.95 }),
 *   globalClipNorm: 1,
 * });
 * console.log(optimizer.rule.slots); // ['m', 'v']
 * ```
 * @category Optimisers
 */
export function adam(options: AdamOptions = {}): Optimizer {
  return createOptimizer(createAdamRule('adam', options), options, 1e-3);
}

/**
 * Adam with decoupled weight decay (I. Loshchilov and F. Hutter, 2017), default rate 0.001 and decay 0.004. Same as
 * Keras 3 `AdamW` (optimizers/adamw.py): every weight, biases too, first loses `rate · weightDecay` of itself.
 *
 * @throws `argument` fault for more than one clipping option, or an option out of its range.
 * @example
 * ```ts
 * import { adamw } from 'tfjs-multitask';
 *
 * console.log(adamw({ weightDecay: 0.01 }).weightDecay); // 0.01
 * ```
 * @category Optimisers
 */
export function adamw(options: AdamWOptions = {}): Optimizer {
  return createOptimizer(createAdamRule('adamw', options), { weightDecay: 0.004, ...options }, 1e-3);
}

function createAdamRule(
  name: string,
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 }: AdamOptions,
): UpdateRule {
  checks.number(`${name}.beta1`, beta1, { min: 0, below: 1, defaultValue: 0.9 });
  checks.number(`${name}.beta2`, beta2, { min: 0, below: 1, defaultValue: 0.999 });
  checks.number(`${name}.epsilon`, epsilon, { above: 0, defaultValue: 1e-7 });
  return {
    name,
    options: { beta1, beta2, epsilon },
    slots: ['m', 'v'],
    computeCoefficients: (update, rate) => [(rate * Math.sqrt(1 - beta2 ** update)) / (1 - beta1 ** update)],
    apply: (weight: Tensor, gradient: Tensor, [m, v]: readonly Tensor[], [rate]: readonly Scalar[]) => {
      const mean = tf.add(m!, tf.mul(tf.sub(gradient, m!), 1 - beta1));
      const square = tf.add(v!, tf.mul(tf.sub(tf.square(gradient), v!), 1 - beta2));
      const step = tf.div(tf.mul(mean, rate!), tf.add(tf.sqrt(square), epsilon));
      return { weight: tf.sub(weight, step), slots: [mean, square] };
    },
  };
}
