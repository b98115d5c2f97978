import { createError } from '../core/errors/errors.js';
import type { PackageLoader } from '../core/platform/platform.js';
import { registerTrainingKernels } from './kernels/registerTrainingKernels.js';
import { startSimdThreads } from './kernels/simdKernels.js';
import type { ThreadStarter } from './kernels/threadPool.js';
import type { WasmBackend } from './kernels/wasmHeap.js';
import { pageThreadStarter } from './pageThreadStarter.js';
import { tf } from './tf.js';
import {
  createNodeThreadStarter,
  createThreadedModule,
  loadNodeModules,
  MAX_WASM_THREADS,
} from './threadedModule.js';

/** No build of the wasm backend can hold more, whatever the machine has. */
export const MAX_WASM_BYTES = 4 * 1024 ** 3;

/** How the wasm backend may begin; it does so once in a process, and stays as it is. */
export interface WasmOptions {
  /** At most so many threads. */
  readonly threads?: number | undefined;
  /** The way to Node's threads; without it there is one thread in Node. */
  readonly load?: PackageLoader | undefined;
}

/**
 * Loads the wasm backend, registers the kernels that training needs, and makes it the backend in use. Returns how many
 * threads it runs on.
 */
export async function loadWasmBackend({ threads, load }: WasmOptions = {}): Promise<number> {
  const stock = await import('@tensorflow/tfjs-backend-wasm');
  registerTrainingKernels();
  const begun = 'wasm' in tf.engine().registry;
  const starter = begun ? undefined : await selectWasmBuild(stock, threads, load);
  if (!(await tf.setBackend('wasm'))) {
    throw createError({
      kind: 'engine',
      path: 'engine wasm',
      expected: 'a runtime with WebAssembly',
      received: 'one where it does not start',
      advice: 'In a page, serve the .wasm files of @tensorflow/tfjs-backend-wasm and call its setWasmPaths.',
    });
  }
  const running = stock.getThreadsCount();
  if (starter) await startSimdThreads(tf.backend() as never as WasmBackend, running, starter);
  return running;
}

/** Bytes of the wasm heap, which grows and never shrinks: the peak of this process. */
export function getWasmHeapBytes(): number {
  const { wasm } = tf.backend() as unknown as WasmBackend;
  return (wasm.wasmMemory?.buffer ?? wasm.HEAPU8.buffer).byteLength;
}

/** Node's default on more cores: more than two were not measured. */
const DEFAULT_MAX_THREADS = 4;

/** Chooses the build that begins. Returns what starts further threads for its heap. */
async function selectWasmBuild(
  stock: typeof import('@tensorflow/tfjs-backend-wasm'),
  threads: number | undefined,
  load: PackageLoader | undefined,
): Promise<ThreadStarter | undefined> {
  const node = load && (await loadNodeModules(load));
  if (!node) {
    // A page: TensorFlow.js takes its threaded build where the page may share memory, and half as many threads as cores.
    if (threads === 1) tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
    else if (threads !== undefined) stock.setThreadsCount(threads);
    return pageThreadStarter;
  }
  const count = Math.min(threads ?? Math.min(load.threads ?? 1, DEFAULT_MAX_THREADS), MAX_WASM_THREADS);
  if (count === 1) return undefined;
  try {
    const module = await createThreadedModule(node, count);
    tf.removeBackend('wasm');
    tf.registerBackend('wasm', async () => new stock.BackendWasm(module as never), 2);
    return createNodeThreadStarter(node);
  } catch {
    return undefined; // the build with one thread runs everywhere
  }
}
