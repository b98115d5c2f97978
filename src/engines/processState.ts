import type { Store } from '../core/platform/platform.js';
import type { EngineChoice, EngineName } from './engineChoice.js';
import type { OnnxRuntime } from './onnx/session/onnxRuntime.js';

/**
 * Record of an engine that has started in this process. The record is plain data, because a process can load this library twice, as an ES
 * module and as a CommonJS module, and both copies must be able to read the record.
 */
export interface StartedEngine {
  readonly name: EngineName;
  /** Name of the TensorFlow.js backend that is active while the engine runs. */
  readonly backend: string;
  /** The loaded ONNX Runtime and the number of threads per session. Only set for the `onnx` engine. */
  readonly onnx?: { readonly runtime: OnnxRuntime; readonly threads: number | undefined };
  /** One `Engine` object for each copy of the library that is loaded, because a copy can only work with its own classes. */
  readonly instances: Map<object, unknown>;
}

/** The engine that `useEngine` selected as the default for later calls. */
export interface DefaultEngine {
  readonly engine: StartedEngine;
  readonly choice: EngineChoice;
  /** Store in which runs on this engine cache compiled steps, unless a run specifies a different store. */
  readonly compileCache: Store | undefined;
}

/** Engine state of the process. All copies of the library in the process share it, because TensorFlow.js allows only one active backend. */
export interface ProcessState {
  /**
   * Engines that have started, keyed by name. An entry is replaced when the engine starts with a different runtime or number of threads.
   */
  readonly startedEngines: Map<EngineName, StartedEngine>;
  /** Imported backends of TensorFlow.js that failed to start. */
  readonly failedBackends: Set<string>;
  /** The default engine, or undefined before the first call to `useEngine`. */
  defaultEngine: DefaultEngine | undefined;
  /** The engine whose TensorFlow.js backend is active. Undefined before the first engine starts. */
  activeEngine: StartedEngine | undefined;
  /** Number of training runs in progress on the active engine. No other engine can start during a run. */
  activeRuns: number;
  /**
   * Promise that resolves when the last requested engine has started, or rejects when that engine has failed to start. Engines start one
   * after the other, because TensorFlow.js loses one of two backends that start at the same time.
   */
  pendingStart: Promise<unknown>;
}

const STATE_KEY = Symbol.for('tfjs-multitask/process-state');

/** Key that identifies this copy of the library in {@link StartedEngine.instances}. */
const LIBRARY_COPY = {};

/** Returns the engine state that all copies of the library in this process share. */
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

/** Returns the `Engine` object that belongs to `started` and to this copy of the library. The first call creates it. */
export function getEngineInstance<E>(started: StartedEngine, create: () => E): E {
  const instance = (started.instances.get(LIBRARY_COPY) as E | undefined) ?? create();
  started.instances.set(LIBRARY_COPY, instance);
  return instance;
}
