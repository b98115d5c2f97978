import type { Tensor1D } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import type { Loss } from './loss.js';

/**
 * Mean squared error per example: the mean of `(prediction - target)²` over the units, in the unit of the target
 * squared. Same as Keras 3 `mean_squared_error` (losses/losses.py) with `reduction=None`.
 *
 * @example
 * ```ts
 * import { meanSquaredError, regression } from 'tfjs-multitask';
 *
 * console.log(regression({ unit: 'years', loss: meanSquaredError() }).loss.name); // mean_squared_error
 * ```
 * @category Losses and metrics
 */
export function meanSquaredError(): Loss {
  return {
    name: 'mean_squared_error',
    options: {},
    perExample: (prediction, target) => tf.mean(tf.square(tf.sub(prediction, target)), 1) as Tensor1D,
  };
}

/**
 * Mean absolute error per example: the mean of `|prediction - target|` over the units, in the unit of the target.
 * Same as Keras 3 `mean_absolute_error` (losses/losses.py) with `reduction=None`.
 *
 * @example
 * ```ts
 * import { meanAbsoluteError, regression } from 'tfjs-multitask';
 *
 * console.log(regression({ unit: 'years', loss: meanAbsoluteError() }).loss.name); // mean_absolute_error
 * ```
 * @category Losses and metrics
 */
export function meanAbsoluteError(): Loss {
  return {
    name: 'mean_absolute_error',
    options: {},
    perExample: (prediction, target) => {
      const error = tf.sub(prediction, target);
      // |e|, with the gradient 0 where there is no error; that of `tf.abs` is -1 there.
      return tf.mean(tf.mul(error, tf.sign(error)), 1) as Tensor1D;
    },
  };
}

/**
 * Options of {@link huber}.
 *
 * @category Losses and metrics
 */
export interface HuberOptions {
  /** Where the parabola becomes a line, in the unit of the target; above 0, default 1. */
  readonly delta?: number;
}

/**
 * Huber's loss per example: `e²/2` for errors up to `delta`, `delta·|e| - delta²/2` beyond, so that a few wrong labels
 * do not rule the gradient. Same as Keras 3 `huber` (losses/losses.py) with `reduction=None`.
 *
 * Source: P. J. Huber, Robust estimation of a location parameter, 1964.
 *
 * @throws `argument` fault when `delta` is not above 0.
 * @example
 * ```ts
 * import { huber, regression } from 'tfjs-multitask';
 *
 * console.log(regression({ unit: 'years', loss: huber({ delta: 5 }) }).loss.options); // { delta: 5 }
 * ```
 * @category Losses and metrics
 */
export function huber({ delta = 1 }: HuberOptions = {}): Loss {
  checks.number('huber.delta', delta, {
    above: 0,
    advice: 'Give the error, in the unit of the target, above which the loss grows linearly.',
  });
  return {
    name: 'huber',
    options: { delta },
    perExample: (prediction, target) => {
      const error = tf.abs(tf.sub(prediction, target));
      // min(e, delta) is the part of the error that counts as a square; the rest counts linearly.
      const squared = tf.minimum(error, delta);
      const linear = tf.sub(error, squared);
      return tf.mean(tf.add(tf.mul(tf.square(squared), 0.5), tf.mul(linear, delta)), 1) as Tensor1D;
    },
  };
}
