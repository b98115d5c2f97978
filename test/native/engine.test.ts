import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { useEngine } from '../../src/entries/node.js';
import { skipReason } from './native.js';

describe.skipIf(skipReason !== undefined)('useEngine with an installed native package', () => {
  test('selects native if the requested engine is auto or native, and wasm if it is wasm', async () => {
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
