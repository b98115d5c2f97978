import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { findChannelBlock } from '../../src/engines/onnx/session/findChannelBlock.js';
import { useEngine } from '../../src/entries/node.js';
import { batchNormTraining } from '../../src/tensor/ops/batchNormalization.js';
import { convolution, depthwiseConvolution } from '../../src/tensor/ops/convolution.js';
import { measureBatchDifference } from './runOnnx.js';

const signed = (i: number) => Math.sin(i * 1.7 + 0.3) * 2;
/** Coarse values, so that the maximum occurs more than once in many windows. */
const coarse = (i: number) => Math.round(signed(i) * 2) / 2;
const fill = (shape: readonly number[], number = (i: number) => Math.cos(i * 2.3)) =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, (_, i) => number(i)),
    [...shape],
  );
const gradient = (f: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor) => tf.grad(f)(x, tf.sigmoid(f(x)));

const block = await findChannelBlock(ort as never);
const blocks = fc.constantFrom(undefined, 8, 16);
/**
 * Channel counts: less than a block, whole blocks of 8 and of 16, and not a multiple of a block. For blocks of 16, images with 24 channels are
 * stored in blocks with additional channels, and images with 20 channels are not.
 */
const channels = fc.constantFrom(3, 16, 20, 24, 32);
/** Batch sizes that a graph is written for. For undefined, the batch size of the graph is variable. */
const batchSizes = fc.constantFrom(undefined, 1, 2, 3, 4, 5);
const window = fc.record({
  size: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  pad: fc.constantFrom('same' as const, 'valid' as const),
});

test('findChannelBlock returns 8 or 16, or undefined for a runtime that does not support the blocked memory layout', async () => {
  expect([8, 16, undefined]).toContain(block);
  const withoutBlocks = {
    InferenceSession: { create: () => Promise.reject(new Error('unknown operation')) },
  };
  expect(await findChannelBlock(withoutBlocks as never)).toBeUndefined();
});

test('convolutions and their gradients, traced on cpu, give the same results in ONNX Runtime as in TensorFlow.js in the channels-first and the blocked memory layout', async () => {
  await tf.setBackend('cpu');
  const parts = fc.constantFrom('forward', 'input', 'filter');
  await fc.assert(
    fc.asyncProperty(
      window,
      channels,
      channels,
      parts,
      blocks,
      batchSizes,
      async ({ size, strides, pad }, from, to, part, channelBlock, batchSize) => {
        const filter = fill([...size, from, to]) as tf.Tensor4D;
        const convolve = (x: tf.Tensor, w: tf.Tensor) =>
          tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad);
        const operation = (x: tf.Tensor) => {
          if (part === 'forward') return convolve(x, filter);
          return part === 'input'
            ? gradient((v) => convolve(v, filter))(x)
            : gradient((w) => convolve(x, w))(filter);
        };
        // Sums of up to 300 products that mostly cancel are added in a different order. A value at a wrong position would cause a difference as large as the value.
        expect(
          await measureBatchDifference(operation, [7, 8, from], signed, { channelBlock, batchSize }),
        ).toBeLessThan(1e-4);
      },
    ),
    { numRuns: 60 },
  );
});

test('depthwise convolutions and their gradients, traced on wasm, give the same results in ONNX Runtime as in TensorFlow.js in the channels-first and the blocked memory layout', async () => {
  await useEngine('wasm');
  const sides = fc.tuple(fc.integer({ min: 5, max: 9 }), fc.integer({ min: 5, max: 9 }));
  const sizes = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }));
  const activations = fc.constantFrom('linear' as const, 'relu' as const);
  const parts = fc.constantFrom('forward', 'input', 'filter', 'bias');
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(window, sizes, fc.integer({ min: 1, max: 2 }), activations),
      sides,
      channels,
      parts,
      blocks,
      batchSizes,
      async ([{ strides, pad }, size, dilation, activation], shape, count, part, channelBlock, batchSize) => {
        const isDilated = dilation > 1 && size.every((side) => side <= 3);
        const options = {
          strides: (isDilated ? [1, 1] : strides) as [number, number],
          padding: pad,
          dilations: (isDilated ? [2, 2] : [1, 1]) as [number, number],
          activation,
        };
        const [filter, bias] = [fill([...size, count, 1]) as tf.Tensor4D, fill([count]) as tf.Tensor1D];
        const convolve = (x: tf.Tensor, w: tf.Tensor = filter, b: tf.Tensor = bias) =>
          depthwiseConvolution(x as tf.Tensor4D, w as tf.Tensor4D, b as tf.Tensor1D, options);
        const operations: { readonly [part: string]: (x: tf.Tensor) => tf.Tensor } = {
          forward: convolve,
          input: gradient((x) => convolve(x)),
          filter: (x) => gradient((w) => convolve(x, w))(filter),
          bias: (x) => gradient((b) => convolve(x, filter, b))(bias),
        };
        expect(
          await measureBatchDifference(operations[part]!, [...shape, count], signed, {
            channelBlock,
            batchSize,
          }),
        ).toBeLessThan(1e-4);
      },
    ),
    { numRuns: 150 },
  );
});

test('max pooling and its gradient, traced on cpu, give the same results in ONNX Runtime as in TensorFlow.js in the channels-first and the blocked memory layout', async () => {
  await tf.setBackend('cpu');
  const sides = fc.tuple(fc.integer({ min: 4, max: 7 }), fc.integer({ min: 4, max: 7 }));
  const square = fc.record({
    size: fc.constant([2, 2] as [number, number]),
    strides: fc.constant([2, 2] as [number, number]),
    pad: fc.constantFrom('same' as const, 'valid' as const),
  });
  const disjoint = fc.oneof(
    square,
    window.map(({ strides, pad }) => ({ size: strides, strides, pad })),
  );
  await fc.assert(
    fc.asyncProperty(
      disjoint,
      sides,
      channels,
      fc.boolean(),
      blocks,
      batchSizes,
      async (pooling, shape, count, isGradient, channelBlock, batchSize) => {
        const pool = (x: tf.Tensor) =>
          tf.maxPool(x as tf.Tensor4D, pooling.size, pooling.strides, pooling.pad);
        const operation = isGradient ? gradient(pool) : pool;
        expect(
          await measureBatchDifference(operation, [...shape, count], coarse, { channelBlock, batchSize }),
        ).toBeLessThan(1e-6);
      },
    ),
    { numRuns: 60 },
  );
});

test('operations before and after convolutions give the same results in ONNX Runtime as in TensorFlow.js in the channels-first and the blocked memory layout', async () => {
  await useEngine('wasm');
  const options = { strides: [1, 1], padding: 'same', dilations: [1, 1], activation: 'relu' } as const;
  for (const count of [3, 16, 20, 24]) {
    const filter = fill([3, 3, count, count], coarse) as tf.Tensor4D;
    const bias = fill([count], coarse) as tf.Tensor1D;
    const relu = (x: tf.Tensor, b = bias) => convolution(x as tf.Tensor4D, filter, b, options);
    const pooled = (x: tf.Tensor, b = bias) => tf.maxPool(relu(x, b), 2, 2, 'valid');
    const normalize = (x: tf.Tensor, gamma: tf.Tensor = bias) => batchNormTraining(x, gamma, bias, 1e-3).y;
    const operations: readonly ((x: tf.Tensor) => tf.Tensor)[] = [
      gradient(relu),
      (x) => gradient((b) => relu(x, b as tf.Tensor1D))(bias),
      // The relu mask and the bias gradient are computed after the pooling.
      gradient(pooled),
      (x) => gradient((b) => pooled(x, b as tf.Tensor1D))(bias),
      normalize,
      gradient(normalize),
      (x) => gradient((gamma) => normalize(x, gamma))(bias),
      // Element-wise operations that do not return zero for zero, as for the additional channels of an image in blocks.
      (x) => tf.sum(tf.exp(tf.add(relu(x), 1)), [0, 1, 2]),
      (x) => convolution(tf.sub(1, tf.reciprocal(tf.exp(relu(x)))) as tf.Tensor4D, filter, bias, options),
      // Element-wise operations between two layouts, with a scalar, and with an output in a different shape.
      (x) => tf.reshape(tf.add(tf.mul(relu(x), 0.5), tf.relu(tf.sub(x, relu(x)))), [x.shape[0]!, -1]),
      (x) => tf.mul(relu(x), fill([count])),
      (x) => tf.transpose(relu(x), [0, 2, 3, 1]),
      (x) => relu(tf.transpose(relu(x), [0, 2, 1, 3])),
    ];
    for (const options of [{}, { channelBlock: block }, { channelBlock: block, batchSize: 5 }]) {
      for (const [i, operation] of operations.entries()) {
        // The reason for this tolerance is the same as for the convolutions above.
        const difference = await measureBatchDifference(operation, [7, 6, count], coarse, options);
        expect([count, options, i, difference < 1e-4]).toEqual([count, options, i, true]);
      }
    }
  }
});
