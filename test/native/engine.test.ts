import { describe, expect, test } from 'vitest';
import { useEngine } from '../../src/index.js';
import { loadPackage } from '../../src/node/index.js';
import { tf } from '../../src/tensor/tf.js';
import { reason } from './native.js';

describe.skipIf(reason !== undefined)('where TensorFlow loads', () => {
  test('auto takes it, and wasm is still there by name', async () => {
    expect(await useEngine('auto', { load: loadPackage })).toEqual({
      name: 'native',
      reason: 'TensorFlow is installed',
    });
    expect(tf.getBackend()).toBe('tensorflow');
    await useEngine('wasm', { load: loadPackage });
    expect(tf.getBackend()).toBe('wasm');
    await useEngine('native', { load: loadPackage });
    expect(tf.getBackend()).toBe('tensorflow');
  });
});
