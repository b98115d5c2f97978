import type { SessionOptions } from './runtime.js';

/** For a graph that runs once: no time goes into making it faster. */
export const PLAIN: SessionOptions = { graphOptimizationLevel: 'disabled' };

/**
 * For a graph that runs many times. The runtime's plan of the memory, made from the first run's sizes, gains no time here and
 * holds 1.7 times as much; operations beside each other take longer than each on all threads.
 */
export const FAST: SessionOptions = {
  graphOptimizationLevel: 'all',
  executionMode: 'sequential',
  enableMemPattern: false,
};
