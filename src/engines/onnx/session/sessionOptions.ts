import type { Store } from '../../../core/platform/platform.js';
import type { SessionOptions } from './onnxRuntime.js';

/** Options of the `onnx` engine. */
export interface OnnxEngineOptions {
  /** Number of threads per session. If undefined, ONNX Runtime chooses it. */
  readonly threads: number | undefined;
  /** Store in which verified graphs are cached for later runs. If undefined, every run verifies its graphs. */
  readonly compileCache: Store | undefined;
  /** Called with a message about the progress of a compilation that takes long, and if the cache cannot be written. */
  readonly log?: ((line: string) => void) | undefined;
  /** Signal that stops the compilation of a training step. The step then throws an `aborted` error. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Session option that stops threads from spinning after each run. By default, idle threads spin on cores that other sessions, the input
 * pipeline or TensorFlow.js need: with spinning, a prediction took 1.6 times as long while a training session existed.
 */
const NO_SPINNING = { session: { force_spinning_stop: '1' } } as const;

/**
 * Session options for a graph that runs only once, so that optimizing it would take longer than it saves. Without the arena, ONNX Runtime
 * returns memory to the system as soon as it is not needed.
 */
export const UNOPTIMIZED_OPTIONS: SessionOptions = {
  graphOptimizationLevel: 'disabled',
  enableCpuMemArena: false,
  extra: NO_SPINNING,
};

/**
 * Session options for a graph that runs many times. Operations run one after the other, each on all threads, which is faster than running
 * several operations in parallel.
 */
export const OPTIMIZED_OPTIONS: SessionOptions = {
  graphOptimizationLevel: 'all',
  executionMode: 'sequential',
  extra: NO_SPINNING,
};

/**
 * Session options for a training step. These options disable ONNX Runtime's memory pattern optimization, which allocates one buffer for all
 * activations. With this optimization, a training step would need 1.7 times as much memory and would not be faster. Predictions use the
 * optimization, because it saves a third of their time on small images.
 */
export const TRAINING_OPTIONS: SessionOptions = { ...OPTIMIZED_OPTIONS, enableMemPattern: false };

/** Session options for verifying a whole training step, which runs twice. */
export const VERIFICATION_OPTIONS: SessionOptions = { ...TRAINING_OPTIONS, enableCpuMemArena: false };

/** Returns the session option for a number of threads. If `threads` is undefined, ONNX Runtime chooses the number. */
export const toThreadOptions = (threads: number | undefined): SessionOptions =>
  threads === undefined ? {} : { intraOpNumThreads: threads };
