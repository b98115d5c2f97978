import type { PackageLoader } from '../../core/platform/platform.js';

/** A `Worker` from `node:worker_threads`. */
export interface NodeWorker {
  on(event: 'message' | 'error' | 'exit', listener: (data: unknown) => void): void;
  postMessage(message: unknown): void;
  unref(): void;
  terminate(): Promise<unknown>;
}

/** The Node modules that wasm threads need. They are passed in because this library imports `node:` modules only in `node/`. */
export interface NodeModules {
  readonly workerThreads: { readonly Worker: new (script: string, options: object) => NodeWorker };
  readonly require: ((name: string) => unknown) & { resolve(name: string): string };
  readonly readFile: (path: string) => Uint8Array;
}

/**
 * Options of a worker that runs a script without the flags and the environment of the process. The script does not need them, and they
 * could cause other code to be preloaded in every thread.
 */
export const ISOLATED_WORKER_OPTIONS = { eval: true, execArgv: [], env: {} };

/** Loads the modules of Node with `load`. Returns undefined if the runtime is not Node. */
export async function loadNodeModules(load: PackageLoader): Promise<NodeModules | undefined> {
  const loadModule = <M>(name: string) => load<M>(`node:${name}`, 'threads of the wasm engine');
  try {
    const workerThreads = await loadModule<NodeModules['workerThreads']>('worker_threads');
    const { createRequire } = await loadModule<{ createRequire(from: string): NodeModules['require'] }>(
      'module',
    );
    const { readFileSync } = await loadModule<{ readFileSync: NodeModules['readFile'] }>('fs');
    return { workerThreads, require: createRequire(import.meta.url), readFile: readFileSync };
  } catch {
    return undefined;
  }
}
