import type { Store } from '../../../core/platform/platform.js';
import type { SessionOptions } from './onnxRuntime.js';

/** Options of the onnx engine. */
export interface OnnxEngineOptions {
  /** Threads of a session. Undefined leaves the number to the runtime, where the number of cores is unknown. */
  readonly threads: number | undefined;
  /** Store of the graphs that were verified in earlier runs. */
  readonly compileCache: Store | undefined;
  /** Receives a line when the cache cannot be written. */
  readonly log?: ((line: string) => void) | undefined;
}

/**
 * Stops the threads of a session after each run. By default they spin and wait for work on cores that other sessions, the input
 * pipeline or TensorFlow.js need: a prediction took 1.6 times as long while a training session existed.
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
 * Options for a training step. The memory plan, which the runtime makes from the sizes of the first run, is disabled: it holds 1.7
 * times as much memory and saves no time in a step. It does save a third of the time of predictions on small images.
 */
export const TRAINING_OPTIONS: SessionOptions = { ...OPTIMIZED_OPTIONS, enableMemPattern: false };

/** Returns the session option for a number of threads. Undefined leaves the number to the runtime. */
export const toThreadOptions = (threads: number | undefined): SessionOptions =>
  threads === undefined ? {} : { intraOpNumThreads: threads };
