import type { SessionOptions } from './onnxRuntime.js';

/**
 * Each session has threads of its own, which go on looking for work after a run, on the cores that another session, the feed
 * or TensorFlow.js want: a prediction beside a training session took 1.6 times as long.
 */
const NO_SPINNING = { session: { force_spinning_stop: '1' } } as const;

/** For a graph that runs once: no time goes into making it faster. */
export const UNOPTIMIZED_OPTIONS: SessionOptions = { graphOptimizationLevel: 'disabled', extra: NO_SPINNING };

/** For a graph that runs many times. Operations beside each other take longer than each on all threads. */
export const OPTIMIZED_OPTIONS: SessionOptions = {
  graphOptimizationLevel: 'all',
  executionMode: 'sequential',
  extra: NO_SPINNING,
};

/**
 * For a training step: without the runtime's plan of the memory, made from the first run's sizes, which gains no time here
 * and holds 1.7 times as much. A prediction of small images gains a third by it.
 */
export const TRAINING_OPTIONS: SessionOptions = { ...OPTIMIZED_OPTIONS, enableMemPattern: false };

/** So many threads for a session; undefined leaves it to the runtime. */
export const toThreadOptions = (threads: number | undefined): SessionOptions =>
  threads === undefined ? {} : { intraOpNumThreads: threads };
