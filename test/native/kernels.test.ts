import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { batchNormTraining } from '../../src/tensor/ops/batchNormalization.js';
import { convolution } from '../../src/tensor/ops/convolution.js';
import { expectAgreement, kernelLaws } from '../laws/kernelLaws.js';
import { recordOperations, skipReason } from './native.js';

beforeEach(() => tf.setBackend('tensorflow'));

describe.skipIf(skipReason !== undefined)('the native engine', () => {
  kernelLaws('tensorflow');

  test('gives the same results as the cpu engine for a strided 1x1 convolution, even in repeated runs', async () => {
    for (const stride of [2, 3, 2, 3, 2, 3]) {
      for (const [height, width] of [
        [5, 8],
        [8, 7],
        [9, 9],
      ] as const) {
        const conv = (x: Tensor, w: Tensor) => tf.conv2d(x as Tensor4D, w as Tensor4D, stride, 'same');
        await expectAgreement(
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

  test('gives the same results as the cpu engine for a convolution of single-channel images with a stride along the width', async () => {
    for (const padding of ['valid', 'same'] as const) {
      for (const [width, kernelWidth, stride] of [
        [3, 2, 2],
        [3, 3, 3],
        [5, 3, 3],
        [2, 2, 3],
      ] as const) {
        const shapes = [
          [2, 5, width, 1],
          [2, kernelWidth, 1, 4],
        ];
        const conv = (x: Tensor, w: Tensor) => tf.conv2d(x as Tensor4D, w as Tensor4D, [1, stride], padding);
        await expectAgreement('tensorflow', shapes, conv);
        const fused = (x: Tensor, w: Tensor, b: Tensor) =>
          convolution(x as Tensor4D, w as Tensor4D, b as Tensor1D, {
            strides: [1, stride],
            dilations: [1, 1],
            padding,
            activation: 'linear',
          });
        const reference = (x: Tensor, w: Tensor, b: Tensor) => tf.add(conv(x, w), b);
        await expectAgreement('tensorflow', [...shapes, [4]], fused, reference);
      }
    }
  });

  test('gives the same results as the cpu engine for relu and relu6 on tensors of any shape', async () => {
    const shape = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(shape, async (sizes) => {
        await expectAgreement('tensorflow', [sizes], (x) => tf.relu(x));
        // Values from -9 to 9 are below, between and above the limits 0 and 6.
        await expectAgreement('tensorflow', [sizes], (x) => tf.tidy(() => tf.relu6(tf.mul(x, 9))));
      }),
      { numRuns: 20 },
    );
  });

  test('gives the same results as the cpu engine for batch normalization of tensors of any rank and of tensors with a single row', async () => {
    const checkShape = (shape: number[]) =>
      expectAgreement('tensorflow', [shape, [shape.at(-1)!], [shape.at(-1)!]], (x, gamma, beta) => {
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
      await checkShape(shape);
  });

  test('computes the variance in batch normalization by dividing by n, not by n - 1', async () => {
    const x = tf.tensor2d([1, 2, 3, 6], [4, 1]);
    const { y, mean, variance } = batchNormTraining(x, undefined, undefined, 1e-3);
    expect(mean.dataSync()[0]).toBeCloseTo(3, 5);
    expect(variance.dataSync()[0]).toBeCloseTo(3.5, 5);
    tf.dispose([x, y, mean, variance]);
  });
});

describe.skipIf(skipReason !== undefined)('the kernels of the native engine', () => {
  const createImage = () => tf.randomNormal([2, 6, 6, 3]) as Tensor4D;
  const runGradient = (f: (x: Tensor) => Tensor) => () => {
    const x = createImage();
    tf.dispose([...tf.grads(f as never)([x]), x]);
  };

  test('compute the gradient of relu as one TensorFlow operation', async () => {
    const operations = await recordOperations(runGradient((x) => tf.relu(x)));
    expect([...operations]).toEqual(expect.arrayContaining(['ReluGrad']));
  });

  test('compute max pooling and its gradient as oneDNN operations', async () => {
    const operations = await recordOperations(runGradient((x) => tf.maxPool(x as Tensor4D, 2, 2, 'valid')));
    expect([...operations]).toEqual(expect.arrayContaining(['_MklNativeMaxPool', '_MklNativeMaxPoolGrad']));
  });

  test('compute batch normalization and its gradient as fused operations', async () => {
    const normalize = (x: Tensor) => batchNormTraining(x, undefined, undefined, 1e-3).y;
    const operations = await recordOperations(runGradient(normalize));
    expect([...operations]).toEqual(expect.arrayContaining(['FusedBatchNormV2', 'FusedBatchNormGradV2']));
  });

  test('compute a convolution with bias and relu, and its gradient, as fused operations', async () => {
    const filter = tf.randomNormal([3, 3, 3, 8]) as Tensor4D;
    const bias = tf.zeros([8]) as tf.Tensor1D;
    const layer = (x: Tensor) =>
      convolution(x as Tensor4D, filter, bias, {
        strides: [1, 1],
        dilations: [1, 1],
        padding: 'valid',
        activation: 'relu',
      });
    const operations = await recordOperations(runGradient(layer));
    expect([...operations]).toEqual(
      expect.arrayContaining(['_MklNativeFusedConv2D', 'ReluGrad', 'BiasAddGrad']),
    );
    tf.dispose([filter, bias]);
  });
});
