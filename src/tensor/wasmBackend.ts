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

/** Options for starting the wasm backend. They only have an effect when the backend is first started in a process. */
export interface WasmOptions {
  /** Maximum number of threads. Default in Node: the number of cores, but not more than 4. Default in a page: half the number of cores. */
  readonly threads?: number | undefined;
  /** Function that loads Node's modules, which threads need. Without it, the backend uses one thread in Node. */
  readonly load?: PackageLoader | undefined;
}

/**
 * Loads the wasm backend, registers the kernels that training needs, and activates it. Returns the number of threads that it uses.
 *
 * @throws An `engine` error if the backend fails to start.
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
        'In a page, serve the .wasm files of @tensorflow/tfjs-backend-wasm, and pass their URL to its function setWasmPaths.',
    });
  }
  const threadCount = stock.getThreadsCount();
  if (startThread) await startSimdThreads(tf.backend() as never as WasmBackend, threadCount, startThread);
  return threadCount;
}

/** Returns the size of the wasm heap in bytes. The heap never shrinks, so this is its largest size since the process started. */
export function getWasmHeapBytes(): number {
  const { wasm } = tf.backend() as unknown as WasmBackend;
  return (wasm.wasmMemory?.buffer ?? wasm.HEAPU8.buffer).byteLength;
}

/** Default limit on the number of threads in Node. Benchmarks cover only one and two threads. */
const DEFAULT_MAX_THREADS = 4;

/**
 * Selects the build of the wasm backend. Returns the function that starts threads for the SIMD kernels, or undefined if the build has only
 * one thread.
 */
async function selectWasmBuild(
  stock: typeof import('@tensorflow/tfjs-backend-wasm'),
  threads: number | undefined,
  load: PackageLoader | undefined,
): Promise<ThreadStarter | undefined> {
  const node = load && (await loadNodeModules(load));
  if (!node) {
    // In a page, TensorFlow.js selects its threaded build itself if the page can share memory.
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
    return undefined; // The backend then uses its build with one thread, which works everywhere.
  }
}
