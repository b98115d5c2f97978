import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import { tf } from '../tensor/tf.js';
import type { Loss } from './loss.js';

/** Keras's `backend.epsilon()`: probabilities are kept this far from 0 and 1, so that no logarithm is infinite. */
const EPSILON = 1e-7;

/**
 * Binary cross-entropy per example, `-(t·log p + (1 - t)·log(1 - p))` with `p` the probability of the second label.
 * Same as Keras 3 `binary_crossentropy` (losses/losses.py) with `reduction=None`: probabilities are clipped to
 * `[1e-7, 1 - 1e-7]`, so no loss is above 16.12.
 *
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
      const hit = tf.mul(target, tf.log(p));
      const miss = tf.mul(tf.sub(1, target), tf.log(tf.sub(1, p)));
      return tf.neg(tf.mean(tf.add(hit, miss), 1)) as Tensor1D;
    },
  };
}

/**
 * Categorical cross-entropy per example, `-Σ t·log p` over the labels, with `p` the softmax probabilities and `t` the
 * one-hot target. Same as Keras 3 `categorical_crossentropy` (losses/losses.py) with `reduction=None`: `p` is divided
 * by its sum, then clipped to `[1e-7, 1 - 1e-7]`.
 *
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
