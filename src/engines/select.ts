import * as checks from '../core/errors/checks.js';
import { createError, isMultitaskError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import type { PackageLoader, Platform, Store } from '../core/platform/platform.js';
import type { InferenceFunction, LayerGraph } from '../network/layerGraph.js';
import { loadNativeBackend } from '../tensor/backends/nativeBackend.js';
import { getThreadFailure, loadWasmBackend, startWasmBackend } from '../tensor/backends/wasmBackend.js';
import { checkSingleTensorFlow } from '../tensor/checkSingleTensorFlow.js';
import {
  awaitBackendOfProgram,
  runOnBackend,
  setStartedBackend,
  startBackend,
} from '../tensor/startBackend.js';
import { tf } from '../tensor/tf.js';
import { Engine } from './engine.js';
import { type EngineChoice, type EngineName, formatEngineChoice } from './engineChoice.js';
import { loadOnnxRuntime, ONNX_INSTALL_COMMAND } from './onnx/session/loadOnnxRuntime.js';
import type { OnnxRuntime } from './onnx/session/onnxRuntime.js';
import { getEngineInstance, getProcessState, type StartedEngine } from './processState.js';

/**
 * Options for every call that can start an engine.
 *
 * @category Engines
 */
export interface EngineOptions {
  /**
   * Called with one line of text for each event, for example the engine choice and its reason, or the start of a resumed run. Default:
   * nothing is logged.
   */
  readonly log?: (line: string) => void;
  /**
   * Number of threads for the `onnx` and `wasm` engines.
   *
   * - `onnx`: by default the number of hardware threads.
   * - `wasm` in Node: by default the number of hardware threads, but at most 4.
   * - `wasm` in a page: by default half the number of hardware threads, but at most 8, if the page is cross-origin isolated; otherwise 1.
   *
   * After `wasm` has started, its number of threads cannot change in that process. {@link EngineChoice.reason} reports the number in use.
   */
  readonly threads?: number;
  /**
   * Store in which the `onnx` engine saves verified compiled training steps, so that later runs start faster, for example
   * `folderStore('out/graphs')`. Default: compiled steps are not saved. If the store is not writable, the run continues and `log` receives
   * a message.
   */
  readonly compileCache?: Store;
}

/**
 * Options for {@link useEngine}.
 *
 * @category Engines
 */
export interface UseEngineOptions extends EngineOptions {
  /**
   * Functions that import optional packages, keyed by package name. A page needs this option for the `onnx` engine, because a
   * bundler includes only imports in the source code of the page, for example `{ 'onnxruntime-web': () => import('onnxruntime-web') }`.
   */
  readonly packages?: {
    /** Imports the package with this name. */
    readonly [name: string]: () => Promise<unknown>;
  };
}

/** Type of the `useEngine` function, which each entry point of the package creates for its platform. */
export interface UseEngine {
  /**
   * Starts an engine and makes it the default for all later calls in this process: `fit`, `evaluate`, `predict` and `gradCam`
   * use it unless their `engine` option specifies a different engine.
   *
   * `auto` selects the fastest engine that is installed and starts, in this order of preference:
   *
   * - in Node: `onnx` (`onnxruntime-node`), then `wasm`, which is always installed;
   * - in a page: `webgpu` or `webgl` if the page has imported that backend, then `onnx` if it is registered, then `wasm`.
   *
   * The reason for the choice states why an installed engine was skipped. The guide to engines describes further engines.
   *
   * @param request - `auto` (default) or the name of an engine. A named engine never falls back to another.
   * @returns The engine and the reason for the choice.
   * @throws `missing-package` error if a named engine is not installed, `broken-package` error if its package fails to load, `engine` error
   *   if it does not start, if its version is too old, or if a run on another engine is in progress, `argument` error for an unknown name
   *   or an invalid number of threads.
   * @example
   * ```ts
   * import { useEngine } from 'tfjs-multitask';
   *
   * const { name, reason } = await useEngine('wasm');
   * console.log(name, '-', reason); // wasm - requested by name, on …
   * ```
   * @example In a page, with ONNX Runtime
   * ```typescript
   * import { useEngine } from 'tfjs-multitask';
   *
   * await useEngine('onnx', { packages: { 'onnxruntime-web': () => import('onnxruntime-web') } });
   * ```
   * @category Engines
   */
  (request?: EngineName | 'auto', options?: UseEngineOptions): Promise<EngineChoice>;
}

/** Creates the `useEngine` function for a platform. */
export function createUseEngine(platform: Platform): UseEngine {
  return async (request = 'auto', options = {}) => {
    checks.options<UseEngineOptions>(
      'useEngine',
      options,
      { ...ENGINE_OPTION_NAMES, packages: true },
      {
        advice: "Write useEngine('wasm', { threads: 2 }).",
        replacements: { engine: "Pass the engine as the first argument: useEngine('wasm')." },
      },
    );
    const select = () => selectNewEngine(platform, request, options);
    return selectEngine(request, options, select, (engine, choice, isShared) => {
      if (!isShared || request !== 'auto') {
        const { compileCache } = options;
        getProcessState().defaultEngine = { engine, choice, compileCache };
      }
      return choice;
    });
  };
}

/** Lease on the engine of a run. Until the lease is released, no other engine can start in this process. */
export interface EngineLease {
  readonly engine: Engine;
  readonly choice: EngineChoice;
  /** Store in which the run caches its compiled steps. Undefined if the run does not cache compiled steps. */
  readonly compileCache: Store | undefined;
  /** Ends the lease, so that another engine can start. A second call does nothing. */
  release(): void;
}

/**
 * Starts the engine of a run: the requested engine, otherwise the default that `useEngine` set, otherwise the fastest installed engine. If
 * another run is in progress, both runs share its engine.
 */
export async function acquireEngine(
  platform: Platform,
  request: EngineName | 'auto' | undefined,
  options: EngineOptions,
): Promise<EngineLease> {
  const state = getProcessState();
  const select = () => selectForCall(platform, request, options);
  return selectEngine(request, options, select, (started, choice) => {
    state.activeRuns++;
    let isReleased = false;
    const release = () => {
      if (!isReleased) state.activeRuns--;
      isReleased = true;
    };
    const { defaultEngine } = state;
    const defaultCache = defaultEngine?.engine === started ? defaultEngine.compileCache : undefined;
    const { compileCache = defaultCache } = options;
    return { engine: getEngine(started), choice, compileCache, release };
  });
}

/**
 * Returns the engine for a prediction. The order of preference is: the requested engine, the engine of a run in progress, the default that
 * `useEngine` set, the active engine, the fastest installed engine.
 */
export async function startEngine(
  platform: Platform,
  request: EngineName | 'auto' | undefined,
  options: EngineOptions,
): Promise<Engine> {
  const { activeEngine, activeRuns, defaultEngine } = getProcessState();
  const isActive = activeRuns > 0 || !defaultEngine || defaultEngine.engine === activeEngine;
  if (request === undefined && activeEngine && isActive) {
    checkEngineOptions(options);
    return getEngine(activeEngine);
  }
  const select = () => selectForCall(platform, request, options);
  return selectEngine(request, options, select, getEngine);
}

/** Returns the engine whose TensorFlow.js backend is active. Undefined before the first engine starts. */
export function getActiveEngine(): Engine | undefined {
  const { activeEngine } = getProcessState();
  return activeEngine && getEngine(activeEngine);
}

/** Releases the resources that predictions with a graph allocated on any engine, such as ONNX Runtime sessions. */
export function releaseGraph(graph: LayerGraph | InferenceFunction): void {
  for (const started of getProcessState().startedEngines.values()) getEngine(started).release(graph);
}

/**
 * Runs `action` on the wasm backend and then restores the active backend. `action` is synchronous, so no training step or prediction can
 * run on wasm in the meantime.
 */
export async function runOnWasm<R>({ loadPackage }: Platform, action: () => R): Promise<R> {
  return afterPendingStart(async () => {
    checkSingleTensorFlow();
    await startWasmBackend({ load: loadPackage });
    return runOnBackend('wasm', action);
  });
}

const getEngine = (started: StartedEngine): Engine => getEngineInstance(started, () => new Engine(started));

/**
 * Calls `start` after all earlier requests to start an engine have finished. Errors of earlier requests are ignored here, because their own
 * callers receive them.
 */
async function afterPendingStart<R>(start: () => Promise<R>): Promise<R> {
  const state = getProcessState();
  const previous = state.pendingStart;
  const current = (async () => {
    await previous.catch(() => {});
    await awaitBackendOfProgram();
    return start();
  })();
  state.pendingStart = current;
  return current;
}

/**
 * Selects the engine of the run in progress, or calls `select` to start one if no run is in progress.
 *
 * @param onSelected - Called with the selected engine, before another engine can start. `isShared` is true if a run in progress uses the
 *   engine.
 */
async function selectEngine<R>(
  request: EngineName | 'auto' | undefined,
  options: UseEngineOptions,
  select: () => Promise<EngineChoice>,
  onSelected: (engine: StartedEngine, choice: EngineChoice, isShared: boolean) => R,
): Promise<R> {
  const { log = () => {} } = options;
  checkEngineOptions(options);
  const state = getProcessState();
  const { choice, result } = await afterPendingStart(async () => {
    checkSingleTensorFlow();
    const isShared = state.activeRuns > 0;
    const choice = isShared ? selectSharedEngine(request) : await select();
    checkSingleTensorFlow(); // The backend that has started may belong to another copy.
    return { choice, result: onSelected(state.activeEngine!, choice, isShared) };
  });
  for (const line of formatEngineChoice(choice)) log(line);
  return result;
}

/**
 * Returns the engine of the run in progress. Throws an `engine` error if a different engine is requested, because TensorFlow.js allows only
 * one active backend per process.
 */
function selectSharedEngine(request: EngineName | 'auto' | undefined): EngineChoice {
  const { name } = getProcessState().activeEngine!;
  if (request === 'auto' || request === undefined || request === name)
    return { name, reason: 'a run in progress uses it' };
  throw createError({
    kind: 'engine',
    path: 'engine',
    expected: `"${name}", the engine of the run in progress`,
    received: formatValue(request),
    advice:
      'Omit the engine option, or await the run first. To run two engines at the same time, use two processes.',
  });
}

/**
 * Selects the default engine that `useEngine` set, if the call requests no engine, or requests the default engine without a number of
 * threads. Otherwise, starts the requested engine.
 */
async function selectForCall(
  platform: Platform,
  request: EngineName | 'auto' | undefined,
  options: EngineOptions,
): Promise<EngineChoice> {
  const state = getProcessState();
  const { engine, choice } = state.defaultEngine ?? {};
  const isDefault = request === undefined || (request === engine?.name && options.threads === undefined);
  if (!engine || !choice || !isDefault) return selectNewEngine(platform, request ?? 'auto', options);
  setStartedBackend(engine.backend);
  state.activeEngine = engine;
  return choice;
}

const selectNewEngine = (
  platform: Platform,
  request: EngineName | 'auto',
  options: UseEngineOptions,
): Promise<EngineChoice> =>
  request === 'auto' ? selectFastestEngine(platform, options) : selectNamedEngine(request, platform, options);

/** Properties of an engine that has just started. */
interface EngineStart {
  /** Name of the TensorFlow.js backend that is active while the engine runs. */
  readonly backend: string;
  readonly onnx?: StartedEngine['onnx'];
  /** Text that is appended to {@link EngineChoice.reason}, for example `, on 4 threads`. */
  readonly note?: string;
}

type EngineStarter = (platform: Platform, options: UseEngineOptions) => Promise<EngineStart>;

const ENGINE_STARTERS: { readonly [Name in EngineName]: EngineStarter } = {
  native: async (platform, { packages }) => {
    await loadNativeBackend(createPackageLoader(platform, packages));
    return { backend: 'tensorflow' };
  },
  onnx: async (platform, options) => {
    const { threads = platform.loadPackage.threads, packages } = options;
    const loader = createPackageLoader(platform, packages);
    const runtime =
      platform.name === 'node'
        ? await loadOnnxRuntime(loader, `Run: ${ONNX_INSTALL_COMMAND}`)
        : await loadOnnxRuntime(loader, REGISTER_ONNX_ADVICE).catch(getRegisteredRuntime);
    // The wasm backend runs the traces of training steps, and all operations outside the compiled graphs.
    await loadWasmBackend({ threads: options.threads, load: platform.loadPackage });
    const threadNote = runtime.threadNote === undefined ? '' : `, ${runtime.threadNote}`;
    const note = `, ${runtime.label}${threadNote}${formatThreadFailure()}`;
    return { backend: 'wasm', onnx: { runtime, threads }, note };
  },
  wasm: async ({ loadPackage }, { threads }) => {
    const running = await loadWasmBackend({ threads, load: loadPackage });
    const count = `${running} ${running === 1 ? 'thread' : 'threads'}`;
    return { backend: 'wasm', note: `, on ${count}${formatThreadFailure()}` };
  },
  webgpu: () => startImportedBackend('webgpu'),
  webgl: () => startImportedBackend('webgl'),
  cpu: () => startImportedBackend('cpu'),
};

/** Returns a note for {@link EngineChoice.reason} if the wasm threads failed to start, otherwise an empty string. */
function formatThreadFailure(): string {
  const failure = getThreadFailure();
  return failure === undefined ? '' : `; the threads of wasm failed to start: ${failure}`;
}

const REGISTER_ONNX_ADVICE =
  "Register the package first: await useEngine('onnx', { packages: { 'onnxruntime-web': () => import('onnxruntime-web') } }).";

/** Returns the ONNX Runtime that an earlier call to `useEngine` registered. If there is none, rethrows `error`. */
function getRegisteredRuntime(error: unknown): OnnxRuntime {
  const started = getProcessState().startedEngines.get('onnx');
  if (started?.onnx && isMultitaskError(error) && error.kind === 'missing-package')
    return started.onnx.runtime;
  throw error;
}

/**
 * Returns a loader that imports a package with the function in `packages`, or with the platform's loader if `packages` has no function for
 * it.
 */
function createPackageLoader(
  { loadPackage }: Platform,
  packages: UseEngineOptions['packages'] = {},
): PackageLoader {
  const load = async <M>(name: string, neededFor: string): Promise<M> =>
    Object.hasOwn(packages, name) ? ((await packages[name]!()) as M) : loadPackage<M>(name, neededFor);
  return loadPackage.threads === undefined ? load : Object.assign(load, { threads: loadPackage.threads });
}

/** Starts an engine and makes it the active engine. Returns text to append to {@link EngineChoice.reason}. */
async function activateEngine(
  name: EngineName,
  platform: Platform,
  options: UseEngineOptions,
): Promise<string> {
  const { backend, onnx, note = '' } = await ENGINE_STARTERS[name](platform, options);
  const state = getProcessState();
  const started = state.startedEngines.get(name);
  const isSame =
    started?.onnx?.runtime.InferenceSession === onnx?.runtime.InferenceSession &&
    started?.onnx?.threads === onnx?.threads;
  if (!started || !isSame)
    state.startedEngines.set(name, { name, backend, ...(onnx ? { onnx } : {}), instances: new Map() });
  state.activeEngine = state.startedEngines.get(name)!;
  return note;
}

async function selectNamedEngine(
  name: EngineName,
  platform: Platform,
  options: UseEngineOptions,
): Promise<EngineChoice> {
  checks.oneOf('engine', name, ['auto', ...Object.keys(ENGINE_STARTERS)], {
    noun: 'the name of an engine',
    advice: 'Omit the engine option to use the fastest installed engine.',
  });
  return { name, reason: `requested by name${await activateEngine(name, platform, options)}` };
}

/**
 * Starts the first engine of {@link listCandidates} that is installed and starts. The reason for the choice states why an installed
 * candidate was skipped.
 */
async function selectFastestEngine(platform: Platform, options: UseEngineOptions): Promise<EngineChoice> {
  const notes: string[] = [];
  let fasterEngine: EngineChoice['fasterEngine'];
  for (const name of listCandidates(platform, options)) {
    try {
      const note = await activateEngine(name, platform, options);
      const reason = [CANDIDATE_REASONS[name] + note, ...notes].join('; ');
      return { name, reason, ...(fasterEngine && name === 'wasm' ? { fasterEngine } : {}) };
    } catch (error) {
      if (!isMultitaskError(error) || name === 'wasm') throw error;
      if (name === 'onnx' && platform.name === 'node') fasterEngine = { name, install: ONNX_INSTALL_COMMAND };
      if (error.kind !== 'missing-package') notes.push(`${name} was skipped: ${error.message}`);
      else if (name === 'onnx') notes.push('ONNX Runtime is not installed');
    }
  }
  throw new Error('unreachable: wasm is the last candidate');
}

/**
 * Returns the engines that `auto` tries, the fastest first. The last one is `wasm`, which is a dependency of this package. GPU backends that
 * failed to start in this process are not tried again.
 */
function listCandidates({ name }: Platform, { packages }: UseEngineOptions): readonly Candidate[] {
  if (name === 'node') return ['native', 'onnx', 'wasm'];
  if (name === 'default') return ['wasm'];
  const isPage = typeof document !== 'undefined';
  const { failedBackends, startedEngines } = getProcessState();
  const gpus = (['webgpu', 'webgl'] as const).filter(
    (gpu) => isPage && tf.findBackendFactory(gpu) !== null && !failedBackends.has(gpu),
  );
  const hasOnnx = Object.hasOwn(packages ?? {}, 'onnxruntime-web') || startedEngines.has('onnx');
  return [...gpus, ...(hasOnnx ? (['onnx'] as const) : []), 'wasm'];
}

type Candidate = Exclude<EngineName, 'cpu'>;

/** Reason why `auto` selects an engine, keyed by engine name. The selected engine is the first candidate that is installed and starts. */
const CANDIDATE_REASONS: { readonly [Name in Candidate]: string } = {
  native: 'TensorFlow is installed',
  onnx: 'ONNX Runtime is installed',
  webgpu: 'the page has imported it',
  webgl: 'the page has imported it',
  wasm: 'it runs everywhere',
};

/** Names of the options in {@link EngineOptions}, for functions that accept these options in addition to others. */
export const ENGINE_OPTION_NAMES: checks.OptionNames<EngineOptions> = {
  log: true,
  threads: true,
  compileCache: true,
};

function checkEngineOptions({ threads, compileCache, log, packages }: UseEngineOptions): void {
  if (compileCache !== undefined)
    checks.store('compileCache', compileCache, { advice: "Write compileCache: folderStore('out/graphs')." });
  if (threads !== undefined) {
    const advice = 'Omit threads to use the default of the engine.';
    checks.integer('threads', threads, { min: 1, advice });
  }
  if (log !== undefined) checks.callable('log', log, { advice: 'Write log: console.log.' });
  if (packages === undefined) return;
  const advice = "Write packages: { 'onnxruntime-web': () => import('onnxruntime-web') }.";
  checks.record('packages', packages, { noun: 'an object with a function for each package', advice });
  for (const [name, load] of Object.entries(packages)) checks.callable(`packages.${name}`, load, { advice });
}

/** Starts a backend that the program has imported. */
async function startImportedBackend(backend: string): Promise<EngineStart> {
  const isRegistered = tf.findBackendFactory(backend) !== null;
  if (isRegistered && (await startBackend(backend))) {
    setStartedBackend(backend);
    return { backend };
  }
  if (isRegistered) getProcessState().failedBackends.add(backend);
  throw createError({
    kind: isRegistered ? 'engine' : 'missing-package',
    path: `engine ${backend}`,
    expected: isRegistered
      ? 'a backend that works on this machine'
      : `the package @tensorflow/tfjs-backend-${backend}`,
    received: isRegistered ? 'a backend that failed to start' : 'a program that does not import this package',
    advice: isRegistered
      ? 'Use engine: "wasm", which every runtime supports.'
      : `Install the package, and add this line to your program: import '@tensorflow/tfjs-backend-${backend}'.`,
  });
}
