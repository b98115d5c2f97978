import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { measureBatchDifference } from './runOnnx.js';

const signed = (i: number) => Math.sin(i * 1.7 + 0.3) * 2;
const fill = (shape: readonly number[]) =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, (_, i) => Math.cos(i * 2.3)),
    [...shape],
  );
const gradient = (f: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor) => tf.grad(f)(x, tf.sigmoid(f(x)));

/** Blocks of both sizes that processors have, or none. */
const channelBlock = fc.constantFrom(undefined, 8, 16);
/** A fixed batch size, or undefined for a graph with a variable batch size. */
const batchSize = fc.constantFrom(undefined, 1, 2, 3, 4, 5);
const parts = fc.constantFrom('forward', 'input', 'filter');
/** Sums of up to a few hundred products that mostly cancel are added in a different order. */
const TOLERANCE = 1e-4;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Returns an operation on images: a convolution, or its gradient with respect to the image or to the filter. */
function createConvolution(
  filterShape: readonly number[],
  strides: [number, number],
  pad: 'same' | 'valid',
  part: string,
) {
  const filter = fill(filterShape) as tf.Tensor4D;
  const convolve = (x: tf.Tensor, w: tf.Tensor) =>
    tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad);
  return (x: tf.Tensor) => {
    if (part === 'forward') return convolve(x, filter);
    return part === 'input'
      ? gradient((v) => convolve(v, filter))(x)
      : gradient((w) => convolve(x, w))(filter);
  };
}

test('1x1 convolutions with strides and their gradients give the same results in ONNX Runtime as in TensorFlow.js, with whole blocks of channels and without', async () => {
  const sides = fc.integer({ min: 1, max: 13 });
  const strides = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }));
  const channels = fc.constantFrom(3, 16, 24, 32);
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(sides, sides),
      strides,
      fc.tuple(channels, channels),
      fc.constantFrom('same' as const, 'valid' as const),
      parts,
      channelBlock,
      batchSize,
      async (size, stride, [from, to], pad, part, blockSize, batch) => {
        const operation = createConvolution([1, 1, from, to], stride, pad, part);
        const options = { channelBlock: blockSize, batchSize: batch };
        expect(await measureBatchDifference(operation, [...size, from], signed, options)).toBeLessThan(
          TOLERANCE,
        );
      },
    ),
    { numRuns: 60 },
  );
});

test('gradients with respect to filters give the same results in ONNX Runtime as in TensorFlow.js for images of 1 to 300 pixels', async () => {
  const sides = fc.oneof(fc.integer({ min: 3, max: 12 }), fc.constantFrom(17, 18));
  const window = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }));
  const strides = fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 }));
  const channels = fc.constantFrom(3, 16, 20, 24);
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(sides, sides),
      window,
      strides,
      fc.tuple(channels, channels),
      fc.constantFrom('same' as const, 'valid' as const),
      channelBlock,
      batchSize,
      async (size, filterSize, stride, [from, to], pad, blockSize, batch) => {
        const operation = createConvolution([...filterSize, from, to], stride, pad, 'filter');
        const options = { channelBlock: blockSize, batchSize: batch };
        expect(await measureBatchDifference(operation, [...size, from], signed, options)).toBeLessThan(
          TOLERANCE,
        );
      },
    ),
    { numRuns: 60 },
  );
});

test('images that are padded and cropped between convolutions, and their gradients, give the same results in ONNX Runtime as in TensorFlow.js', async () => {
  const margin = fc.integer({ min: 0, max: 2 });
  const sides = fc.integer({ min: 1, max: 6 });
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(sides, sides),
      fc.tuple(margin, margin, margin, margin),
      fc.constantFrom(0, 1.5),
      fc.tuple(fc.constantFrom(3, 16, 24), fc.constantFrom(16, 24)),
      fc.boolean(),
      channelBlock,
      batchSize,
      async (size, [top, bottom, left, right], value, [from, to], isGradient, blockSize, batch) => {
        const [first, second] = [fill([1, 1, from, to]), fill([1, 1, to, to])] as [tf.Tensor4D, tf.Tensor4D];
        const paddings: [number, number][] = [
          [0, 0],
          [top, bottom],
          [left, right],
          [0, 0],
        ];
        const network = (x: tf.Tensor) => {
          const image = tf.tanh(tf.conv2d(x as tf.Tensor4D, first, 1, 'same'));
          const padded = tf.tanh(tf.pad(image, paddings, value)) as tf.Tensor4D;
          const [count, height, width] = padded.shape;
          const cropped = tf.slice(
            padded,
            [0, bottom, right, 0],
            [count, height - bottom, width - right, to],
          );
          return tf.conv2d(cropped, second, 1, 'same');
        };
        const operation = isGradient ? gradient(network) : network;
        const options = { channelBlock: blockSize, batchSize: batch };
        expect(await measureBatchDifference(operation, [...size, from], signed, options)).toBeLessThan(
          TOLERANCE,
        );
      },
    ),
    { numRuns: 60 },
  );
});
