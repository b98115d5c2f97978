/** Kernel calls that are fused in the graph of a training step, because the graph is written for one batch size. */

import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { lowerTrace } from '../../src/engines/onnx/lower/traceLowering.js';
import { useEngine } from '../../src/entries/node.js';
import { convolution, depthwiseConvolution } from '../../src/tensor/ops/convolution.js';
import { toTracedTensor, trace } from '../../src/tensor/trace/tracer.js';
import { measureBatchDifference } from './runOnnx.js';

type Operation = (x: tf.Tensor) => tf.Tensor;

beforeAll(() => useEngine('wasm'));

const signed = (i: number) => Math.sin(i * 1.7 + 0.3) * 2;
/** Multiples of 1/2 between -8 and 8, so that many values are equal to the bounds of a clipped activation. */
const coarse = (i: number) => Math.round(Math.sin(i * 1.7 + 0.3) * 16) / 2;
const fill = (shape: readonly number[], valueAt = (i: number) => Math.cos(i * 2.3)) =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, (_, i) => valueAt(i)),
    [...shape],
  );
/** Returns the gradient of `f`, with a different weight for each output element. */
const gradient = (f: Operation) => (x: tf.Tensor) => tf.grad(f)(x, tf.sigmoid(f(x)));

const layouts = fc.record({
  channelBlock: fc.constantFrom(undefined, 8, 16),
  batchSize: fc.constantFrom(undefined, 1, 2, 3, 4, 5),
});
/** Channel counts: less than a block, whole blocks of 8 and of 16, and not a multiple of a block. */
const channels = fc.constantFrom(3, 16, 20, 24, 32);
const sides = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 }));

const activations: { readonly [name: string]: Operation } = {
  relu: tf.relu,
  relu6: tf.relu6,
  'clipped relu': (x) => tf.clipByValue(tf.relu(x), 0, 6),
  'clipped relu with a positive minimum': (x) => tf.clipByValue(tf.relu(x), 1, 4),
  clip: (x) => tf.clipByValue(x, -2, 3),
  swish: (x) => tf.mul(tf.sigmoid(x), x),
  'swish with a factor of 1': (x) => tf.mul(x, tf.sigmoid(tf.mul(x, 1))),
  'hard swish': (x) => tf.mul(x, tf.mul(tf.relu6(tf.add(x, 3)), 1 / 6)),
};

test('activations and their gradients give the same results in ONNX Runtime as in TensorFlow.js, also at the bounds of clipped activations', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(activations)),
      fc.boolean(),
      fc.boolean(),
      fc.tuple(sides, channels),
      layouts,
      async (name, isGradient, isConvolved, [shape, count], options) => {
        const activate = activations[name]!;
        // A 1x1 depthwise convolution without effect stores the image in blocks.
        const convolve: Operation = (x) =>
          depthwiseConvolution(x as tf.Tensor4D, tf.ones([1, 1, count, 1]), undefined, {
            strides: [1, 1],
            padding: 'valid',
            dilations: [1, 1],
            activation: 'linear',
          });
        const f: Operation = isConvolved ? (x) => convolve(activate(convolve(x))) : activate;
        const operation = isGradient ? gradient(f) : f;
        expect(await measureBatchDifference(operation, [...shape, count], coarse, options)).toBeLessThan(
          1e-5,
        );
      },
    ),
    { numRuns: 150 },
  );
});

test('convolutions of padded images and their gradients give the same results in ONNX Runtime as in TensorFlow.js', async () => {
  const paddings = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 4, maxLength: 4 });
  const strides = fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 }));
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(paddings, strides, fc.constantFrom(0, 1)),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      fc.constantFrom('forward', 'input', 'filter'),
      channels,
      layouts,
      async ([[top, bottom, left, right], step, value], size, isDepthwise, part, count, options) => {
        const filter = fill([size, size, count, isDepthwise ? 1 : 16]) as tf.Tensor4D;
        const convolve = (x: tf.Tensor, w: tf.Tensor) => {
          const padded = tf.pad(
            x,
            [
              [0, 0],
              [top!, bottom!],
              [left!, right!],
              [0, 0],
            ],
            value,
          ) as tf.Tensor4D;
          return (isDepthwise ? depthwiseConvolution : convolution)(padded, w as tf.Tensor4D, undefined, {
            strides: step,
            padding: 'valid',
            dilations: [1, 1],
            activation: 'linear',
          });
        };
        const operations: { readonly [part: string]: Operation } = {
          forward: (x) => convolve(x, filter),
          input: gradient((x) => convolve(x, filter)),
          filter: (x) => gradient((w) => convolve(x, w))(filter),
        };
        expect(await measureBatchDifference(operations[part]!, [6, 5, count], signed, options)).toBeLessThan(
          1e-4,
        );
      },
    ),
    { numRuns: 100 },
  );
});

test('products of images with one number per image and channel, and their gradients, give the same results in ONNX Runtime as in TensorFlow.js', async () => {
  const options = { strides: [1, 1], padding: 'same', dilations: [1, 1], activation: 'linear' } as const;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('squeeze and excitation', 'gates of the image', 'one number per image', 'mean', 'sum'),
      fc.boolean(),
      fc.boolean(),
      fc.tuple(sides, channels),
      layouts,
      async (name, isGradient, isConvolved, [shape, count], layout) => {
        const squeeze: Operation = (x) => tf.reshape(tf.mean(x, [1, 2]), [x.shape[0]!, 1, 1, count]);
        const filter = (from: number, to: number) => fill([1, 1, from, to]) as tf.Tensor4D;
        const gates = (x: tf.Tensor) => {
          const reduced = convolution(
            squeeze(x) as tf.Tensor4D,
            filter(count, 4),
            fill([4]) as tf.Tensor1D,
            options,
          );
          return tf.sigmoid(
            convolution(
              tf.mul(reduced, tf.sigmoid(reduced)),
              filter(4, count),
              fill([count]) as tf.Tensor1D,
              options,
            ),
          );
        };
        const operations: { readonly [name: string]: Operation } = {
          'squeeze and excitation': (x) => tf.mul(x, gates(x)),
          'gates of the image': (x) => tf.mul(tf.reshape(tf.sum(x, [1, 2]), [-1, 1, 1, count]), tf.square(x)),
          'one number per image': (x) => tf.mul(x, tf.div(tf.slice(x, [0, 0, 0, 0], [-1, 1, 1, 1]), 0.5)),
          mean: (x) => tf.mean(x, [1, 2]),
          sum: (x) => tf.sum(x, [0, 1, 2]),
        };
        const convolve: Operation = (x) =>
          depthwiseConvolution(x as tf.Tensor4D, fill([3, 3, count, 1]) as tf.Tensor4D, undefined, options);
        const f: Operation = isConvolved ? (x) => operations[name]!(convolve(x)) : operations[name]!;
        const operation = isGradient ? gradient(f) : f;
        expect(await measureBatchDifference(operation, [...shape, count], signed, layout)).toBeLessThan(1e-4);
      },
    ),
    { numRuns: 150 },
  );
});

describe('the graph for one batch size', () => {
  /** Returns the operations of the graph of `operation` for batches of 5 images with 16 channels. */
  function findOperations(operation: Operation): ReadonlySet<string> {
    const tracePass = (batch: number) => {
      const image = fill([batch, 6, 6, 16], coarse);
      return { image, traced: trace(() => tf.tidy(() => operation(image))) };
    };
    const [two, three] = [tracePass(2), tracePass(3)];
    const { nodes } = lowerTrace(
      two.traced,
      three.traced,
      [{ name: 'x', tensor: toTracedTensor(two.image) }],
      [{ name: 'y', tensor: toTracedTensor(two.traced.result) }],
      { channelBlock: 16, batch: { size: 5, tracedSizes: [2, 3] } },
    );
    return new Set(nodes.map(({ opType }) => opType));
  }

  test.each(['relu6', 'clipped relu', 'clip', 'hard swish'])(
    'contains no Where for the gradient of an activation: %s',
    (name) => {
      expect(findOperations(gradient(activations[name]!))).not.toContain('Where');
    },
  );

  test('contains QuickGelu for swish and its gradient', () => {
    for (const name of ['swish', 'swish with a factor of 1']) {
      const operations = findOperations(gradient(activations[name]!));
      expect(operations).toContain('com.microsoft:QuickGelu');
      expect([...operations].filter((name) => name === 'Sigmoid')).toHaveLength(1);
    }
  });

  test('contains no Pad for a convolution of a padded image', () => {
    const filter = fill([3, 3, 16, 16]) as tf.Tensor4D;
    const options = { strides: [1, 1], padding: 'valid', dilations: [1, 1], activation: 'linear' } as const;
    const convolve: Operation = (x) =>
      convolution(
        tf.pad(x, [
          [0, 0],
          [0, 1],
          [0, 1],
          [0, 0],
        ]) as tf.Tensor4D,
        filter,
        undefined,
        options,
      );
    const operations = findOperations(gradient(convolve));
    expect(operations).not.toContain('Pad');
    expect(operations).not.toContain('Slice');
  });
});
