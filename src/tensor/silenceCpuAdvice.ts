import { tf } from './tf.js';

/**
 * Suppresses the message in which TensorFlow.js recommends another backend when its `cpu` backend is first used in Node. The message is
 * misleading: models initialize their weights on this backend before an engine is selected, and the selected engine reports which faster
 * engine could be installed.
 */
export function silenceCpuAdvice(): void {
  const backend = tf.backend() as { firstUse?: boolean };
  if (backend.firstUse) backend.firstUse = false;
}
