import { createError, isMultitaskError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import { didYouMean } from '../core/errors/suggestions.js';
import type { PackageLoader, Store } from '../core/platform/platform.js';
import {
  findNativePackage,
  loadNativeBackend,
  NATIVE_BUILD_COMMAND,
  NATIVE_INSTALL_COMMAND,
} from '../tensor/nativeBackend.js';
import { tf } from '../tensor/tf.js';
import { loadWasmBackend } from '../tensor/wasmBackend.js';
import type { OnnxEngineState } from './onnx/executor/predictor.js';
import { loadOnnxRuntime, ONNX_INSTALL_COMMAND } from './onnx/session/loadOnnxRuntime.js';

/**
 * What executes a step: ONNX Runtime, which runs it as one compiled graph, or a TensorFlow.js backend.
 *
 * @category Engines
 */
export type EngineName = 'native' | 'onnx' | 'wasm' | 'webgpu' | 'webgl' | 'cpu';

/**
 * Which engine runs, and why.
 *
 * @category Engines
 */
export interface EngineChoice {
  /** What now executes. */
  readonly name: EngineName;
  /** A sentence for people. */
  readonly reason: string;
  /** A faster engine that is not installed, or does not load, and the command that mends that. */
  readonly fasterEngine?: {
    /** The engine. */
    readonly name: EngineName;
    /** A command for the shell. */
    readonly install: string;
  };
}

/**
 * What choosing an engine may use.
 *
 * @category Engines
 */
export interface EngineOptions {
  /** Told which engine was chosen and why, and when a run goes on. Default: nobody. */
  readonly log?: (line: string) => void;
  /**
   * Finds optional packages: `loadPackage` of `tfjs-multitask/node`, `packages` of `tfjs-multitask/browser`. Without it
   * `native` and `onnx` are not looked for.
   */
  readonly load?: PackageLoader;
  /**
   * Threads of the `onnx` and the `wasm` engine. Default: `onnx` as many as the machine runs at the same time; `wasm` in Node
   * as many, at most 4, and one without `load`; in a page that is cross-origin isolated half as many, at most 8, else one.
   * For `wasm` it is a wish: there are at most 8 and, in a page, half as many as the machine runs at the same time; the first
   * start in a process settles it, and {@link EngineChoice.reason} tells how many run.
   */
  readonly threads?: number;
  /**
   * Where the `onnx` engine keeps compiled training steps that were found right, to begin sooner the next time:
   * `folderStore('out/graphs')`. Default: nowhere. One that cannot be written is told to `log`, and does no harm.
   */
  readonly compileCache?: Store;
}

/**
 * Makes an engine the one that TensorFlow.js uses, in this whole process, loading it and registering the kernels and
 * gradients it lacks. `fit`, `evaluate` and `predict` call it; importing the library changes nothing.
 *
 * `auto` takes the fastest that is installed: in Node `native` (`@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node`),
 * `onnx` (`onnxruntime-node`), else `wasm`, which always is; in a page `webgpu`, `webgl` or `wasm`, whichever of them has
 * been loaded.
 *
 * @param request - `auto`, or an engine by name, which never falls back to another.
 * @throws `missing-package` fault when a named engine is not installed, `broken-package` fault when its package does
 *   not load, `engine` fault when it does not start or is too old, `argument` fault for a name or a number of threads that
 *   cannot be.
 * @example
 * ```ts
 * import { useEngine } from 'tfjs-multitask';
 *
 * const { name, reason } = await useEngine('wasm');
 * console.log(name, '-', reason); // wasm - asked for by name, on 1 thread
 * ```
 * @category Engines
 */
export async function useEngine(
  request: EngineName | 'auto' = 'auto',
  options: EngineOptions = {},
): Promise<EngineChoice> {
  return selectEngine(request, options, () => {});
}

/** An engine that a run works on: nothing else may take its place until the run lets it go. */
export interface EngineLease {
  readonly choice: EngineChoice;
  /** ONNX Runtime, where that is the engine. */
  readonly onnx: OnnxEngineState | undefined;
  /** Ends it; once is enough. */
  release(): void;
}

/** Chooses an engine as {@link useEngine} does, for a run. */
export async function acquireEngine(
  request: EngineName | 'auto',
  options: EngineOptions,
): Promise<EngineLease> {
  let onnx: OnnxEngineState | undefined;
  const choice = await selectEngine(request, options, () => {
    activeRuns++;
    onnx = currentEngine?.onnx;
  });
  let over = false;
  const release = () => {
    if (!over) activeRuns--;
    over = true;
  };
  return { choice, onnx, release };
}

/** Runs that work on the engine in use. */
let activeRuns = 0;

/** @param taken - Called when the choice is made, before another can be. */
async function selectEngine(
  request: EngineName | 'auto',
  options: EngineOptions,
  taken: () => void,
): Promise<EngineChoice> {
  const { log = () => {} } = options;
  checkEngineOptions(options);
  const before = pendingStart;
  const chosen = (async () => {
    await before.catch(() => {}); // its caller hears of it
    const choice = await (activeRuns > 0
      ? selectSharedEngine(request)
      : request === 'auto'
        ? selectFastestEngine(options)
        : selectNamedEngine(request, options));
    taken();
    return choice;
  })();
  pendingStart = chosen;
  const choice = await chosen;
  log(`engine ${choice.name}: ${choice.reason}`);
  if (choice.fasterEngine) log(`faster: ${choice.fasterEngine.name}, ${choice.fasterEngine.install}`);
  return choice;
}

/** Beside a run in progress there is its engine alone: TensorFlow.js has one backend in a process. */
function selectSharedEngine(request: EngineName | 'auto'): EngineChoice {
  const { name } = currentEngine!;
  if (request === 'auto' || request === name) return { name, reason: 'a run in progress is on it' };
  throw createError({
    kind: 'engine',
    path: 'engine',
    expected: `${name}, on which a run is in progress`,
    received: JSON.stringify(request) ?? 'nothing',
    advice: 'Leave the engine out, or await the run first; two engines at a time need two processes.',
  });
}

/** The engine that the last choice took; undefined before the first. */
export const getCurrentEngine = (): EngineName | undefined => currentEngine?.name;

/** ONNX Runtime, where it is the engine in use. */
export const getCurrentOnnx = (): OnnxEngineState | undefined => currentEngine?.onnx;

let currentEngine: { readonly name: EngineName; readonly onnx?: OnnxEngineState } | undefined;

/** Runs `action` on the wasm backend, whatever the engine in use is; that one is as before afterwards. */
export async function runOnWasm<R>(action: () => R): Promise<R> {
  const before = pendingStart;
  const done = (async () => {
    await before.catch(() => {}); // its caller hears of it
    const backend = tf.getBackend();
    await loadWasmBackend();
    try {
      return action();
    } finally {
      await tf.setBackend(backend);
    }
  })();
  pendingStart = done;
  return done;
}

/** TensorFlow.js starts one backend at a time: of two that begin together it drops one. */
let pendingStart: Promise<unknown> = Promise.resolve();

/** What there is to know of an engine that has started. */
interface StartedEngine {
  readonly onnx?: OnnxEngineState;
  /** For {@link EngineChoice.reason}. */
  readonly note?: string;
}

const ENGINE_STARTERS: { readonly [Name in EngineName]: (options: EngineOptions) => Promise<StartedEngine> } =
  {
    native: async ({ load }) => {
      if (!load) {
        throw createError({
          kind: 'missing-package',
          path: 'engine native',
          expected: 'a way to load @tensorflow/tfjs-node',
          received: 'none',
          advice: "Use it in Node, and give `load: loadPackage` from 'tfjs-multitask/node'.",
        });
      }
      await loadNativeBackend(load);
      return {};
    },
    onnx: async ({ load, threads, compileCache, log }) => {
      const runtime = await loadOnnxRuntime(load);
      // What is recorded runs here, and what is too small to compile.
      await loadWasmBackend();
      const onnx = { runtime, threads: threads ?? load?.threads, compileCache, log };
      return { onnx, note: `, ${runtime.label}` };
    },
    wasm: async (options) => {
      const threads = await loadWasmBackend(options);
      return { note: `, on ${threads} ${threads === 1 ? 'thread' : 'threads'}` };
    },
    webgpu: () => startBackend('webgpu'),
    webgl: () => startBackend('webgl'),
    cpu: () => startBackend('cpu'),
  };

/** Starts it. Returns what to add to the reason. */
async function startEngine(name: EngineName, options: EngineOptions): Promise<string> {
  const { onnx, note = '' } = await ENGINE_STARTERS[name](options);
  currentEngine = { name, ...(onnx ? { onnx } : {}) };
  return note;
}

async function selectNamedEngine(name: EngineName, options: EngineOptions): Promise<EngineChoice> {
  if (!Object.hasOwn(ENGINE_STARTERS, name)) {
    throw createError({
      kind: 'argument',
      path: 'engine',
      expected: `auto, ${Object.keys(ENGINE_STARTERS).join(', ')}`,
      received: JSON.stringify(name) ?? 'nothing',
      advice:
        didYouMean(String(name), ['auto', ...Object.keys(ENGINE_STARTERS)]) ??
        'Leave it out for the fastest installed.',
    });
  }
  return { name, reason: `asked for by name${await startEngine(name, options)}` };
}

/** Native TensorFlow, ONNX Runtime, a page's GPU, wasm: the first that is there. */
async function selectFastestEngine(options: EngineOptions): Promise<EngineChoice> {
  const { load } = options;
  const take = async (
    name: EngineName,
    reason: string,
    fasterEngine?: EngineChoice['fasterEngine'],
  ): Promise<EngineChoice> => {
    const note = await startEngine(name, options);
    return { name, reason: reason + note, ...(fasterEngine ? { fasterEngine } : {}) };
  };
  const inPage = typeof document !== 'undefined';
  const loaded = (['webgpu', 'webgl'] as const).find((name) => tf.findBackendFactory(name) !== null);
  if (inPage && loaded) return take(loaded, 'the page has a GPU');
  if (inPage) return take('wasm', 'the page has no GPU backend loaded');
  if (!load) return take('wasm', 'always there; give `load: loadPackage` to look for native and onnx');
  const { name, loadError } = await findNativePackage(load);
  if (name !== undefined) return take('native', 'TensorFlow is installed');
  const mended = { name: 'native', install: NATIVE_BUILD_COMMAND } as const;
  const beside = loadError ? `; ${loadError.path} is installed, but: ${loadError.received}` : '';
  try {
    const faster = loadError ? mended : ({ name: 'native', install: NATIVE_INSTALL_COMMAND } as const);
    return await take('onnx', `ONNX Runtime is installed${beside}`, faster);
  } catch (error) {
    const why = isMultitaskError(error) ? error.received : String(error);
    const reason = `ONNX Runtime is not there (${why})${beside}`;
    return take('wasm', reason, loadError ? mended : { name: 'onnx', install: ONNX_INSTALL_COMMAND });
  }
}

function checkEngineOptions({ threads, compileCache }: EngineOptions): void {
  if (compileCache !== undefined && typeof compileCache?.read !== 'function') {
    throw createError({
      kind: 'argument',
      path: 'graphs',
      expected: 'a store',
      received: formatValue(compileCache),
      advice: "Write graphs: folderStore('out/graphs').",
    });
  }
  if (threads === undefined || (Number.isInteger(threads) && threads >= 1)) return;
  throw createError({
    kind: 'argument',
    path: 'threads',
    expected: 'a whole number of at least 1',
    received: formatValue(threads),
    advice: 'Leave it out for as many as the engine chooses.',
  });
}

async function startBackend(name: string): Promise<StartedEngine> {
  const known = tf.findBackendFactory(name) !== null;
  if (known && (await tf.setBackend(name))) return {};
  throw createError({
    kind: known ? 'engine' : 'missing-package',
    path: `engine ${name}`,
    expected: known
      ? 'a backend that starts on this machine'
      : `the package @tensorflow/tfjs-backend-${name}`,
    received: known ? 'one that does not' : 'none',
    advice: known
      ? 'Use engine: "wasm", which runs everywhere.'
      : `Install and import @tensorflow/tfjs-backend-${name}.`,
  });
}
