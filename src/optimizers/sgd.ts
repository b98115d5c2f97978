import type { Scalar, Tensor } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import {
  createOptimizer,
  OPTIMIZER_OPTION_NAMES,
  type Optimizer,
  type OptimizerOptions,
} from './optimizer.js';

/**
 * Options for {@link sgd}.
 *
 * @category Optimizers
 */
export interface SgdOptions extends OptimizerOptions {
  /** Fraction of the previous update that is added to the next update, at least 0 and below 1. Default 0. */
  readonly momentum?: number;
  /** Whether to use Nesterov momentum (Y. Nesterov 1983). Default false. */
  readonly nesterov?: boolean;
}

/**
 * Creates a stochastic gradient descent optimizer. Without momentum, the new weight is `w - rate·g`. With momentum, it is `w + v`, where
 * `v = momentum·v - rate·g`, or `w + momentum·v - rate·g` with `nesterov`. Equivalent to Keras 3 `SGD` (optimizers/sgd.py).
 *
 * @param options - `learningRate`: a number or a schedule, default 0.01. See {@link SgdOptions} for the other options.
 * @returns An optimizer for `fit`.
 * @throws An `argument` error for more than one clipping option, or an option outside its range.
 * @example
 * ```ts
 * import { sgd } from 'tfjs-multitask';
 *
 * console.log(sgd({ learningRate: 0.1, momentum: 0.9 }).rule.slots); // ['momentum']
 * ```
 * @category Optimizers
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  checks.options('sgd', options, { ...OPTIMIZER_OPTION_NAMES, momentum: true, nesterov: true });
  const { momentum = 0, nesterov = false } = options;
  checks.boolean('sgd.nesterov', nesterov, { advice: 'Omit it to use the default, false.' });
  checks.number('sgd.momentum', momentum, { min: 0, below: 1, defaultValue: 0 });
  const apply = (weight: Tensor, gradient: Tensor, slots: readonly Tensor[], [rate]: readonly Scalar[]) => {
    const descent = tf.mul(gradient, rate!);
    if (momentum === 0) return { weight: tf.sub(weight, descent), slots: [] };
    const velocity = tf.sub(tf.mul(slots[0]!, momentum), descent);
    const step = nesterov ? tf.sub(tf.mul(velocity, momentum), descent) : velocity;
    return { weight: tf.add(weight, step), slots: [velocity] };
  };
  return createOptimizer(
    {
      name: 'sgd',
      options: { momentum, nesterov },
      slots: momentum === 0 ? [] : ['momentum'],
      computeCoefficients: (_, rate) => [rate],
      apply,
    },
    options,
    0.01,
  );
}
