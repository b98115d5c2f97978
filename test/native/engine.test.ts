import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { useEngine } from '../../src/entries/node.js';
import { skipReason } from './native.js';

describe.skipIf(skipReason !== undefined)('useEngine with an installed native package', () => {
  test('selects native if auto or native is requested, and wasm if wasm is requested', async () => {
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
