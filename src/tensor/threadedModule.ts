import { ISOLATED_WORKER_OPTIONS, type NodeModules, type NodeWorker } from './nodeModules.js';

/** The wasm module that TensorFlow.js's `BackendWasm` is constructed from. */
export interface WasmModule {
  tfjs: {
    readonly initWithThreadsCount: () => void;
    readonly getThreadsCount: () => number;
    readonly [name: string]: (...numbers: number[]) => unknown;
  };
}

interface EmscriptenModule extends WasmModule {
  cwrap(
    name: string,
    returnType: 'number' | null,
    argumentTypes: readonly 'number'[],
  ): (...numbers: number[]) => never;
}

/** Largest number of threads that the threaded build supports: its pool has eight workers. */
export const MAX_WASM_THREADS = 8;

const THREADED_BUILD = '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd';

/**
 * Creates the threaded build of TensorFlow.js's wasm module in Node, which the package itself does not support (tensorflow/tfjs#3830)
 * because it tries to load its workers from files that do not exist, and guesses the number of threads.
 *
 * The source code of the build runs as a function in which some globals are replaced: `Worker` starts the threads of
 * {@link createWorkerClass}, `os` reports the number of cores for which the build uses `threads` threads, and `process` registers no
 * listeners. The real globals do not change.
 *
 * @param expired - Rejects when the time limit for the start is over.
 * @throws `Error` if the build is not installed or fails to start. Its threads are stopped.
 */
export async function createThreadedModule(
  node: NodeModules,
  threads: number,
  expired: Promise<never>,
): Promise<WasmModule> {
  const scriptPath = node.require.resolve(`${THREADED_BUILD}.js`);
  const factory = node.require(`${THREADED_BUILD}.js`) as (options: object) => Promise<EmscriptenModule>;
  const { wasmWorkerContents } = node.require(`${THREADED_BUILD}.worker.js`) as {
    wasmWorkerContents: string;
  };
  let onError!: (cause: unknown) => void;
  const failure = new Promise<never>((_, reject) => {
    onError = reject;
  });
  const startedThreads: NodeWorker[] = [];
  // The package stores the worker's source in a string literal whose escaped line breaks have become real line breaks.
  const workerScript = wasmWorkerContents.replaceAll('\n', '\\n');
  const globals = {
    // The build uses half as many threads as there are cores.
    require: (name: string) =>
      name === 'os' ? { cpus: () => ({ length: 2 * threads }) } : node.require(name),
    process: { versions: { node: 'yes' }, argv: [], on: () => {} },
    global: {},
    Worker: createWorkerClass(node, { workerScript, threads, startedThreads, onError }),
    __dirname: '',
  };
  const createModule = new Function(...Object.keys(globals), `return (${factory.toString()})`)(
    ...Object.values(globals),
  ) as typeof factory;
  const wasmBinary = node.readFile(node.require.resolve(`${THREADED_BUILD}.wasm`));
  const starting = createModule({ wasmBinary, mainScriptUrlOrBlob: scriptPath });
  const module = await Promise.race([starting, failure, expired]).catch((error: unknown) => {
    for (const thread of startedThreads) void thread.terminate(); // A thread that has not loaded keeps the process alive.
    throw error;
  });
  const init = module.cwrap('init_with_threads_count', null, ['number']);
  module.tfjs = {
    init: module.cwrap('init', null, []),
    initWithThreadsCount: () => init(threads),
    getThreadsCount: module.cwrap('get_threads_count', 'number', []),
    registerTensor: module.cwrap('register_tensor', null, ['number', 'number', 'number']),
    disposeData: module.cwrap('dispose_data', null, ['number']),
    dispose: module.cwrap('dispose', null, []),
  };
  return module;
}

interface WorkerMessage {
  readonly cmd: string;
}

interface WorkerClassOptions {
  /** Source code of a worker. */
  readonly workerScript: string;
  readonly threads: number;
  /** Receives every thread that is started. */
  readonly startedThreads: NodeWorker[];
  readonly onError: (cause: unknown) => void;
}

/**
 * Creates the class of the workers in the build's pool. The build always creates eight workers, whatever the number of threads, and uses
 * them from the last to the first. Only the workers that it will use start a thread; the others only report that they are loaded. Once
 * loaded, a thread does not keep the process alive.
 */
function createWorkerClass({ workerThreads: { Worker } }: NodeModules, options: WorkerClassOptions) {
  const { workerScript, threads, startedThreads, onError } = options;
  let workerCount = 0;
  return class {
    /** Set by the build. */
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

    /** Called by the build when a thread starts to work. Does nothing because threads run until the process ends. */
    ref(): void {}

    unref(): void {
      this.thread?.unref();
    }

    terminate(): void {
      void this.thread?.terminate();
    }
  };
}
