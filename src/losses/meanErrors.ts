import type { Tensor1D } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import type { Loss } from './loss.js';

/**
 * Creates the mean squared error loss. Its value for one example is the mean of `(prediction - target)²` over the outputs, in the squared
 * unit of the target. Equivalent to Keras 3 `mean_squared_error` (losses/losses.py) with `reduction=None`.
 *
 * @returns A loss named `mean_squared_error`, the default loss of {@link regression}.
 * @example
 * ```ts
 * import { meanSquaredError, regression } from 'tfjs-multitask';
 *
 * console.log(regression({ unit: 'years', loss: meanSquaredError() }).loss.name); // mean_squared_error
 * ```
 * @category Losses and metrics
 */
export function meanSquaredError(): Loss {
  checks.noOptions('meanSquaredError', arguments[0]);
  return {
    name: 'mean_squared_error',
    options: {},
    perExample: (prediction, target) => tf.mean(tf.square(tf.sub(prediction, target)), 1) as Tensor1D,
  };
}

/**
 * Creates the mean absolute error loss. Its value for one example is the mean of `|prediction - target|` over the outputs, in the unit of
 * the target. Equivalent to Keras 3 `mean_absolute_error` (losses/losses.py) with `reduction=None`.
 *
 * @returns A loss named `mean_absolute_error`.
 * @example
 * ```ts
 * import { meanAbsoluteError, regression } from 'tfjs-multitask';
 *
 * console.log(regression({ unit: 'years', loss: meanAbsoluteError() }).loss.name); // mean_absolute_error
 * ```
 * @category Losses and metrics
 */
export function meanAbsoluteError(): Loss {
  checks.noOptions('meanAbsoluteError', arguments[0]);
  return {
    name: 'mean_absolute_error',
    options: {},
    perExample: (prediction, target) => {
      const error = tf.sub(prediction, target);
      // This equals |error|, but its gradient is 0 where the error is 0, as in Keras. The gradient of `tf.abs` at 0 is -1.
      return tf.mean(tf.mul(error, tf.sign(error)), 1) as Tensor1D;
    },
  };
}
