import type { SessionOptions } from './runtime.js';

/** For a graph that runs once: no time goes into making it faster. */
export const PLAIN: SessionOptions = { graphOptimizationLevel: 'disabled' };

/** For a graph that runs many times. Operations beside each other take longer than each on all threads. */
export const FAST: SessionOptions = { graphOptimizationLevel: 'all', executionMode: 'sequential' };

/**
 * For a training step: without the runtime's plan of the memory, made from the first run's sizes, which gains no time here
 * and holds 1.7 times as much. A prediction of small images gains a third by it.
 */
export const TRAINING: SessionOptions = { ...FAST, enableMemPattern: false };
