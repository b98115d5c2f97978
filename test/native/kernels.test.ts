import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { batchNormTraining } from '../../src/tensor/batchNormalization.js';
import { convolution } from '../../src/tensor/convolution.js';
import { tf } from '../../src/tensor/tf.js';
import { agree, kernelLaws } from '../laws/kernelLaws.js';
import { operationsOf, reason } from './native.js';

beforeEach(() => tf.setBackend('tensorflow'));

describe.skipIf(reason !== undefined)('native agrees with cpu, in value and gradients, on', () => {
  kernelLaws('tensorflow');

  test('a 1x1 convolution with a stride, many times: a write past its memory would show', async () => {
    for (const stride of [2, 3, 2, 3, 2, 3]) {
      for (const [height, width] of [
        [5, 8],
        [8, 7],
        [9, 9],
      ] as const) {
        const conv = (x: Tensor, w: Tensor) => tf.conv2d(x as Tensor4D, w as Tensor4D, stride, 'same');
        await agree(
          'tensorflow',
          [
            [2, height, width, 10],
            [1, 1, 10, 16],
          ],
          conv,
        );
      }
    }
  });

  test('relu and relu6 of any shape', async () => {
    const shape = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(shape, async (sizes) => {
        await agree('tensorflow', [sizes], (x) => tf.relu(x));
        // From -9 to 9: below, between and above the two corners.
        await agree('tensorflow', [sizes], (x) => tf.tidy(() => tf.relu6(tf.mul(x, 9))));
      }),
      { numRuns: 20 },
    );
  });

  test('batch normalisation of lists of numbers, and of a single one', async () => {
    const of = (shape: number[]) =>
      agree('tensorflow', [shape, [shape.at(-1)!], [shape.at(-1)!]], (x, gamma, beta) => {
        const { y, mean, variance } = batchNormTraining(x, gamma, beta, 1e-3);
        tf.dispose([mean, variance]);
        return y;
      });
    for (const shape of [
      [6, 5],
      [4, 3, 2],
      [1, 1, 1, 1],
      [1, 3],
      [2, 3, 2, 2, 4],
    ])
      await of(shape);
  });

  test('the statistics of a batch, divided by n and not by n - 1', async () => {
    const x = tf.tensor2d([1, 2, 3, 6], [4, 1]);
    const { y, mean, variance } = batchNormTraining(x, undefined, undefined, 1e-3);
    expect(mean.dataSync()[0]).toBeCloseTo(3, 5);
    expect(variance.dataSync()[0]).toBeCloseTo(3.5, 5);
    tf.dispose([x, y, mean, variance]);
  });
});

describe.skipIf(reason !== undefined)("TensorFlow's own operations do", () => {
  const image = () => tf.randomNormal([2, 6, 6, 3]) as Tensor4D;
  const gradient = (f: (x: Tensor) => Tensor) => () => {
    const x = image();
    tf.dispose([...tf.grads(f as never)([x]), x]);
  };

  test('relu', async () => {
    const ran = await operationsOf(gradient((x) => tf.relu(x)));
    expect([...ran]).toEqual(expect.arrayContaining(['ReluGrad']));
  });

  test('max-pooling', async () => {
    const ran = await operationsOf(gradient((x) => tf.maxPool(x as Tensor4D, 2, 2, 'valid')));
    expect([...ran]).toEqual(expect.arrayContaining(['_MklNativeMaxPool', '_MklNativeMaxPoolGrad']));
  });

  test('batch normalisation', async () => {
    const normalised = (x: Tensor) => batchNormTraining(x, undefined, undefined, 1e-3).y;
    const ran = await operationsOf(gradient(normalised));
    expect([...ran]).toEqual(expect.arrayContaining(['FusedBatchNormV2', 'FusedBatchNormGradV2']));
  });

  test('a convolution with bias and relu, there and back', async () => {
    const filter = tf.randomNormal([3, 3, 3, 8]) as Tensor4D;
    const bias = tf.zeros([8]) as tf.Tensor1D;
    const layer = (x: Tensor) =>
      convolution(x as Tensor4D, filter, bias, {
        strides: [1, 1],
        dilations: [1, 1],
        padding: 'valid',
        activation: 'relu',
      });
    const ran = await operationsOf(gradient(layer));
    expect([...ran]).toEqual(expect.arrayContaining(['_MklNativeFusedConv2D', 'ReluGrad', 'BiasAddGrad']));
    tf.dispose([filter, bias]);
  });
});
