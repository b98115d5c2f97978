import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { useEngine } from '../../src/entries/node.js';
import { expectBackbone, expectModelA, expectViews } from '../parity/gradCam.js';
import { skipReason } from './native.js';

describe.skipIf(skipReason !== undefined)('gradCam on native', () => {
  test('returns the same heat maps as Keras for Model A, MobileNetV2 and a network with input views', async () => {
    await useEngine('native');
    expect(tf.getBackend()).toBe('tensorflow');
    await expectModelA();
    await expectBackbone();
    await expectViews();
  });
});
