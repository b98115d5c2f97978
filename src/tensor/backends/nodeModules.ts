import type { PackageLoader } from '../../core/platform/platform.js';

/** Members of `Worker` from `node:worker_threads` that this library uses. */
export interface NodeWorker {
  on(event: 'message' | 'error' | 'exit', listener: (data: unknown) => void): void;
  postMessage(message: unknown): void;
  unref(): void;
  terminate(): Promise<unknown>;
}

/**
 * Node modules that the threads of the wasm engine need. The modules are passed as an argument, because only files in the `node/` folder
 * may import `node:` modules.
 */
export interface NodeModules {
  readonly workerThreads: { readonly Worker: new (script: string, options: object) => NodeWorker };
  readonly require: ((name: string) => unknown) & { resolve(name: string): string };
  readonly readFile: (path: string) => Uint8Array;
}

/**
 * Options that start a Node worker without the flags and the environment of the process, because these could preload unrelated code in
 * every thread.
 */
export const ISOLATED_WORKER_OPTIONS = { eval: true, execArgv: [], env: {} };

/** Loads the Node modules that the threads of the wasm engine need. Returns undefined if the runtime is not Node. */
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
