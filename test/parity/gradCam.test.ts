import { afterAll, describe, expect, test } from 'vitest';
import { type EngineName, useEngine } from '../../src/index.js';
import { loadPackage } from '../../src/node/index.js';
import { tf } from '../../src/tensor/tf.js';
import { expectBackbone, expectGrey, expectModelA } from './gradCam.js';

describe.each<EngineName>(['wasm', 'onnx'])('heat maps on %s', (engine) => {
  test('of Model A are those of Keras, for both tasks and both ways', async () => {
    await useEngine(engine, { load: loadPackage });
    await expectModelA();
  });

  test('of a trunk that is called on the image and on its grey are those of Keras', async () => {
    await useEngine(engine, { load: loadPackage });
    await expectGrey();
  });

  test('of MobileNetV2 under a binary and a categorical head are those of Keras', async () => {
    await useEngine(engine, { load: loadPackage });
    await expectBackbone();
  });

  test('leave no tensor behind', async () => {
    await useEngine(engine, { load: loadPackage });
    const before = tf.memory().numTensors;
    await expectModelA();
    expect(tf.memory().numTensors).toBe(before);
  });
});

afterAll(() => useEngine('cpu'));
