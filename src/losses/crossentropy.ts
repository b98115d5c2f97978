import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';
import { tf } from '../tensor/tf.js';
import type { Loss } from './loss.js';

/** Smallest distance of a probability from 0 and 1, so that logarithms are finite. Equals Keras's `backend.epsilon()`. */
const EPSILON = 1e-7;

/**
 * Creates the binary cross-entropy loss. Its value for one example is `-(t·log p + (1 - t)·log(1 - p))`, where `p` is the predicted
 * probability of the second label and `t` is the target. If the head ends with a sigmoid, `fit` and `evaluate` compute the loss from the
 * logits, as `fit` of Keras 3.15 does (backend/tensorflow/nn.py), so that confident incorrect predictions still have a gradient.
 * Otherwise, probabilities are clipped to `[1e-7, 1 - 1e-7]`, as in Keras 3 `binary_crossentropy` (losses/losses.py) with
 * `reduction=None`.
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
  checks.noOptions('binaryCrossentropy', arguments[0]);
  return {
    name: 'binary_crossentropy',
    options: {},
    perExample: (prediction, target) => {
      const p = clipProbability(prediction);
      const second = tf.mul(target, tf.log(p));
      const first = tf.mul(tf.sub(1, target), tf.log(tf.sub(1, p)));
      return tf.neg(tf.mean(tf.add(second, first), 1)) as Tensor1D;
    },
    fromLogits: {
      activation: 'sigmoid',
      perExample: (logits, target) => tf.mean(sigmoidCrossentropy(logits, target), 1) as Tensor1D,
    },
  };
}

/**
 * Creates the categorical cross-entropy loss. Its value for one example is `-Σ t·log p` over the labels, where `p` are the softmax
 * probabilities and `t` is the one-hot target. If the head ends with a softmax, `fit` and `evaluate` compute the loss from the logits, as
 * `fit` of Keras 3.15 does (backend/tensorflow/nn.py), so that confident incorrect predictions still have a gradient. Otherwise, `p` is
 * divided by its sum, then clipped to `[1e-7, 1 - 1e-7]`, as in Keras 3 `categorical_crossentropy` (losses/losses.py) with
 * `reduction=None`.
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
  checks.noOptions('categoricalCrossentropy', arguments[0]);
  return {
    name: 'categorical_crossentropy',
    options: {},
    perExample: (prediction, target) => {
      const p = clipProbability(tf.div(prediction, tf.sum(prediction, 1, true)));
      return tf.neg(tf.sum(tf.mul(target, tf.log(p)), 1)) as Tensor1D;
    },
    fromLogits: { activation: 'softmax', perExample: softmaxCrossentropy },
  };
}

function clipProbability(probability: Tensor): Tensor {
  return tf.clipByValue(probability, EPSILON, 1 - EPSILON);
}

/**
 * Computes `-(t·log σ(z) + (1 - t)·log(1 - σ(z)))` for each logit `z`, without overflow: `max(z, 0) - z·t + log(1 + exp(-|z|))`. Its gradient
 * is `σ(z) - t`, the formula of TensorFlow (python/ops/nn_impl.py).
 */
function sigmoidCrossentropy(logits: Tensor2D, target: Tensor2D): Tensor2D {
  const compute = tf.customGrad(((z: Tensor2D, save: (tensors: Tensor[]) => void) => {
    save([z]);
    const linear = tf.sub(tf.relu(z), tf.mul(z, target));
    return {
      value: tf.add(linear, tf.log1p(tf.exp(tf.neg(tf.abs(z))))),
      gradFunc: (dy: Tensor, saved: Tensor[]) => tf.mul(dy, tf.sub(tf.sigmoid(saved[0]!), target)),
    };
  }) as never);
  return compute(logits) as Tensor2D;
}

/**
 * Computes `-Σ t·log softmax(z)` for each row of logits `z`, shifted by the largest logit so that nothing overflows. Its gradient is
 * `softmax(z)·Σt - t`.
 */
function softmaxCrossentropy(logits: Tensor2D, target: Tensor2D): Tensor1D {
  const compute = tf.customGrad(((z: Tensor2D, save: (tensors: Tensor[]) => void) => {
    save([z]);
    const shifted = tf.sub(z, tf.max(z, 1, true));
    const logSum = tf.log(tf.sum(tf.exp(shifted), 1, true));
    return {
      value: tf.sum(tf.mul(target, tf.sub(logSum, shifted)), 1),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const scaled = tf.mul(tf.softmax(saved[0] as Tensor2D), tf.sum(target, 1, true));
        return tf.mul(tf.expandDims(dy, 1), tf.sub(scaled, target));
      },
    };
  }) as never);
  return compute(logits) as Tensor1D;
}
