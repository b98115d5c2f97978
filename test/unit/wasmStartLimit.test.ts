import { expect, test } from 'vitest';
import type { PackageLoader } from '../../src/core/platform/platform.js';
import { loadPackage } from '../../src/node/platform/loadPackage.js';
import { getThreadFailure, loadWasmBackend } from '../../src/tensor/backends/wasmBackend.js';
import { tf } from '../../src/tensor/tf.js';

test('the wasm backend stops threads that never respond, continues on one thread, and reports the reason', async () => {
  let started = 0;
  let terminated = 0;
  /** Thread that never loads. */
  class Worker {
    constructor() {
      started++;
    }
    on(): void {}
    postMessage(): void {}
    unref(): void {}
    async terminate(): Promise<void> {
      terminated++;
    }
  }
  const load: PackageLoader = async <M>(name: string, neededFor: string) =>
    name === 'node:worker_threads' ? ({ Worker } as M) : loadPackage<M>(name, neededFor);
  expect(await loadWasmBackend({ threads: 3, load, timeout: Promise.resolve() })).toBe(1);
  expect(getThreadFailure()).toBe('no response within 30 seconds');
  expect(started).toBeGreaterThan(0);
  expect(terminated).toBe(started);
  expect(await tf.sum(tf.tensor([1, 2])).data()).toEqual(new Float32Array([3]));
  expect(await loadWasmBackend({ threads: 3, load })).toBe(1);
  expect(getThreadFailure()).toBe('no response within 30 seconds');
});
