import type { Tensor } from '@tensorflow/tfjs';
import { tf } from '../tensor/tf.js';
import type { GradientClipping } from './optimizer.js';

/**
 * Clips the gradients of one update like Keras 3 `_clip_gradients` (optimizers/base_optimizer.py). If no clipping option is set, the
 * gradients are returned unchanged. A gradient with norm 0 stays 0.
 *
 * @param gradients - Gradients of all weights, each a tensor with the gradients of one or more weights.
 * @param mapWeights - Function that applies `clip` to the gradient of each weight in a tensor, because `clipNorm` clips the gradient of each
 *   weight separately.
 */
export function clipGradients(
  gradients: readonly Tensor[],
  mapWeights: (gradient: Tensor, index: number, clip: (part: Tensor) => Tensor) => Tensor,
  { clipNorm, clipValue, globalClipNorm }: GradientClipping,
): readonly Tensor[] {
  if (clipNorm !== undefined) {
    const clip = (part: Tensor) => clipByNorm(part, computeNorm([part]), clipNorm);
    return gradients.map((gradient, i) => mapWeights(gradient, i, clip));
  }
  if (globalClipNorm !== undefined) {
    const norm = computeNorm(gradients);
    return gradients.map((gradient) => clipByNorm(gradient, norm, globalClipNorm));
  }
  if (clipValue !== undefined)
    return gradients.map((gradient) => tf.clipByValue(gradient, -clipValue, clipValue));
  return gradients;
}

/** Computes the Euclidean norm of several tensors together. */
function computeNorm(tensors: readonly Tensor[]): Tensor {
  const sums = tensors.map((tensor) => tf.sum(tf.square(tensor)));
  return tf.sqrt(sums.reduce((total, sum) => tf.add(total, sum)));
}

/** If the Euclidean norm of a gradient exceeds `limit`, scales the gradient down so that its norm equals `limit`. */
const clipByNorm = (gradient: Tensor, norm: Tensor, limit: number): Tensor =>
  tf.mul(gradient, tf.div(limit, tf.maximum(norm, limit)));
