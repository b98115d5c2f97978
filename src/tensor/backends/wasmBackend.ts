import { createError } from '../../core/errors/errors.js';
import type { PackageLoader } from '../../core/platform/platform.js';
import { registerTrainingKernels } from '../kernels/registerTrainingKernels.js';
import { startSimdThreads } from '../kernels/simd/simdKernels.js';
import type { WasmBackend } from '../kernels/simd/wasmHeap.js';
import { setStartedBackend, startBackend } from '../startBackend.js';
import { tf } from '../tf.js';
import { withoutEmscriptenListeners } from './emscriptenListeners.js';
import { loadNodeModules, type NodeModules } from './nodeModules.js';
import { createNodeThreadStarter } from './nodeThreadStarter.js';
import { pageThreadStarter } from './pageThreadStarter.js';
import { repairWorkerSource } from './repairWorkerSource.js';
import { type StartLimit, startThreadLimit } from './startLimit.js';
import { createThreadedModule, MAX_WASM_THREADS } from './threadedModule.js';
import { createWasmModule, type WasmModule } from './wasmModule.js';

/** Options for starting the wasm backend. The options have an effect only when the backend is started for the first time in a process. */
export interface WasmOptions {
  /** Maximum number of threads. Default in Node: the number of cores, but not more than 4. Default in a page: half the number of cores. */
  readonly threads?: number | undefined;
  /** Function that loads the Node modules that threads need. Without this function, the backend uses one thread in Node. */
  readonly load?: PackageLoader | undefined;
  /**
   * Promise that resolves when the time limit for starting threads is reached; the backend then uses one thread. Default: a limit of 30
   * seconds.
   */
  readonly timeout?: Promise<void> | undefined;
}

type StockPackage = typeof import('@tensorflow/tfjs-backend-wasm');

/** Threads that this library has started for a wasm backend. */
interface BackendThreads {
  readonly count: number;
  /** Reason why additional threads failed to start. */
  readonly failure: string | undefined;
}

const threadsOfBackend = new WeakMap<object, BackendThreads>();

/**
 * Starts the wasm backend and makes it the active backend. Returns the number of threads that the backend uses.
 *
 * @throws An `engine` error if the backend fails to start.
 */
export async function loadWasmBackend(options: WasmOptions = {}): Promise<number> {
  const threadCount = await startWasmBackend(options);
  setStartedBackend('wasm');
  return threadCount;
}

/**
 * Starts the wasm backend and registers the kernels that training needs. The active backend does not change, so other computations can
 * continue in the meantime. Returns the number of threads. If additional threads fail to start or do not respond in time, the backend uses
 * one thread, and {@link getThreadFailure} returns the reason.
 *
 * @throws An `engine` error if the backend fails to start.
 */
export async function startWasmBackend(options: WasmOptions = {}): Promise<number> {
  const stock = await import('@tensorflow/tfjs-backend-wasm');
  registerTrainingKernels();
  const isStarted = 'wasm' in tf.engine().registry;
  const failure = isStarted ? undefined : await startWithThreads(stock, options);
  if (!(await withoutEmscriptenListeners(() => startBackend('wasm')))) {
    throw createError({
      kind: 'engine',
      path: 'engine wasm',
      expected: 'a runtime with WebAssembly',
      received: 'a runtime in which the wasm backend failed to start',
      advice:
        'On a web page, serve the .wasm files of @tensorflow/tfjs-backend-wasm, and pass their URL to its setWasmPaths function.',
    });
  }
  const backend = getBackend();
  // The count is stored, because a start that ends after its time limit changes the count in the stock package.
  const threads = threadsOfBackend.get(backend) ?? { count: stock.getThreadsCount(), failure };
  threadsOfBackend.set(backend, threads);
  return threads.count;
}

/** Returns the reason why the wasm backend runs on one thread although more were requested, or undefined if its threads did not fail. */
export function getThreadFailure(): string | undefined {
  return threadsOfBackend.get(getBackend())?.failure;
}

/** Default maximum number of threads in Node. The maximum is low, because benchmarks cover only one and two threads. */
const DEFAULT_MAX_THREADS = 4;

/**
 * Starts the wasm backend with threads if the runtime supports them. Otherwise, registers the build with one thread, which the caller
 * starts. Returns the reason why threads failed to start, or undefined if no thread failed.
 */
async function startWithThreads(stock: StockPackage, options: WasmOptions): Promise<string | undefined> {
  const { threads, load, timeout } = options;
  const node = load && (await loadNodeModules(load));
  const limit = startThreadLimit(timeout);
  try {
    if (node) {
      const defaultCount = Math.min(load.threads ?? 1, DEFAULT_MAX_THREADS);
      const count = Math.min(threads ?? defaultCount, MAX_WASM_THREADS);
      if (count > 1) await startThreadsInNode(stock, node, count, limit);
    } else {
      // TensorFlow.js selects its threaded build itself if the page can share memory.
      if (threads === 1) tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
      else if (threads !== undefined) stock.setThreadsCount(threads);
      const flags = ['WASM_HAS_SIMD_SUPPORT', 'WASM_HAS_MULTITHREAD_SUPPORT'];
      const [hasSimd, hasThreads] = await Promise.all(flags.map((flag) => tf.env().getAsync(flag)));
      if (hasSimd && hasThreads) await startThreadsInPage(stock, limit);
    }
    return undefined;
  } catch (error) {
    return String((error as Partial<Error> | undefined)?.message ?? error);
  } finally {
    limit.stop();
    if (node && !('wasm' in tf.engine().registry)) await registerBuildWithOneThread(stock, node);
  }
}

/** Registers the build with one thread, as a module that adds no listeners to the process of Node. */
async function registerBuildWithOneThread(stock: StockPackage, node: NodeModules): Promise<void> {
  try {
    const hasSimd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
    const module = await createWasmModule(node, hasSimd ? 'tfjs-backend-wasm-simd' : 'tfjs-backend-wasm');
    registerModule(stock, module);
  } catch {
    // The backend then loads its module itself, for example if a bundler has moved the files of the package.
  }
}

function registerModule(stock: StockPackage, module: WasmModule): void {
  replaceBackend(async () => new stock.BackendWasm(module as never));
}

/** Replaces the registered backend with the threaded build for Node and starts it. If its threads fail to start, throws the reason. */
async function startThreadsInNode(
  stock: StockPackage,
  node: NodeModules,
  count: number,
  limit: StartLimit,
): Promise<void> {
  const module = await createThreadedModule(node, count, limit.expired);
  registerModule(stock, module);
  await startBackend('wasm');
  await startSimdThreads(getBackend(), stock.getThreadsCount(), createNodeThreadStarter(node), limit.expired);
}

/**
 * Starts the threaded build in a page. If its threads fail to start, throws the reason, and registers the build with one thread. Threads
 * that start after the time limit are stopped.
 */
async function startThreadsInPage(stock: StockPackage, { expired }: StartLimit): Promise<void> {
  await repairWorkerSource();
  const start = tf.findBackendFactory('wasm');
  let failure: unknown;
  let isAbandoned = false;
  const startOnce = async () => {
    try {
      const backend = await start();
      if (isAbandoned) backend.dispose();
      return backend;
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  replaceBackend(startOnce);
  try {
    if (!(await Promise.race([startBackend('wasm'), expired]))) throw failure;
  } catch (error) {
    isAbandoned = true;
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
    replaceBackend(start);
    throw error;
  }
  await startSimdThreads(getBackend(), stock.getThreadsCount(), pageThreadStarter, expired);
}

function replaceBackend(start: ReturnType<typeof tf.findBackendFactory>): void {
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', start, 2);
}

const getBackend = () => tf.engine().findBackend('wasm') as never as WasmBackend;
