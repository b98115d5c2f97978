import type { PackageLoader } from '../core/platform/platform.js';
import type { ThreadStarter } from './kernels/threadPool.js';

/** What TensorFlow.js's wasm backend is made on. */
export interface WasmModule {
  tfjs: {
    readonly initWithThreadsCount: () => void;
    readonly getThreadsCount: () => number;
    readonly [name: string]: (...numbers: number[]) => unknown;
  };
}

interface EmscriptenModule extends WasmModule {
  cwrap(name: string, returned: 'number' | null, taken: readonly 'number'[]): (...numbers: number[]) => never;
}

interface NodeWorker {
  on(event: 'message' | 'error' | 'exit', listener: (data: unknown) => void): void;
  postMessage(message: unknown): void;
  unref(): void;
  terminate(): Promise<unknown>;
}

/** The parts of Node that this file needs, which come through `load`. */
interface NodeModules {
  readonly workerThreads: { readonly Worker: new (script: string, options: object) => NodeWorker };
  readonly require: ((name: string) => unknown) & { resolve(name: string): string };
  readonly readFile: (path: string) => Uint8Array;
}

/** Most threads that the build has room for: eight workers wait in its pool. */
export const MAX_WASM_THREADS = 8;

const THREADED_BUILD = '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd';

/** Nothing of the process's flags and environment is needed, and both may load half a program into each thread. */
const ISOLATED_WORKER_OPTIONS = { eval: true, execArgv: [], env: {} };

/** Node by way of `load`; undefined where the runtime is another. */
export async function loadNodeModules(load: PackageLoader): Promise<NodeModules | undefined> {
  const of = <M>(name: string) => load<M>(`node:${name}`, 'threads of the wasm engine');
  try {
    const workerThreads = await of<NodeModules['workerThreads']>('worker_threads');
    const { createRequire } = await of<{ createRequire(from: string): NodeModules['require'] }>('module');
    const { readFileSync } = await of<{ readFileSync: NodeModules['readFile'] }>('fs');
    return { workerThreads, require: createRequire(import.meta.url), readFile: readFileSync };
  } catch {
    return undefined;
  }
}

/**
 * The threaded build of TensorFlow.js's wasm module, started in Node, where the package refuses it
 * (tensorflow/tfjs#3830): its workers would be files that are none, and its number of threads a guess.
 *
 * Its own source text runs here as a function whose surroundings are ours: `Worker` is {@link createWorkerClass} threads, `os` tells as
 * many cores as make the wanted number of threads, and `process` takes no listeners. Nothing global is touched.
 *
 * @throws When the build is not there or does not start.
 */
export async function createThreadedModule(node: NodeModules, threads: number): Promise<WasmModule> {
  const script = node.require.resolve(`${THREADED_BUILD}.js`);
  const factory = node.require(`${THREADED_BUILD}.js`) as (options: object) => Promise<EmscriptenModule>;
  const { wasmWorkerContents } = node.require(`${THREADED_BUILD}.worker.js`) as {
    wasmWorkerContents: string;
  };
  let onError!: (cause: unknown) => void;
  const failure = new Promise<never>((_, reject) => {
    onError = reject;
  });
  // The text lost the escapes of its line ends when it was put between quotes.
  const workerScript = wasmWorkerContents.replaceAll('\n', '\\n');
  const surroundings = {
    // The build takes half as many threads as there are cores.
    require: (name: string) =>
      name === 'os' ? { cpus: () => ({ length: 2 * threads }) } : node.require(name),
    process: { versions: { node: 'yes' }, argv: [], on: () => {} },
    global: {},
    Worker: createWorkerClass(node, { workerScript, threads, onError }),
    __dirname: '',
  };
  const begin = new Function(...Object.keys(surroundings), `return (${factory.toString()})`)(
    ...Object.values(surroundings),
  ) as typeof factory;
  const wasmBinary = node.readFile(node.require.resolve(`${THREADED_BUILD}.wasm`));
  const module = await Promise.race([begin({ wasmBinary, mainScriptUrlOrBlob: script }), failure]);
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

/**
 * Workers for the build's pool. The build makes eight, whatever the number of threads, and takes them from the end; those it
 * will take are threads of the machine, which must have loaded before it waits for them. Once loaded, none keeps the process alive.
 */
function createWorkerClass({ workerThreads: { Worker } }: NodeModules, options: WorkerClassOptions) {
  const { workerScript, threads, onError } = options;
  let made = 0;
  return class {
    /** Set by the build. */
    onmessage!: (event: { readonly data: unknown }) => void;
    private readonly thread: NodeWorker | undefined;

    constructor() {
      made++;
      if (made <= MAX_WASM_THREADS + 1 - threads) return;
      this.thread = new Worker(workerScript, ISOLATED_WORKER_OPTIONS);
      this.thread.on('error', onError);
    }

    on(event: 'message', listener: (data: unknown) => void): void {
      if (event === 'message') this.thread?.on('message', listener);
    }

    postMessage(message: WorkerMessage): void {
      if (this.thread) this.thread.postMessage(message);
      else this.onmessage({ data: { cmd: 'loaded' } });
    }

    /** The build asks for it when a thread begins its work, which lasts as long as the process. */
    ref(): void {}

    unref(): void {
      this.thread?.unref();
    }

    terminate(): void {
      void this.thread?.terminate();
    }
  };
}

interface WorkerClassOptions {
  /** What a worker runs. */
  readonly workerScript: string;
  readonly threads: number;
  readonly onError: (cause: unknown) => void;
}

/** Threads of Node, which, once they run, do not keep the process alive. */
export function createNodeThreadStarter({ workerThreads: { Worker } }: NodeModules): ThreadStarter {
  return (script, posted, gone) => {
    const listen = `
const { parentPort } = require('node:worker_threads');
parentPort.once('message', (message) => serve(message, () => parentPort.postMessage('ready')));`;
    const thread = new Worker(script + listen, ISOLATED_WORKER_OPTIONS);
    thread.on('message', () => {
      thread.unref(); // not sooner: somebody waits for it
      posted();
    });
    thread.on('error', gone);
    thread.on('exit', gone);
    return {
      postMessage: (message) => thread.postMessage(message),
      terminate: () => void thread.terminate(),
    };
  };
}
