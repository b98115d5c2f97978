import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import { tf } from '../tensor/tf.js';
import type { GradientClipping } from './optimizer.js';

/**
 * Clips the gradient of one update like Keras 3 `_clip_gradients` (optimizers/base_optimizer.py). If no clipping option is set, the
 * gradient is returned unchanged. A gradient with norm 0 stays 0.
 *
 * @param gradient - Gradient of all weights, concatenated into one vector.
 * @param split - Function that splits the vector into one tensor per weight, because `clipNorm` clips the gradient of each weight
 *   separately.
 */
export function clipGradient(
  gradient: Tensor1D,
  split: (flat: Tensor1D) => readonly Tensor[],
  { clipNorm, clipValue, globalClipNorm }: GradientClipping,
): Tensor1D {
  if (clipNorm !== undefined) {
    const clipped = split(gradient).map((part) => tf.reshape(clipByNorm(part, clipNorm), [-1]));
    return tf.concat(clipped) as Tensor1D;
  }
  if (globalClipNorm !== undefined) return clipByNorm(gradient, globalClipNorm) as Tensor1D;
  if (clipValue !== undefined) return tf.clipByValue(gradient, -clipValue, clipValue);
  return gradient;
}

/** If the Euclidean norm of a gradient exceeds `limit`, scales the gradient down so that its norm equals `limit`. */
function clipByNorm(gradient: Tensor, limit: number): Tensor {
  const norm = tf.sqrt(tf.sum(tf.square(gradient)));
  return tf.mul(gradient, tf.div(limit, tf.maximum(norm, limit)));
}
