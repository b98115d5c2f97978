import { createError } from '../core/errors/errors.js';
import { isBackendStarting, runOnBackend, setStartedBackend, startBackendNow } from './startBackend.js';
import { tf } from './tf.js';

/** Name of the backend that stores tensors on the host. */
const HOST_BACKEND = 'host';

interface HostData {
  readonly values: tf.BackendValues;
  refCount: number;
}

/**
 * Backend that stores tensors as arrays and computes nothing. A model creates its weights before an engine starts; the backend of the
 * engine takes over the weights when it first reads them.
 */
class HostBackend extends tf.KernelBackend {
  readonly #data: tf.DataStorage<HostData> = new tf.DataStorage<HostData>(this, tf.engine());

  override write(values: tf.BackendValues): object {
    const dataId = {};
    this.#data.set(dataId, { values, refCount: 1 });
    return dataId;
  }

  override move(
    dataId: object,
    values: tf.BackendValues,
    _shape: number[],
    _dtype: tf.DataType,
    refCount: number,
  ): void {
    this.#data.set(dataId, { values, refCount });
  }

  override readSync(dataId: object): tf.BackendValues {
    return this.#data.get(dataId).values;
  }

  override async read(dataId: object): Promise<tf.BackendValues> {
    return this.readSync(dataId);
  }

  override refCount(dataId: object): number {
    return this.#data.has(dataId) ? this.#data.get(dataId).refCount : 0;
  }

  override incRef(dataId: object): void {
    this.#data.get(dataId).refCount++;
  }

  override disposeData(dataId: object, isForced = false): boolean {
    if (!this.#data.has(dataId)) return true;
    const data = this.#data.get(dataId);
    data.refCount--;
    if (data.refCount > 0 && !isForced) return false;
    this.#data.delete(dataId);
    return true;
  }

  override numDataIds(): number {
    return this.#data.numDataIds();
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override dispose(): void {}
}

/** Returns the same data with a different shape. This is the only kind of operation that the host backend supports. */
function shareData(input: tf.TensorInfo, backend: tf.KernelBackend, shape = input.shape): tf.TensorInfo {
  backend.incRef(input.dataId);
  return { dataId: input.dataId, shape, dtype: input.dtype };
}

/**
 * Makes sure that tensors can be created before an engine starts. If the program has registered a TensorFlow.js backend, that backend
 * stores the tensors; otherwise, the host backend stores them. Also suppresses the message with which the cpu backend recommends another
 * backend in Node, because the engine selection already reports which faster engine could be installed.
 *
 * @throws An `engine` error while the program itself starts a backend. Asynchronous callers call `awaitBackendOfProgram` first.
 */
export function ensureBackend(): void {
  if (isBackendStarting()) {
    throw createError({
      kind: 'engine',
      path: `engine ${tf.getBackend()}`,
      expected: 'a backend of TensorFlow.js that has started',
      received: 'a backend that is starting',
      advice: 'Await tf.setBackend() or tf.ready() before you build a model.',
    });
  }
  registerHostBackend();
  // The other backends of TensorFlow.js start asynchronously. It would throw an error here if one of them had the highest priority.
  const synchronousBackends = ['tensorflow', 'webgl', 'cpu'].filter(
    (name) => tf.findBackendFactory(name) !== null,
  );
  for (const name of [...synchronousBackends, HOST_BACKEND]) {
    if (tf.getBackend()) break;
    if (startBackendNow(name)) setStartedBackend(name);
  }
  const backend = tf.backend() as { firstUse?: boolean };
  if (backend.firstUse) backend.firstUse = false;
}

/** Returns the backend that stores tensors as arrays on the host, whichever backend is active. */
export function getHostBackend(): tf.KernelBackend {
  registerHostBackend();
  return tf.engine().findBackend(HOST_BACKEND);
}

/**
 * Creates a tensor that stores `values` on the host until a kernel reads it. The array is shared with the tensor, not copied, so it must
 * not be changed afterwards.
 */
export const createHostTensor = (values: Float32Array, shape: readonly number[]): tf.Tensor =>
  tf.engine().makeTensor(values, [...shape], 'float32', getHostBackend());

/**
 * Runs `action` while the host backend is active. TensorFlow.js moves the data of a tensor to the active backend when the tensor is
 * assigned to a variable, so variables that `action` assigns keep their data on the host. `action` must not call kernels.
 */
export function runOnHost<R>(action: () => R): R {
  getHostBackend();
  return runOnBackend(HOST_BACKEND, action);
}

function registerHostBackend(): void {
  if (tf.findBackendFactory(HOST_BACKEND) !== null) return;
  // It has the lowest priority, so TensorFlow.js uses it only if no other backend starts.
  tf.registerBackend(HOST_BACKEND, () => new HostBackend(), 0);
  tf.registerKernel({
    kernelName: 'Identity',
    backendName: HOST_BACKEND,
    kernelFunc: ({ inputs, backend }) => shareData(inputs.x as tf.TensorInfo, backend as HostBackend),
  });
  tf.registerKernel({
    kernelName: 'Reshape',
    backendName: HOST_BACKEND,
    kernelFunc: ({ inputs, backend, attrs }) => {
      const x = inputs.x as tf.TensorInfo;
      const size = tf.util.sizeFromShape(x.shape);
      return shareData(
        x,
        backend as HostBackend,
        tf.util.inferFromImplicitShape(attrs!.shape as number[], size),
      );
    },
  });
}
