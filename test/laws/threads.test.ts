import { expect, test } from 'vitest';
import { loadPackage } from '../../src/node/index.js';
import { tf } from '../../src/tensor/tf.js';
import { kernelLaws } from './kernelLaws.js';

// Three, so that parts are of unequal size, and some of them empty.
kernelLaws({ load: loadPackage, threads: 3 }, 3);

test('the heap of these laws is shared', () => {
  const { wasm } = tf.backend() as never as { wasm: { HEAPU8: Uint8Array } };
  expect(wasm.HEAPU8.buffer).toBeInstanceOf(SharedArrayBuffer);
});
