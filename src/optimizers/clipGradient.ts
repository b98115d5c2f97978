import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import { tf } from '../tensor/tf.js';
import type { GradientClipping } from './optimizer.js';

/**
 * The gradient of one update, cut as `clipping` says; the same tensor when it says nothing. Same as Keras 3
 * `_clip_gradients` (optimizers/base_optimizer.py). A gradient of norm 0 stays 0.
 *
 * @param gradient - Of all weights, end to end.
 * @param split - Takes such a vector apart, a tensor a weight: `clipNorm` looks at each by itself.
 */
export function clipGradient(
  gradient: Tensor1D,
  split: (flat: Tensor1D) => readonly Tensor[],
  { clipNorm, clipValue, globalClipNorm }: GradientClipping,
): Tensor1D {
  if (clipNorm !== undefined) {
    const cut = split(gradient).map((own) => tf.reshape(clipByNorm(own, clipNorm), [-1]));
    return tf.concat(cut) as Tensor1D;
  }
  if (globalClipNorm !== undefined) return clipByNorm(gradient, globalClipNorm) as Tensor1D;
  if (clipValue !== undefined) return tf.clipByValue(gradient, -clipValue, clipValue);
  return gradient;
}

/** `gradient` times the factor, at most 1, that brings its norm down to `limit`. */
function clipByNorm(gradient: Tensor, limit: number): Tensor {
  const norm = tf.sqrt(tf.sum(tf.square(gradient)));
  return tf.mul(gradient, tf.div(limit, tf.maximum(norm, limit)));
}
