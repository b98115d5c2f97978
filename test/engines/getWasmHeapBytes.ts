import type { WasmBackend } from '../../src/tensor/kernels/simd/wasmHeap.js';
import { tf } from '../../src/tensor/tf.js';

/** Returns the size of the wasm heap in bytes. The heap never shrinks, so this is its peak size in the process. */
export function getWasmHeapBytes(): number {
  const { wasm } = tf.backend() as unknown as WasmBackend;
  return (wasm.wasmMemory?.buffer ?? wasm.HEAPU8.buffer).byteLength;
}
