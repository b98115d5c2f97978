import type { Scalar, Tensor } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import {
  createOptimizer,
  OPTIMIZER_OPTION_NAMES,
  type Optimizer,
  type OptimizerOptions,
  type UpdateRule,
} from './optimizer.js';

/**
 * Options for {@link adam}.
 *
 * @category Optimizers
 */
export interface AdamOptions extends OptimizerOptions {
  /** Decay rate of the moving average of the gradient, at least 0 and below 1. Default 0.9. */
  readonly beta1?: number;
  /** Decay rate of the moving average of the squared gradient, at least 0 and below 1. Default 0.999. */
  readonly beta2?: number;
  /**
   * Constant that is added to the square root of the squared gradient's average, outside the bias correction. Greater than 0. Default 1e-7.
   */
  readonly epsilon?: number;
}

/**
 * Options for {@link adamw}.
 *
 * @category Optimizers
 */
export interface AdamWOptions extends AdamOptions {
  /** Decoupled weight decay, at least 0. Default 0.004, as in Keras. */
  readonly weightDecay?: number;
}

/**
 * Creates an Adam optimizer (D. P. Kingma and J. Ba, 2014). Equivalent to Keras 3 `Adam` (optimizers/adam.py): epsilon is added outside the
 * bias correction, `w - rate·√(1 - β₂ᵗ)/(1 - β₁ᵗ) · m/(√v + ε)`. In TensorFlow.js and in the paper, epsilon is added inside the bias
 * correction, which makes the steps several times larger for gradients near `epsilon`.
 *
 * @param options - `learningRate`: a number or a schedule, default 0.001. See {@link AdamOptions} for the other options.
 * @returns An optimizer for `fit`.
 * @throws An `argument` error for more than one clipping option, or an option outside its range.
 * @example
 * ```ts
 * import { adam, exponentialDecay } from 'tfjs-multitask';
 *
 * const optimizer = adam({
 *   learningRate: exponentialDecay({ initialLearningRate: 1e-3, decaySteps: 125, decayRate: 0.95 }),
 *   globalClipNorm: 1,
 * });
 * console.log(optimizer.rule.slots); // ['m', 'v']
 * ```
 * @category Optimizers
 */
export function adam(options: AdamOptions = {}): Optimizer {
  checkAdamOptions('adam', options);
  return createOptimizer(createAdamRule('adam', options), options, 1e-3);
}

/**
 * Creates an Adam optimizer with decoupled weight decay (I. Loshchilov and F. Hutter, 2017). Equivalent to Keras 3 `AdamW`
 * (optimizers/adamw.py): before each update, all weights, including biases, are multiplied by `1 - rate · weightDecay`.
 *
 * @param options - `learningRate`: a number or a schedule, default 0.001. `weightDecay`: default 0.004. See {@link AdamWOptions} for the
 *   other options.
 * @returns An optimizer for `fit`.
 * @throws An `argument` error for more than one clipping option, or an option outside its range.
 * @example
 * ```ts
 * import { adamw } from 'tfjs-multitask';
 *
 * console.log(adamw({ weightDecay: 0.01 }).weightDecay); // 0.01
 * ```
 * @category Optimizers
 */
export function adamw(options: AdamWOptions = {}): Optimizer {
  checkAdamOptions('adamw', options);
  return createOptimizer(createAdamRule('adamw', options), { weightDecay: 0.004, ...options }, 1e-3);
}

function checkAdamOptions(name: string, options: AdamOptions): void {
  checks.options(name, options, { ...OPTIMIZER_OPTION_NAMES, beta1: true, beta2: true, epsilon: true });
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
