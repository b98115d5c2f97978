import { afterAll, describe, expect, test } from 'vitest';
import { type EngineName, useEngine } from '../../src/entries/node.js';
import { tf } from '../../src/tensor/tf.js';
import { expectBackbone, expectModelA, expectViews } from './gradCam.js';

describe.each<EngineName>(['wasm', 'onnx'])('heat maps on %s', (engine) => {
  test('of Model A are those of Keras, for both tasks and both ways', async () => {
    await useEngine(engine);
    await expectModelA();
  });

  test('of MobileNetV2 under a binary and a categorical head are those of Keras', async () => {
    await useEngine(engine);
    await expectBackbone();
  });

  test('of a trunk that is called twice are those of Keras, each task its own call', async () => {
    await useEngine(engine);
    await expectViews();
  });

  test('leave no tensor behind', async () => {
    await useEngine(engine);
    const before = tf.memory().numTensors;
    await expectModelA();
    expect(tf.memory().numTensors).toBe(before);
  });
});

afterAll(() => useEngine('cpu'));
