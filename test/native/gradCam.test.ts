import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { useEngine } from '../../src/entries/node.js';
import { expectBackbone, expectModelA, expectViews } from '../parity/gradCam.js';
import { skipReason } from './native.js';

describe.skipIf(skipReason !== undefined)('Grad-CAM on native', () => {
  test('gives the same heat maps as Keras for Model A and MobileNetV2', async () => {
    await useEngine('native');
    expect(tf.getBackend()).toBe('tensorflow');
    await expectModelA();
    await expectBackbone();
    await expectViews();
  });
});
