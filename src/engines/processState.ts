import type { Store } from '../core/platform/platform.js';
import type { EngineChoice, EngineName } from './engineChoice.js';
import type { OnnxRuntime } from './onnx/session/onnxRuntime.js';

/**
 * An engine that has started in this process. The record is plain data, because a process can load this library twice, as an ES module and
 * as a CommonJS module, and both copies read it.
 */
export interface StartedEngine {
  readonly name: EngineName;
  /** Name of the TensorFlow.js backend that the engine runs on. */
  readonly backend: string;
  /** ONNX Runtime and the threads of its sessions, for the engine `onnx`. */
  readonly onnx?: { readonly runtime: OnnxRuntime; readonly threads: number | undefined };
  /** `Engine` object per copy of the library, because the classes of a copy accept only the models of the same copy. */
  readonly instances: Map<object, unknown>;
}

/** The engine that `useEngine` selected as default for later calls. */
export interface DefaultEngine {
  readonly engine: StartedEngine;
  readonly choice: EngineChoice;
  /** Store for the compiled steps of runs on this engine, unless a run specifies another store. */
  readonly compileCache: Store | undefined;
}

/** State that all copies of the library share, because TensorFlow.js allows only one active backend per process. */
export interface ProcessState {
  /** Engines by name. An entry is replaced when the engine starts with another runtime or number of threads. */
  readonly startedEngines: Map<EngineName, StartedEngine>;
  /** Imported backends of TensorFlow.js that failed to start. */
  readonly failedBackends: Set<string>;
  /** The default engine, or undefined before the first call of `useEngine`. */
  defaultEngine: DefaultEngine | undefined;
  /** The engine whose backend TensorFlow.js uses now, or undefined before the first engine starts. */
  activeEngine: StartedEngine | undefined;
  /** Number of training runs in progress on the active engine. No other engine can start during a run. */
  activeRuns: number;
  /**
   * Resolves or rejects when the last requested engine start has ended. TensorFlow.js drops one of two backends that start at the same
   * time.
   */
  pendingStart: Promise<unknown>;
}

const STATE_KEY = Symbol.for('tfjs-multitask/process-state');

/** Identifies this copy of the library in {@link StartedEngine.instances}. */
const LIBRARY_COPY = {};

/** Returns the state that all copies of the library in this process share. */
export function getProcessState(): ProcessState {
  const holder = globalThis as { [STATE_KEY]?: ProcessState };
  holder[STATE_KEY] ??= {
    startedEngines: new Map(),
    failedBackends: new Set(),
    defaultEngine: undefined,
    activeEngine: undefined,
    activeRuns: 0,
    pendingStart: Promise.resolve(),
  };
  return holder[STATE_KEY];
}

/** Returns the `Engine` that this copy of the library keeps for `started`. The first call creates it. */
export function getEngineInstance<E>(started: StartedEngine, create: () => E): E {
  const instance = (started.instances.get(LIBRARY_COPY) as E | undefined) ?? create();
  started.instances.set(LIBRARY_COPY, instance);
  return instance;
}
