import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { useEngine } from '../../src/entries/node.js';
import { batchNormTraining } from '../../src/tensor/ops/batchNormalization.js';
import { convolution } from '../../src/tensor/ops/convolution.js';
import { measureBatchDifference } from './runOnnx.js';

const signed = (i: number) => Math.sin(i * 1.7 + 0.3) * 2;
const fill = (shape: readonly number[]) =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, (_, i) => Math.cos(i * 2.3)),
    [...shape],
  );
/** Returns the gradient of `f`, with a different weight for each output element. */
const gradient = (f: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor) => tf.grad(f)(x, tf.sigmoid(f(x)));

const window = fc.record({
  size: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  pad: fc.constantFrom('same' as const, 'valid' as const),
});

test('the gradients of a convolution, traced on cpu, are the same in ONNX Runtime as in TensorFlow.js for any batch size', async () => {
  await tf.setBackend('cpu');
  await fc.assert(
    fc.asyncProperty(window, fc.boolean(), async ({ size, strides, pad }, isFilterGradient) => {
      const filter = fill([...size, 3, 4]) as tf.Tensor4D;
      const operation = (x: tf.Tensor) =>
        isFilterGradient
          ? gradient((w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad))(filter)
          : gradient((v) => tf.conv2d(v as tf.Tensor4D, filter, strides, pad))(x);
      expect(await measureBatchDifference(operation, [7, 8, 3], signed)).toBeLessThan(1e-5);
    }),
    { numRuns: 40 },
  );
});

test("this library's wasm kernels for convolution and batch normalization, and their gradients, give the same results in ONNX Runtime as in TensorFlow.js", async () => {
  await useEngine('wasm');
  const filter = fill([3, 3, 3, 4]) as tf.Tensor4D;
  const bias = fill([4]) as tf.Tensor1D;
  const options = { strides: [1, 1], padding: 'same', dilations: [1, 1], activation: 'relu' } as const;
  const fused = (x: tf.Tensor) => convolution(x as tf.Tensor4D, filter, bias, options);
  const ofBias = (x: tf.Tensor) =>
    gradient((b) => convolution(x as tf.Tensor4D, filter, b as tf.Tensor1D, options))(bias);
  const normalize = (x: tf.Tensor) => batchNormTraining(x, fill([3]), fill([3]), 1e-3).y;
  const ofGamma = (x: tf.Tensor) => gradient((g) => batchNormTraining(x, g, fill([3]), 1e-3).y)(fill([3]));
  for (const operation of [gradient(fused), ofBias, normalize, gradient(normalize), ofGamma]) {
    expect(await measureBatchDifference(operation, [7, 8, 3], signed)).toBeLessThan(2e-5);
  }
});
