import type { TensorInfo } from '@tensorflow/tfjs';
import { countElements } from '../../../core/arrays.js';

/** Internal members of TensorFlow.js's wasm backend that the kernels of this library use. */
export interface WasmBackend {
  readonly wasm: {
    readonly HEAPU8: Uint8Array;
    readonly asm?: { readonly memory?: unknown };
    readonly wasmMemory?: { readonly buffer: ArrayBufferLike };
  };
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: TensorInfo['dtype']): TensorInfo;
  typedArrayFromHeap(tensor: TensorInfo): Float32Array | Int32Array | Uint8Array;
  incRef(dataId: object): void;
  disposeData(dataId: object): unknown;
}

/**
 * Returns the float32 values of `tensor` as a view of the heap. Allocating memory can move the heap and invalidate the view, so a kernel
 * must allocate all its outputs before it creates views.
 */
export function getFloat32View(backend: WasmBackend, tensor: TensorInfo): Float32Array {
  const { memoryOffset } = backend.dataIdMap.get(tensor.dataId);
  return new Float32Array(backend.wasm.HEAPU8.buffer, memoryOffset, countElements(tensor.shape));
}

/** Returns the byte offset in the wasm heap at which the values of `tensor` start. */
export function getByteAddress(backend: WasmBackend, tensor: TensorInfo): number {
  return backend.dataIdMap.get(tensor.dataId).memoryOffset;
}

/** Returns the bits of numbers as float32, because the arguments of a SIMD kernel are integers. */
export const getFloatBits = (...values: number[]): number[] => [
  ...new Int32Array(Float32Array.from(values).buffer),
];

/** Memory in the wasm heap that a kernel uses while it runs. */
export interface Scratch {
  /** Byte offset in the wasm heap. */
  readonly address: number;
  /** Returns consecutive views with the given numbers of values. A call that allocates memory may invalidate the views. */
  split(sizes: readonly number[]): Float32Array[];
  /** Frees the memory. */
  dispose(): void;
}

/** Allocates memory for `floats` float32 values, which are not initialized. */
export function makeScratch(backend: WasmBackend, floats: number): Scratch {
  const tensor = backend.makeOutput([floats], 'float32');
  return {
    address: getByteAddress(backend, tensor),
    split: (sizes) => {
      let start = getByteAddress(backend, tensor);
      return sizes.map((size) => {
        const view = new Float32Array(backend.wasm.HEAPU8.buffer, start, size);
        start += view.byteLength;
        return view;
      });
    },
    dispose: () => void backend.disposeData(tensor.dataId),
  };
}
