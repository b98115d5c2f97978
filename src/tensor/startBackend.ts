import { tf } from './tf.js';

/**
 * The part of TensorFlow.js's engine that starts backends. This library uses it instead of `tf.setBackend`, which would drop the active
 * backend before the new one has started.
 */
interface BackendRegistry {
  readonly registry: object;
  initializeBackend(name: string): { readonly success: boolean | Promise<boolean> };
}

/**
 * Starts a registered TensorFlow.js backend without changing the active backend. Other computations can continue in the meantime. If the
 * new backend fails to start, the active backend remains, and the function returns false.
 */
export async function startBackend(name: string): Promise<boolean> {
  return startRegisteredBackend(name);
}

/** Starts a registered backend synchronously. Returns false if the backend fails to start, or if its start is asynchronous. */
export function startBackendNow(name: string): boolean {
  return startRegisteredBackend(name) === true;
}

function startRegisteredBackend(name: string): boolean | Promise<boolean> {
  const engine = tf.engine() as unknown as BackendRegistry;
  return name in engine.registry || engine.initializeBackend(name).success;
}

/** Makes a started backend the active backend synchronously. */
export function setStartedBackend(name: string): void {
  void tf.setBackend(name);
}
