import { describe, expect, test } from 'vitest';
import { useEngine } from '../../src/entries/node.js';
import { tf } from '../../src/tensor/tf.js';
import { expectBackbone, expectModelA, expectViews } from '../parity/gradCam.js';
import { reason } from './native.js';

describe.skipIf(reason !== undefined)('heat maps on native', () => {
  test('of Model A and of MobileNetV2 are those of Keras', async () => {
    await useEngine('native');
    expect(tf.getBackend()).toBe('tensorflow');
    await expectModelA();
    await expectBackbone();
    await expectViews();
  });
});
