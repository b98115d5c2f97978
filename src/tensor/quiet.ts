import { tf } from './tf.js';

/**
 * TensorFlow.js advises, on the first use of its cpu backend in Node, to install another one. Weights are born there before
 * an engine is chosen, and which one it is, and what would be faster, is told by the choice.
 */
export function silenceCpuAdvice(): void {
  const cpu = tf.findBackend('cpu') as { firstUse?: boolean } | null;
  if (cpu?.firstUse) cpu.firstUse = false;
}
