// A test fails if it prints a warning, so that new warnings are noticed and fixed.
import '@tensorflow/tfjs-backend-cpu'; // the engine `cpu`
import { afterEach, beforeEach, expect, vi } from 'vitest';

let warnings: unknown[][] = [];

beforeEach(() => {
  warnings = [];
  vi.spyOn(console, 'warn').mockImplementation((...args) => void warnings.push(args));
});

afterEach(() => {
  vi.restoreAllMocks();
  expect(
    warnings.filter(([first]) => !String(first).includes('Hi, looks like you are running TensorFlow.js')),
  ).toEqual([]);
});
