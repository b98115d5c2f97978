import type { Tensor1D } from '@tensorflow/tfjs';
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
