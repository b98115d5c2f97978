import type { Tensor1D } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import type { Loss } from './loss.js';

/**
 * Options for {@link huber}.
 *
 * @category Losses and metrics
 */
export interface HuberOptions {
  /** Absolute error above which the loss is linear instead of quadratic, in the unit of the target. Greater than 0. Default 1. */
  readonly delta?: number;
}

/**
 * Creates the Huber loss. Its value for one example is `e²/2` for an error `e` up to `delta`, and `delta·|e| - delta²/2` for a larger
 * error, so that a few incorrect labels do not dominate the gradient. Equivalent to Keras 3 `huber` (losses/losses.py) with
 * `reduction=None`.
 *
 * Source: P. J. Huber, Robust estimation of a location parameter, 1964.
 *
 * @param options - `delta`: absolute error above which the loss is linear. Default 1.
 * @returns A loss named `huber`.
 * @throws An `argument` error if `delta` is not above 0.
 * @example
 * ```ts
 * import { huber, regression } from 'tfjs-multitask';
 *
 * console.log(regression({ unit: 'years', loss: huber({ delta: 5 }) }).loss.options); // { delta: 5 }
 * ```
 * @category Losses and metrics
 */
export function huber(options: HuberOptions = {}): Loss {
  checks.options('huber', options, { delta: true });
  const { delta = 1 } = options;
  checks.number('huber.delta', delta, {
    above: 0,
    advice: 'Pass the absolute error above which the loss grows linearly, in the unit of the target.',
  });
  return {
    name: 'huber',
    options: { delta },
    perExample: (prediction, target) => {
      const error = tf.abs(tf.sub(prediction, target));
      // min(error, delta) is the quadratic part of the error; the rest is linear.
      const squared = tf.minimum(error, delta);
      const linear = tf.sub(error, squared);
      return tf.mean(tf.add(tf.mul(tf.square(squared), 0.5), tf.mul(linear, delta)), 1) as Tensor1D;
    },
  };
}
