import type { Store } from '../../../core/platform/platform.js';
import type { SessionOptions } from './onnxRuntime.js';

/** Options of the onnx engine. */
export interface OnnxEngineOptions {
  /** Number of threads per session. Undefined if the number of cores is unknown; the runtime then chooses the number. */
  readonly threads: number | undefined;
  /** Store for graphs that were verified in earlier runs. */
  readonly compileCache: Store | undefined;
  /** Callback that receives a line when the cache cannot be written. */
  readonly log?: ((line: string) => void) | undefined;
}

/**
 * Option that stops the threads of a session from spinning after each run. By default, idle threads spin on cores that other sessions, the
 * input pipeline or TensorFlow.js need. With spinning, a prediction took 1.6 times as long while a training session existed.
 */
const NO_SPINNING = { session: { force_spinning_stop: '1' } } as const;

/** Options for a graph that runs once: optimizing it would take longer than it saves. */
export const UNOPTIMIZED_OPTIONS: SessionOptions = { graphOptimizationLevel: 'disabled', extra: NO_SPINNING };

/** Options for a graph that runs many times. One operation on all threads is faster than several operations in parallel. */
export const OPTIMIZED_OPTIONS: SessionOptions = {
  graphOptimizationLevel: 'all',
  executionMode: 'sequential',
  extra: NO_SPINNING,
};

/**
 * Options for a training step. The memory pattern, which the runtime plans from the sizes of the first run, is disabled because it uses 1.7
 * times as much memory and does not make a step faster. Predictions keep it because it saves a third of the time on small images.
 */
export const TRAINING_OPTIONS: SessionOptions = { ...OPTIMIZED_OPTIONS, enableMemPattern: false };

/** Returns the session option for a number of threads. If undefined, the runtime chooses the number. */
export const toThreadOptions = (threads: number | undefined): SessionOptions =>
  threads === undefined ? {} : { intraOpNumThreads: threads };
