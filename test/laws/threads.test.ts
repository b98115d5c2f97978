import { beforeAll, describe, expect } from 'vitest';
import { loadPackage } from '../../src/node/platform/loadPackage.js';
import { tf } from '../../src/tensor/tf.js';
import { loadWasmBackend } from '../../src/tensor/wasmBackend.js';
import { kernelLaws } from './kernelLaws.js';

// Three, so that parts are of unequal size, and some of them empty.
beforeAll(async () => {
  expect(await loadWasmBackend({ threads: 3 })).toBe(3);
  const { wasm } = tf.backend() as never as { wasm: { HEAPU8: Uint8Array } };
  expect(wasm.HEAPU8.buffer).toBeInstanceOf(SharedArrayBuffer);
});

describe('wasm on three threads agrees with cpu, in value and gradients, on', () => kernelLaws('wasm'));
