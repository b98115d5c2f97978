import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect } from 'vitest';
import { loadPackage } from '../../src/node/platform/loadPackage.js';
import { loadWasmBackend } from '../../src/tensor/backends/wasmBackend.js';
import { kernelLaws } from './kernelLaws.js';

// With three threads, the chunks of work have different sizes, and some chunks are empty.
beforeAll(async () => {
  expect(await loadWasmBackend({ load: loadPackage, threads: 3 })).toBe(3);
  const { wasm } = tf.backend() as never as { wasm: { HEAPU8: Uint8Array } };
  expect(wasm.HEAPU8.buffer).toBeInstanceOf(SharedArrayBuffer);
});

describe('the wasm engine with three threads', () => kernelLaws('wasm'));
