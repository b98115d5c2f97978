import type { TensorInfo } from '@tensorflow/tfjs';

/** The parts of TensorFlow.js's wasm backend that a kernel of ours touches. */
export interface WasmBackend {
  readonly wasm: {
    readonly HEAPU8: Uint8Array;
    readonly asm?: { readonly memory?: unknown };
    readonly wasmMemory?: { readonly buffer: ArrayBufferLike };
  };
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: 'float32'): TensorInfo;
}

/**
 * The float32 values of `tensor`, in place. Allocating may move the heap, so a kernel makes all its outputs first and
 * takes its views after that.
 */
export function getFloat32View(backend: WasmBackend, tensor: TensorInfo): Float32Array {
  const { memoryOffset } = backend.dataIdMap.get(tensor.dataId);
  const size = tensor.shape.reduce((product, length) => product * length, 1);
  return new Float32Array(backend.wasm.HEAPU8.buffer, memoryOffset, size);
}

/** Where the values of `tensor` begin, in bytes. */
export function getByteAddress(backend: WasmBackend, tensor: TensorInfo): number {
  return backend.dataIdMap.get(tensor.dataId).memoryOffset;
}
