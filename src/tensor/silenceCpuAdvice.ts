import { tf } from './tf.js';

/**
 * TensorFlow.js advises, on the first use of its cpu backend in Node, to install another one. Weights are born there before
 * an engine is chosen; which one that is, and what would be faster, is told by the choice.
 */
export function silenceCpuAdvice(): void {
  const backend = tf.backend() as { firstUse?: boolean };
  if (backend.firstUse) backend.firstUse = false;
}
