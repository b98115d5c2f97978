import { tf } from './tf.js';

/**
 * The part of TensorFlow.js's engine that starts backends. This library uses it instead of `tf.setBackend`, which would drop the active
 * backend before the new one has started.
 */
interface BackendRegistry {
  /** The backends that have started, keyed by name. */
  readonly registry: { [name: string]: tf.KernelBackend };
  /** Resolves when the asynchronous start of a backend that the program has requested itself ends. */
  readonly pendingBackendInit?: Promise<boolean> | null;
}

const getRegistry = () => tf.engine() as unknown as BackendRegistry;

/** Waits until a backend that the program starts itself, with `tf.setBackend`, has started or failed to start. */
export async function awaitBackendOfProgram(): Promise<void> {
  const registry = getRegistry();
  for (let pending = registry.pendingBackendInit; pending; ) {
    await pending.catch(() => {});
    const next = registry.pendingBackendInit;
    pending = next === pending ? undefined : next;
  }
}

/** Returns whether the program starts a backend itself, with `tf.setBackend`. TensorFlow.js cannot create tensors meanwhile. */
export const isBackendStarting = (): boolean => Boolean(getRegistry().pendingBackendInit);

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

/**
 * Calls the factory of the backend directly, because every operation of TensorFlow.js throws an error from the time at which
 * `tf.setBackend` calls an asynchronous factory until its backend has started.
 */
function startRegisteredBackend(name: string): boolean | Promise<boolean> {
  const { registry } = getRegistry();
  if (name in registry) return true;
  const factory = tf.findBackendFactory(name);
  const add = (backend: tf.KernelBackend) => {
    if (tf.findBackendFactory(name) !== factory) return false; // Another backend has this name now.
    registry[name] ??= backend; // The program can have started it meanwhile.
    return true;
  };
  const fail = (error: unknown) => {
    const { stack, message } = (error ?? {}) as Partial<Error>;
    console.warn(`Initialization of backend ${name} failed`);
    console.warn(stack ?? message ?? error);
    return false;
  };
  try {
    const backend = factory();
    return isPromise(backend) ? backend.then(add).catch(fail) : add(backend);
  } catch (error) {
    return fail(error);
  }
}

const isPromise = <T>(value: T | Promise<T>): value is Promise<T> =>
  typeof (value as Partial<Promise<T>>).then === 'function';

/** Makes a started backend the active backend synchronously. */
export function setStartedBackend(name: string): void {
  void tf.setBackend(name);
}

/**
 * Runs `action` on a backend that has started, and restores the backend in use. Other calls that compute cannot run in between, because
 * `action` is synchronous.
 */
export function runOnBackend<R>(name: string, action: () => R): R {
  const backend = tf.getBackend();
  if (backend === name) return action();
  setStartedBackend(name);
  try {
    return action();
  } finally {
    setStartedBackend(backend);
  }
}
