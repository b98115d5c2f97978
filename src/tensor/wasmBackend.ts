import { createError } from '../core/errors/errors.js';
import type { PackageLoader } from '../core/platform/platform.js';
import { registerTrainingKernels } from './kernels/registerTrainingKernels.js';
import { startSimdThreads } from './kernels/simdKernels.js';
import type { ThreadStarter } from './kernels/threadPool.js';
import type { WasmBackend } from './kernels/wasmHeap.js';
import { loadNodeModules } from './nodeModules.js';
import { createNodeThreadStarter } from './nodeThreadStarter.js';
import { pageThreadStarter } from './pageThreadStarter.js';
import { tf } from './tf.js';
import { createThreadedModule, MAX_WASM_THREADS } from './threadedModule.js';

/** Largest heap of the wasm backend in bytes: the limit of 32-bit addresses. */
export const MAX_WASM_BYTES = 4 * 1024 ** 3;

/** Options for starting the wasm backend. They have an effect only the first time in a process. */
export interface WasmOptions {
  /** Largest number of threads. Default: in Node the number of cores, at most 4; in a page half of the cores. */
  readonly threads?: number | undefined;
  /** Loader of Node's modules, which threads need. Without it there is one thread in Node. */
  readonly load?: PackageLoader | undefined;
}

/**
 * Loads the wasm backend, registers the kernels that training needs, and makes it the backend in use. Returns the number of threads
 * that it uses.
 *
 * @throws `engine` error if the backend fails to start.
 */
export async function loadWasmBackend({ threads, load }: WasmOptions = {}): Promise<number> {
  const stock = await import('@tensorflow/tfjs-backend-wasm');
  registerTrainingKernels();
  const isStarted = 'wasm' in tf.engine().registry;
  const startThread = isStarted ? undefined : await selectWasmBuild(stock, threads, load);
  if (!(await tf.setBackend('wasm'))) {
    throw createError({
      kind: 'engine',
      path: 'engine wasm',
      expected: 'a runtime with WebAssembly',
      received: 'a runtime in which the wasm backend failed to start',
      advice:
        'In a page, serve the .wasm files of @tensorflow/tfjs-backend-wasm and call its function setWasmPaths.',
    });
  }
  const threadCount = stock.getThreadsCount();
  if (startThread) await startSimdThreads(tf.backend() as never as WasmBackend, threadCount, startThread);
  return threadCount;
}

/** Returns the size of the wasm heap in bytes. The heap never shrinks, so this is the peak of the process. */
export function getWasmHeapBytes(): number {
  const { wasm } = tf.backend() as unknown as WasmBackend;
  return (wasm.wasmMemory?.buffer ?? wasm.HEAPU8.buffer).byteLength;
}

/** Default limit of threads in Node. More than two threads were not measured. */
const DEFAULT_MAX_THREADS = 4;

/** Selects the build of the wasm backend. Returns the function that starts further threads on its heap, if there can be any. */
async function selectWasmBuild(
  stock: typeof import('@tensorflow/tfjs-backend-wasm'),
  threads: number | undefined,
  load: PackageLoader | undefined,
): Promise<ThreadStarter | undefined> {
  const node = load && (await loadNodeModules(load));
  if (!node) {
    // In a page, TensorFlow.js itself selects its threaded build if the page can share memory.
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
    return undefined; // The build with one thread works everywhere.
  }
}
