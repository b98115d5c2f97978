import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { measureBatchDifference } from './runOnnx.js';

/** Coarse values of both signs, so that the maximum occurs more than once in many windows. */
const coarse = (i: number) => Math.round(Math.sin(i * 1.7 + 0.3) * 3) / 2 - 0.5;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

test('3x3 max pooling with a stride of 2 and its gradient give the same results in ONNX Runtime as in TensorFlow.js for images of any size', async () => {
  const sides = fc.integer({ min: 3, max: 12 });
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(sides, sides),
      fc.constantFrom('same' as const, 'valid' as const),
      fc.constantFrom(12, 16, 24, 32),
      fc.boolean(),
      fc.constantFrom(undefined, 8, 16),
      fc.constantFrom(undefined, 1, 2, 3, 4, 5),
      async (size, pad, channels, isGradient, channelBlock, batchSize) => {
        const pool = (x: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, 3, 2, pad);
        // The windows of an image have different gradients.
        const operation = isGradient
          ? (x: tf.Tensor) => tf.grad(pool)(x, tf.sigmoid(tf.avgPool(x as tf.Tensor4D, 3, 2, pad)))
          : pool;
        const options = { channelBlock, batchSize };
        expect(await measureBatchDifference(operation, [...size, channels], coarse, options)).toBeLessThan(
          1e-6,
        );
      },
    ),
    { numRuns: 80 },
  );
});
