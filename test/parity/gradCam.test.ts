import * as tf from '@tensorflow/tfjs';
import { afterAll, describe, expect, test } from 'vitest';
import { type EngineName, useEngine } from '../../src/entries/node.js';
import { expectBackbone, expectModelA, expectViews } from './gradCam.js';

describe.each<EngineName>(['wasm', 'onnx'])('gradCam on %s', (engine) => {
  test('returns the same heat maps as Keras for every target of both tasks of Model A', async () => {
    await useEngine(engine);
    await expectModelA();
  });

  test('returns the same heat maps as Keras for MobileNetV2 with a binary and a categorical head', async () => {
    await useEngine(engine);
    await expectBackbone();
  });

  test('returns the same heat maps as Keras for a trunk that is called twice', async () => {
    await useEngine(engine);
    await expectViews();
  });

  test('leaks no tensors', async () => {
    await useEngine(engine);
    const before = tf.memory().numTensors;
    await expectModelA();
    expect(tf.memory().numTensors).toBe(before);
  });
});

afterAll(() => useEngine('cpu'));
