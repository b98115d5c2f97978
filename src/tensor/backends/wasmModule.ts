import type { NodeModules } from './nodeModules.js';

/** Wasm module that is passed to the constructor of TensorFlow.js's `BackendWasm`. */
export interface WasmModule {
  tfjs: {
    initWithThreadsCount: (threads: number) => void;
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

/** Folder of the builds of TensorFlow.js's wasm module, as a module name. */
export const WASM_BUILDS = '@tensorflow/tfjs-backend-wasm/wasm-out';

/** Returns the time as Node's `process.hrtime()` does: in seconds, and the rest in nanoseconds. */
function getHighResolutionTime(): [seconds: number, nanoseconds: number] {
  const milliseconds = performance.now();
  return [Math.floor(milliseconds / 1000), Math.floor((milliseconds % 1000) * 1e6)];
}

/**
 * Loads a build of TensorFlow.js's wasm module in Node. The build adds listeners for uncaught exceptions and unhandled rejections to the
 * process, which throw the error again: the process then ends although it has listeners of its own. When the build is disposed of, it
 * removes the listeners of the program, too. Therefore its source code is run as a function in which `process` has no listeners. The
 * real globals do not change.
 *
 * @param build - Name of the build: the name of its files without the extension.
 * @param globals - More globals that are replaced in the source code of the build.
 * @throws An `Error` if the build is not installed or fails to start.
 */
export async function createWasmModule(
  node: NodeModules,
  build: string,
  globals: { readonly [name: string]: unknown } = {},
): Promise<WasmModule> {
  const scriptPath = node.require.resolve(`${WASM_BUILDS}/${build}.js`);
  const factory = node.require(scriptPath) as (options: object) => Promise<EmscriptenModule>;
  const parameters = {
    require: node.require,
    process: { versions: { node: 'yes' }, argv: [], on: () => {}, hrtime: getHighResolutionTime },
    global: {},
    __dirname: '',
    ...globals,
  };
  const createModule = new Function(...Object.keys(parameters), `return (${factory.toString()})`)(
    ...Object.values(parameters),
  ) as typeof factory;
  const wasmBinary = node.readFile(node.require.resolve(`${WASM_BUILDS}/${build}.wasm`));
  const module = await createModule({ wasmBinary, mainScriptUrlOrBlob: scriptPath });
  module.tfjs = {
    init: module.cwrap('init', null, []),
    initWithThreadsCount: module.cwrap('init_with_threads_count', null, ['number']),
    getThreadsCount: module.cwrap('get_threads_count', 'number', []),
    registerTensor: module.cwrap('register_tensor', null, ['number', 'number', 'number']),
    disposeData: module.cwrap('dispose_data', null, ['number']),
    dispose: module.cwrap('dispose', null, []),
  };
  return module;
}
