// A warning nobody reads is a warning nobody mends: one printed in a test fails it.
import { afterEach, beforeEach, expect, vi } from 'vitest';

let warnings: unknown[][] = [];

beforeEach(() => {
  warnings = [];
  vi.spyOn(console, 'warn').mockImplementation((...words) => void warnings.push(words));
});

afterEach(() => {
  vi.restoreAllMocks();
  expect(
    warnings.filter(([first]) => !String(first).includes('Hi, looks like you are running TensorFlow.js')),
  ).toEqual([]);
});
