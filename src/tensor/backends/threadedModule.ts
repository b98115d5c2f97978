import { ISOLATED_WORKER_OPTIONS, type NodeModules, type NodeWorker } from './nodeModules.js';
import { createWasmModule, WASM_BUILDS, type WasmModule } from './wasmModule.js';

/** Maximum number of threads of the threaded build of TensorFlow.js, whose pool has eight workers. */
export const MAX_WASM_THREADS = 8;

/**
 * Code that runs at the start of each thread. It turns the globals that the threaded build assigns into plain properties, so that they
 * behave as in Node. In Deno, these globals are accessors: `location` cannot be assigned, and `onmessage` would receive every message
 * twice.
 */
const PLAIN_GLOBALS = `
for (const name of ['location', 'onmessage'])
  Object.defineProperty(globalThis, name, { value: undefined, writable: true, configurable: true });
`;

const THREADED_BUILD = 'tfjs-backend-wasm-threaded-simd';

/**
 * Loads the threaded build of TensorFlow.js's wasm module in Node. The package itself does not support threads in Node
 * (tensorflow/tfjs#3830): it tries to load its workers from files that do not exist, and derives the number of threads from the number of
 * cores. Therefore, `Worker` is the class of {@link createWorkerClass}, and `os` reports twice as many cores as `threads`.
 *
 * @param expired - Rejects when the time limit for the start is over.
 * @throws An `Error` if the build is not installed or fails to start. Its threads are stopped.
 */
export async function createThreadedModule(
  node: NodeModules,
  threads: number,
  expired: Promise<never>,
): Promise<WasmModule> {
  const { wasmWorkerContents } = node.require(`${WASM_BUILDS}/${THREADED_BUILD}.worker.js`) as {
    wasmWorkerContents: string;
  };
  let onError!: (cause: unknown) => void;
  const failure = new Promise<never>((_, reject) => {
    onError = reject;
  });
  // In the package's copy of the worker's source code, each `\n` in a string literal has become a line break. This reverses it.
  const workerScript = PLAIN_GLOBALS + wasmWorkerContents.replaceAll('\n', '\\n');
  const startedThreads: NodeWorker[] = [];
  const globals = {
    // The build uses half as many threads as there are cores.
    require: (name: string) =>
      name === 'os' ? { cpus: () => ({ length: 2 * threads }) } : node.require(name),
    Worker: createWorkerClass(node, { workerScript, threads, startedThreads, onError }),
  };
  try {
    const starting = createWasmModule(node, THREADED_BUILD, globals);
    const module = await Promise.race([starting, failure, expired]);
    const { initWithThreadsCount } = module.tfjs;
    module.tfjs.initWithThreadsCount = () => initWithThreadsCount(threads);
    return module;
  } catch (error) {
    for (const thread of startedThreads) void thread.terminate(); // A thread that has not loaded keeps the process alive.
    throw error;
  }
}

interface WorkerMessage {
  readonly cmd: string;
}

interface WorkerClassOptions {
  /** Source code of a worker in the pool of the threaded build. */
  readonly workerScript: string;
  readonly threads: number;
  /** Array to which every started thread is added. */
  readonly startedThreads: NodeWorker[];
  readonly onError: (cause: unknown) => void;
}

/**
 * Creates the class that the threaded build instantiates for the workers of its pool. The build always creates eight workers and uses them
 * from the last to the first. Only a worker that the build will use starts a thread; every other worker only reports that it is loaded. A
 * loaded thread does not keep the process alive.
 */
function createWorkerClass({ workerThreads: { Worker } }: NodeModules, options: WorkerClassOptions) {
  const { workerScript, threads, startedThreads, onError } = options;
  let workerCount = 0;
  return class {
    /** Listener for messages of the worker, set by the threaded build. */
    onmessage!: (event: { readonly data: unknown }) => void;
    private readonly thread: NodeWorker | undefined;

    constructor() {
      workerCount++;
      if (workerCount <= MAX_WASM_THREADS + 1 - threads) return;
      this.thread = new Worker(workerScript, ISOLATED_WORKER_OPTIONS);
      startedThreads.push(this.thread);
      this.thread.on('error', onError);
    }

    on(event: 'message', listener: (data: unknown) => void): void {
      if (event === 'message') this.thread?.on('message', listener);
    }

    postMessage(message: WorkerMessage): void {
      if (this.thread) this.thread.postMessage(message);
      else this.onmessage({ data: { cmd: 'loaded' } });
    }

    /** Called by the threaded build when a thread starts to work. Does nothing, so that the thread never keeps the process alive. */
    ref(): void {}

    unref(): void {
      this.thread?.unref();
    }

    terminate(): void {
      void this.thread?.terminate();
    }
  };
}
