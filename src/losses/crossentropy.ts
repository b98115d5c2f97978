import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import { tf } from '../tensor/tf.js';
import type { Loss } from './loss.js';

/** Smallest distance of a probability from 0 and 1, so that logarithms are finite. Equals Keras's `backend.epsilon()`. */
const EPSILON = 1e-7;

/**
 * Creates the binary cross-entropy loss. Its value for one example is `-(t·log p + (1 - t)·log(1 - p))`, where `p` is the predicted
 * probability of the second label and `t` is the target. Equivalent to Keras 3 `binary_crossentropy` (losses/losses.py) with
 * `reduction=None`: probabilities are clipped to `[1e-7, 1 - 1e-7]`, so that no loss is above 16.12.
 *
 * @returns A loss named `binary_crossentropy`, the default loss of {@link binary}.
 * @example
 * ```ts
 * import { binary, binaryCrossentropy } from 'tfjs-multitask';
 *
 * console.log(binary(['male', 'female'], { loss: binaryCrossentropy() }).loss.name); // binary_crossentropy
 * ```
 * @category Losses and metrics
 */
export function binaryCrossentropy(): Loss {
  return {
    name: 'binary_crossentropy',
    options: {},
    perExample: (prediction, target) => {
      const p = clipProbability(prediction);
      const second = tf.mul(target, tf.log(p));
      const first = tf.mul(tf.sub(1, target), tf.log(tf.sub(1, p)));
      return tf.neg(tf.mean(tf.add(second, first), 1)) as Tensor1D;
    },
  };
}

/**
 * Creates the categorical cross-entropy loss. Its value for one example is `-Σ t·log p` over the labels, where `p` are the softmax
 * probabilities and `t` is the one-hot target. Equivalent to Keras 3 `categorical_crossentropy` (losses/losses.py) with `reduction=None`:
 * `p` is divided by its sum, then clipped to `[1e-7, 1 - 1e-7]`.
 *
 * @returns A loss named `categorical_crossentropy`, the default loss of {@link categorical}.
 * @example
 * ```ts
 * import { categorical, categoricalCrossentropy } from 'tfjs-multitask';
 *
 * const grade = categorical(['good', 'fair', 'poor'], { loss: categoricalCrossentropy() });
 * console.log(grade.loss.name); // categorical_crossentropy
 * ```
 * @category Losses and metrics
 */
export function categoricalCrossentropy(): Loss {
  return {
    name: 'categorical_crossentropy',
    options: {},
    perExample: (prediction, target) => {
      const p = clipProbability(tf.div(prediction, tf.sum(prediction, 1, true)));
      return tf.neg(tf.sum(tf.mul(target, tf.log(p)), 1)) as Tensor1D;
    },
  };
}

function clipProbability(probability: Tensor): Tensor {
  return tf.clipByValue(probability, EPSILON, 1 - EPSILON);
}
