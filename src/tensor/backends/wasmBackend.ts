import { createError } from '../../core/errors/errors.js';
import type { PackageLoader } from '../../core/platform/platform.js';
import { registerTrainingKernels } from '../kernels/registerTrainingKernels.js';
import { startSimdThreads } from '../kernels/simdKernels.js';
import type { ThreadStarter } from '../kernels/threadPool.js';
import type { WasmBackend } from '../kernels/wasmHeap.js';
import { setStartedBackend, startBackend } from '../startBackend.js';
import { tf } from '../tf.js';
import { withoutEmscriptenListeners } from './emscriptenListeners.js';
import { loadNodeModules } from './nodeModules.js';
import { createNodeThreadStarter } from './nodeThreadStarter.js';
import { pageThreadStarter } from './pageThreadStarter.js';
import { createThreadedModule, MAX_WASM_THREADS } from './threadedModule.js';
import { createWasmModule, type WasmModule } from './wasmModule.js';

/** Options for starting the wasm backend. They only have an effect when the backend is first started in a process. */
export interface WasmOptions {
  /** Maximum number of threads. Default in Node: the number of cores, but not more than 4. Default in a page: half the number of cores. */
  readonly threads?: number | undefined;
  /** Function that loads Node's modules, which threads need. Without it, the backend uses one thread in Node. */
  readonly load?: PackageLoader | undefined;
}

/**
 * Starts the wasm backend and makes it the backend in use. Returns the number of threads that it uses.
 *
 * @throws An `engine` error if the backend fails to start.
 */
export async function loadWasmBackend(options: WasmOptions = {}): Promise<number> {
  const threadCount = await startWasmBackend(options);
  setStartedBackend('wasm');
  return threadCount;
}

/**
 * Starts the wasm backend and registers the kernels that training needs. The backend in use does not change, so other calls can compute
 * meanwhile. Returns the number of threads.
 *
 * @throws An `engine` error if the backend fails to start.
 */
export async function startWasmBackend({ threads, load }: WasmOptions = {}): Promise<number> {
  const stock = await import('@tensorflow/tfjs-backend-wasm');
  registerTrainingKernels();
  if (!('wasm' in tf.engine().registry)) {
    const startThread = await selectWasmBuild(stock, threads, load);
    if (!(await withoutEmscriptenListeners(() => startBackend('wasm')))) {
      throw createError({
        kind: 'engine',
        path: 'engine wasm',
        expected: 'a runtime with WebAssembly',
        received: 'a runtime in which the wasm backend failed to start',
        advice:
          'In a page, serve the .wasm files of @tensorflow/tfjs-backend-wasm, and pass their URL to its function setWasmPaths.',
      });
    }
    const backend = tf.engine().findBackend('wasm') as never as WasmBackend;
    if (startThread) await startSimdThreads(backend, stock.getThreadsCount(), startThread);
  }
  return stock.getThreadsCount();
}

/** Default limit on the number of threads in Node. Benchmarks cover only one and two threads. */
const DEFAULT_MAX_THREADS = 4;

/**
 * Selects the build of the wasm backend, and loads it in Node. Returns the function that starts threads for the SIMD kernels, or undefined if the build has only
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
  const register = (module: WasmModule) => {
    tf.removeBackend('wasm');
    tf.registerBackend('wasm', async () => new stock.BackendWasm(module as never), 2);
  };
  if (count > 1) {
    try {
      register(await createThreadedModule(node, count));
      return createNodeThreadStarter(node);
    } catch {
      // The backend then uses a build with one thread, which works everywhere.
    }
  }
  try {
    const hasSimd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
    register(await createWasmModule(node, hasSimd ? 'tfjs-backend-wasm-simd' : 'tfjs-backend-wasm'));
  } catch {
    // The backend then loads its module itself, for example if a bundler has moved the files of the package.
  }
  return undefined;
}
