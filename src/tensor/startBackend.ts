import { tf } from './tf.js';

/** The part of TensorFlow.js's engine that starts backends. `tf.setBackend` would drop the backend in use before the new one has started. */
interface BackendRegistry {
  readonly registry: object;
  initializeBackend(name: string): { readonly success: boolean | Promise<boolean> };
}

/**
 * Starts a registered backend of TensorFlow.js without changing the backend in use, so that other calls can compute meanwhile and a
 * backend that fails to start replaces nothing. Returns false if it fails to start.
 */
export async function startBackend(name: string): Promise<boolean> {
  return startRegisteredBackend(name);
}

/** Starts a registered backend that TensorFlow.js starts synchronously. Returns false if it fails to start. */
export function startBackendNow(name: string): boolean {
  return startRegisteredBackend(name) === true;
}

function startRegisteredBackend(name: string): boolean | Promise<boolean> {
  const engine = tf.engine() as unknown as BackendRegistry;
  return name in engine.registry || engine.initializeBackend(name).success;
}

/** Makes a backend that has started the one in use, before it returns. */
export function setStartedBackend(name: string): void {
  void tf.setBackend(name);
}
