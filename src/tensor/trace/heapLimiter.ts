import { getHostBackend } from '../hostBackend.js';
import { tf } from '../tf.js';

type Values = Float32Array | Int32Array | Uint8Array;
type Backend = Omit<tf.KernelBackend, 'readSync'> & { readSync(id: object): Values };

/** The parts of the TensorFlow.js engine that record which backend stores a tensor. */
interface TensorRegistry {
  readonly state: { readonly tensorInfo: WeakMap<object, TensorRecord> };
  moveData(backend: Backend, id: object): void;
}

interface TensorRecord {
  backend: Backend;
  readonly shape: number[];
  readonly dtype: tf.DataType;
}

/**
 * Bytes of tensors that the heap of a backend contains while a function is traced. A WebAssembly heap never shrinks, so the process would
 * otherwise keep the memory of the whole trace.
 */
const HEAP_LIMIT_BYTES = 2 ** 26;

/**
 * Moves the tensors that were used longest ago from the active backend to the host, so that the heap of the backend stays small.
 * TensorFlow.js moves a tensor back when a kernel reads it.
 */
export class HeapLimiter {
  readonly #backend = tf.backend() as unknown as Backend;
  readonly #host = getHostBackend() as unknown as Backend;
  readonly #registry = tf.engine() as unknown as TensorRegistry;
  /** Sizes in bytes of the tensors in the heap, keyed by tensor id. The tensor that was used longest ago is first. */
  readonly #sizes = new Map<object, number>();
  /** Host copies of tensors in the heap. Tensors are immutable, so moving such a tensor to the host needs no copy. */
  readonly #copies = new Map<object, Values>();
  #heapBytes = 0;

  constructor() {
    const { disposeData } = this.#backend;
    this.#backend.disposeData = (id, isForced) => {
      const isReleased = disposeData.call(this.#backend, id, isForced);
      if (isReleased) this.#forget(id);
      return isReleased;
    };
  }

  /** Returns the values of a tensor as an array that must not be changed. */
  readValues(id: object): Values {
    const copy = this.#copies.get(id);
    if (copy) return copy;
    if (this.#registry.state.tensorInfo.get(id)?.backend === this.#host) return this.#host.readSync(id);
    const values = this.#backend.readSync(id);
    if (this.#sizes.has(id)) this.#copies.set(id, values);
    return values;
  }

  /** Prepares a kernel call that reads the tensors `ids`: makes space in the heap, and moves the tensors to the heap. */
  prepareCall(ids: ReadonlySet<object>): void {
    for (const id of this.#sizes.keys()) {
      if (this.#heapBytes <= HEAP_LIMIT_BYTES) break;
      if (!ids.has(id)) this.#moveToHost(id);
    }
    for (const id of ids) {
      const record = this.#registry.state.tensorInfo.get(id);
      if (record?.backend !== this.#host) continue;
      const values = this.#host.readSync(id);
      this.#registry.moveData(this.#backend, id);
      this.#remember(id, values.byteLength);
      this.#copies.set(id, values);
    }
  }

  /** Records that a kernel call has used tensors in the heap. */
  recordUse(tensors: Iterable<tf.TensorInfo>): void {
    for (const { dataId, shape, dtype } of tensors) {
      if (dtype === 'string') continue;
      this.#remember(dataId, tf.util.sizeFromShape(shape) * tf.util.bytesPerElement(dtype));
    }
  }

  /** Moves all recorded tensors to the host, and stops recording. */
  stop(): void {
    for (const id of [...this.#sizes.keys()]) this.#moveToHost(id);
    delete (this.#backend as Partial<Backend>).disposeData; // The method of the prototype becomes visible again.
  }

  #remember(id: object, size: number): void {
    this.#forgetSize(id);
    this.#sizes.set(id, size);
    this.#heapBytes += size;
  }

  #forget(id: object): void {
    this.#forgetSize(id);
    this.#copies.delete(id);
  }

  #forgetSize(id: object): void {
    this.#heapBytes -= this.#sizes.get(id) ?? 0;
    this.#sizes.delete(id);
  }

  #moveToHost(id: object): void {
    const record = this.#registry.state.tensorInfo.get(id);
    if (record?.backend === this.#backend) {
      const values = this.#copies.get(id) ?? this.#backend.readSync(id);
      const references = this.#backend.refCount(id);
      this.#backend.disposeData(id, true);
      record.backend = this.#host;
      this.#host.move(id, values, record.shape, record.dtype, references);
    }
    this.#forget(id);
  }
}
