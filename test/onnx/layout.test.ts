import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { findChannelBlock } from '../../src/engines/onnx/session/findChannelBlock.js';
import { useEngine } from '../../src/entries/node.js';
import { batchNormTraining } from '../../src/tensor/batchNormalization.js';
import { convolution } from '../../src/tensor/convolution.js';
import { difference } from './run.js';

const signed = (i: number) => Math.sin(i * 1.7 + 0.3) * 2;
/** Few values, so that windows hold their largest more than once. */
const coarse = (i: number) => Math.round(signed(i) * 2) / 2;
const fill = (shape: readonly number[], number = (i: number) => Math.cos(i * 2.3)) =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, (_, i) => number(i)),
    [...shape],
  );
const gradient = (f: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor) => tf.grad(f)(x, tf.sigmoid(f(x)));

const block = await findChannelBlock(ort as never);
const blocks = fc.constantFrom(undefined, block);
/** Fewer than a block, whole blocks (of 8 and of 16), and neither. */
const channels = fc.constantFrom(3, 16, 20, 32);
const window = fc.record({
  size: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  pad: fc.constantFrom('same' as const, 'valid' as const),
});

test('a block has 8 or 16 channels, and none where the runtime knows no blocks', async () => {
  expect([8, 16, undefined]).toContain(block);
  const refusing = { InferenceSession: { create: () => Promise.reject(new Error('no such operation')) } };
  expect(await findChannelBlock(refusing as never)).toBeUndefined();
});

test('convolutions and their gradients in every layout, on cpu', async () => {
  await tf.setBackend('cpu');
  const which = fc.constantFrom('forward', 'input', 'filter');
  await fc.assert(
    fc.asyncProperty(window, channels, channels, which, blocks, async (own, from, to, of, block) => {
      const { size, strides, pad } = own;
      const filter = fill([...size, from, to]) as tf.Tensor4D;
      const convolve = (x: tf.Tensor, w: tf.Tensor) =>
        tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad);
      const operation = (x: tf.Tensor) => {
        if (of === 'forward') return convolve(x, filter);
        return of === 'input'
          ? gradient((v) => convolve(v, filter))(x)
          : gradient((w) => convolve(x, w))(filter);
      };
      // Sums of up to 300 products that mostly cancel, in another order; what is misplaced is off by its own size.
      expect(await difference(operation, [7, 8, from], signed, { channelBlock: block })).toBeLessThan(1e-4);
    }),
    { numRuns: 60 },
  );
});

test('max-pooling and its gradient in every layout, on cpu: of equal values the first', async () => {
  await tf.setBackend('cpu');
  const sides = fc.tuple(fc.integer({ min: 4, max: 7 }), fc.integer({ min: 4, max: 7 }));
  const square = fc.record({
    size: fc.constant([2, 2] as [number, number]),
    strides: fc.constant([2, 2] as [number, number]),
    pad: fc.constantFrom('same' as const, 'valid' as const),
  });
  const apart = fc.oneof(
    square,
    window.map(({ strides, pad }) => ({ size: strides, strides, pad })),
  );
  await fc.assert(
    fc.asyncProperty(apart, sides, channels, fc.boolean(), blocks, async (own, shape, count, back, block) => {
      const pool = (x: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, own.size, own.strides, own.pad);
      const operation = back ? gradient(pool) : pool;
      expect(await difference(operation, [...shape, count], coarse, { channelBlock: block })).toBeLessThan(
        1e-6,
      );
    }),
    { numRuns: 60 },
  );
});

test('what surrounds convolutions, in every layout, on wasm', async () => {
  await useEngine('wasm');
  const options = { strides: [1, 1], padding: 'same', dilations: [1, 1], activation: 'relu' } as const;
  for (const count of [3, 16, 20]) {
    const filter = fill([3, 3, count, count], coarse) as tf.Tensor4D;
    const bias = fill([count], coarse) as tf.Tensor1D;
    const relu = (x: tf.Tensor, b = bias) => convolution(x as tf.Tensor4D, filter, b, options);
    const pooled = (x: tf.Tensor, b = bias) => tf.maxPool(relu(x, b), 2, 2, 'valid');
    const normal = (x: tf.Tensor, gamma: tf.Tensor = bias) => batchNormTraining(x, gamma, bias, 1e-3).y;
    const operations: readonly ((x: tf.Tensor) => tf.Tensor)[] = [
      gradient(relu),
      (x) => gradient((b) => relu(x, b as tf.Tensor1D))(bias),
      // Relu's mask and the bias's sum are taken after the pooling.
      gradient(pooled),
      (x) => gradient((b) => pooled(x, b as tf.Tensor1D))(bias),
      normal,
      gradient(normal),
      (x) => gradient((gamma) => normal(x, gamma))(bias),
      // Element by element between layouts, with a number, and read in another shape.
      (x) => tf.reshape(tf.add(tf.mul(relu(x), 0.5), tf.relu(tf.sub(x, relu(x)))), [x.shape[0]!, -1]),
      (x) => tf.mul(relu(x), fill([count])),
      (x) => tf.transpose(relu(x), [0, 2, 3, 1]),
      (x) => relu(tf.transpose(relu(x), [0, 2, 1, 3])),
    ];
    for (const own of [undefined, block]) {
      for (const [i, operation] of operations.entries()) {
        // As above.
        const off = await difference(operation, [7, 6, count], coarse, { channelBlock: own });
        expect([count, own, i, off < 1e-4]).toEqual([count, own, i, true]);
      }
    }
  }
});
