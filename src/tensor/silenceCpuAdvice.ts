import { tf } from './tf.js';

/**
 * Suppresses the message with which TensorFlow.js recommends another backend when its cpu backend is first used in Node. Models initialize
 * their weights on that backend before an engine is selected; the engine itself reports which faster engine could be installed.
 */
export function silenceCpuAdvice(): void {
  const backend = tf.backend() as { firstUse?: boolean };
  if (backend.firstUse) backend.firstUse = false;
}
