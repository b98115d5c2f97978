import { fault } from '../core/errors.js';
import { registerTrainingKernels } from './kernels/index.js';
import { tf } from './tf.js';

/** No build of the wasm backend can hold more, whatever the machine has. */
export const WASM_LIMIT_BYTES = 4 * 1024 ** 3;

/** Loads the wasm backend, registers the kernels that training needs, and makes it the backend in use. */
export async function loadWasmBackend(): Promise<void> {
  await import('@tensorflow/tfjs-backend-wasm');
  registerTrainingKernels();
  if (await tf.setBackend('wasm')) return;
  throw fault({
    kind: 'engine',
    path: 'engine wasm',
    expected: 'a runtime with WebAssembly',
    received: 'one where it does not start',
    advice: 'In a page, serve the .wasm files of @tensorflow/tfjs-backend-wasm and call its setWasmPaths.',
  });
}

/** Bytes of the wasm heap, which grows and never shrinks: the peak of this process. */
export function wasmHeapBytes(): number {
  const { wasm } = tf.backend() as unknown as { readonly wasm: { readonly HEAPU8: Uint8Array } };
  return wasm.HEAPU8.byteLength;
}
