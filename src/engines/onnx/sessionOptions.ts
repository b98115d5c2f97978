import type { SessionOptions } from './runtime.js';

/** For a graph that runs once: no time goes into making it faster. */
export const PLAIN: SessionOptions = { graphOptimizationLevel: 'disabled' };

/** For a graph that runs many times. */
export const FAST: SessionOptions = { graphOptimizationLevel: 'all' };
