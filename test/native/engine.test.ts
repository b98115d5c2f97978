import { describe, expect, test } from 'vitest';
import { useEngine } from '../../src/entries/node.js';
import { tf } from '../../src/tensor/tf.js';
import { reason } from './native.js';

describe.skipIf(reason !== undefined)('where TensorFlow loads', () => {
  test('auto takes it, and wasm is still there by name', async () => {
    expect(await useEngine('auto')).toEqual({
      name: 'native',
      reason: 'TensorFlow is installed',
    });
    expect(tf.getBackend()).toBe('tensorflow');
    await useEngine('wasm');
    expect(tf.getBackend()).toBe('wasm');
    await useEngine('native');
    expect(tf.getBackend()).toBe('tensorflow');
  });
});
