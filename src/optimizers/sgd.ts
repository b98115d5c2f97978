import type { Scalar, Tensor } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import { createOptimizer, type Optimizer, type OptimizerOptions } from './optimizer.js';

/**
 * Options of {@link sgd}.
 *
 * @category Optimisers
 */
export interface SgdOptions extends OptimizerOptions {
  /** Share of the last step that is made again, 0 up to 1; default 0. */
  readonly momentum?: number;
  /** Look ahead along the momentum (Nesterov 1983); default false. */
  readonly nesterov?: boolean;
}

/**
 * Stochastic gradient descent: `w - rate·g`; with momentum `v = momentum·v - rate·g`, then `w + v`, or with `nesterov`
 * `w + momentum·v - rate·g`. Default rate 0.01. Same as Keras 3 `SGD` (optimizers/sgd.py).
 *
 * @throws `argument` fault for a momentum outside 0..1.
 * @example
 * ```ts
 * import { sgd } from 'tfjs-multitask';
 *
 * console.log(sgd({ learningRate: 0.1, momentum: 0.9 }).rule.slots); // ['momentum']
 * ```
 * @category Optimisers
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  const { momentum = 0, nesterov = false } = options;
  checks.number('sgd.momentum', momentum, { min: 0, below: 1, defaultValue: 0 });
  const apply = (weight: Tensor, gradient: Tensor, slots: readonly Tensor[], [rate]: readonly Scalar[]) => {
    const move = tf.mul(gradient, rate!);
    if (momentum === 0) return { weight: tf.sub(weight, move), slots: [] };
    const velocity = tf.sub(tf.mul(slots[0]!, momentum), move);
    const step = nesterov ? tf.sub(tf.mul(velocity, momentum), move) : velocity;
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
