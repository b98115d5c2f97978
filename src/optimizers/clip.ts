import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../tensor/tf.js';
import type { Clipping } from './optimizer.js';

/**
 * The gradients of one update, cut as `clipping` says; the same tensors when it says nothing. Same as Keras 3
 * `_clip_gradients` (optimizers/base_optimizer.py). A gradient of norm 0 stays 0.
 */
export function clip(gradients: readonly Tensor[], clipping: Clipping): readonly Tensor[] {
  const { clipNorm, clipValue, globalClipNorm } = clipping;
  if (clipNorm !== undefined) {
    return gradients.map((gradient) => tf.mul(gradient, shortening([gradient], clipNorm)));
  }
  if (globalClipNorm !== undefined) {
    const factor = shortening(gradients, globalClipNorm);
    return gradients.map((gradient) => tf.mul(gradient, factor));
  }
  if (clipValue !== undefined) {
    return gradients.map((gradient) => tf.clipByValue(gradient, -clipValue, clipValue));
  }
  return gradients;
}

/** The factor, at most 1, that brings the norm of all `gradients` together down to `limit`. */
function shortening(gradients: readonly Tensor[], limit: number): Tensor {
  const norm = tf.sqrt(tf.addN(gradients.map((gradient) => tf.sum(tf.square(gradient)))));
  return tf.div(limit, tf.maximum(norm, limit));
}
