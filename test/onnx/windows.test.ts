import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { useEngine } from '../../src/entries/node.js';
import { convolution, depthwiseConvolution } from '../../src/tensor/convolution.js';
import { CLOSE, eighths, integers } from './numbers.js';
import { disagreement } from './run.js';

type Images = tf.Tensor4D;

const side = (max: number) => fc.integer({ min: 1, max });
const pair = (max: number) => fc.tuple(side(max), side(max));
const window = fc.record({
  size: pair(3),
  strides: pair(3),
  dilation: side(2),
  pad: fc.constantFrom('same' as const, 'valid' as const),
  height: fc.integer({ min: 5, max: 7 }),
  width: fc.integer({ min: 5, max: 8 }),
});
/** A window, the images under it and numbers for what comes out, more than enough. */
const case2d = (channels: number) =>
  window.chain((geometry) =>
    fc.tuple(fc.constant(geometry), eighths([2, geometry.height, geometry.width, channels])),
  );
/** Numbers for the gradient of what `f` makes of `x`. */
const weighing = (f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor) => {
  const { shape } = tf.tidy(() => f(x));
  return tf.tensor(
    Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.cos(i * 2.3)),
    shape,
  );
};
const fill = (shape: [number, number, number, number]) =>
  tf.tensor(
    Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.sin(i * 1.7 + 0.3)),
    shape,
  ) as Images;
/** Asks whether `f` of two tensors and both of its gradients agree. */
async function agree(f: (x: Images, w: Images) => tf.Tensor, x: tf.Tensor, w: tf.Tensor): Promise<void> {
  const dy = weighing((v) => f(v as Images, w as Images), x);
  expect(await disagreement(f, x, w)).toBeLessThan(CLOSE);
  const gradients = (v: Images, u: Images, d: tf.Tensor) => tf.grads(f as never)([v, u], d);
  expect(await disagreement(gradients, x, w, dy)).toBeLessThan(CLOSE);
}

describe.each(['cpu', 'wasm'] as const)('recorded on %s', (backend) => {
  const ready = () => (backend === 'wasm' ? useEngine('wasm') : tf.setBackend('cpu'));

  test('convolutions and their gradients, in a filter that is no constant', async () => {
    await ready();
    await fc.assert(
      fc.asyncProperty(case2d(3), async ([{ size, strides, pad }, x]) => {
        await agree((v, w) => tf.conv2d(v, w, strides, pad), x, fill([...size, 3, 2]));
      }),
      { numRuns: 20 },
    );
  });

  test('transposed convolutions, which double sides, and their gradients', async () => {
    await ready();
    await fc.assert(
      fc.asyncProperty(case2d(2), async ([{ size, strides, pad, height, width }, x]) => {
        // The smallest image whose convolution has this size.
        const grown = (n: number, i: 0 | 1) =>
          pad === 'same' ? n * strides[i] : (n - 1) * strides[i] + size[i];
        const out: [number, number, number, number] = [2, grown(height, 0), grown(width, 1), 3];
        await agree((v, w) => tf.conv2dTranspose(v, w, out, strides, pad), x, fill([...size, 3, 2]));
      }),
      { numRuns: 15 },
    );
  });

  test('depthwise convolutions and their gradients, dilated too', async () => {
    await ready();
    // The gradients on cpu pass over dilations.
    const most = backend === 'cpu' ? 1 : 2;
    await fc.assert(
      fc.asyncProperty(case2d(3), side(2), async ([{ size, strides, pad, dilation: any }, x], multiplier) => {
        const dilation = Math.min(any, most);
        const step: [number, number] = dilation > 1 ? [1, 1] : strides;
        const f = (v: Images, w: Images) =>
          depthwiseConvolution(v, w, undefined, {
            strides: step,
            padding: pad,
            dilations: [dilation, dilation],
            activation: 'linear',
          });
        await agree(f, x, fill([...size, 3, multiplier]));
      }),
      { numRuns: 25 },
    );
  });

  test('dilated convolutions of our layers, with bias and relu, and their gradients', async () => {
    await ready();
    await fc.assert(
      fc.asyncProperty(case2d(2), async ([{ size, pad }, x]) => {
        const options = { strides: [1, 1], padding: pad, dilations: [2, 2], activation: 'relu' } as const;
        await agree(
          (v, w) => convolution(v, w, tf.tensor1d([0.1, -0.2, 0.3]), options),
          x,
          fill([...size, 2, 3]),
        );
      }),
      { numRuns: 15 },
    );
  });

  test('pooling of windows that overlap or not, of numbers with ties, and its gradient', async () => {
    await ready();
    await fc.assert(
      fc.asyncProperty(case2d(3), async ([{ size, strides, pad }, x]) => {
        for (const pool of [tf.maxPool, tf.avgPool]) {
          const f = (v: tf.Tensor) => pool(v as Images, size, strides, pad);
          expect(await disagreement(f, x)).toBeLessThan(CLOSE);
          const gradient = (v: tf.Tensor, d: tf.Tensor) => tf.grad(f)(v, d);
          expect(await disagreement(gradient, x, weighing(f, x))).toBeLessThan(CLOSE);
        }
      }),
      { numRuns: 25 },
    );
  });

  test('resizing in every mode and its gradient', async () => {
    await ready();
    const modes = fc.constantFrom([false, false], [true, false], [false, true]);
    // The gradient on cpu gives a height for a width, so that only squares have one.
    // That of the nearest finds the second image of a batch at the wrong place.
    const batch = backend === 'cpu' ? 1 : 2;
    const square = fc.integer({ min: 2, max: 6 }).chain((n) => eighths([batch, n, n, 2]));
    await fc.assert(
      fc.asyncProperty(square, pair(9), modes, async (x, size, [corners, half]) => {
        for (const resize of [tf.image.resizeBilinear, tf.image.resizeNearestNeighbor]) {
          const f = (v: tf.Tensor) => resize(v as Images, size, corners, half);
          expect(await disagreement(f, x)).toBeLessThan(CLOSE);
          const gradient = (v: tf.Tensor, d: tf.Tensor) => tf.grad(f)(v, d);
          expect(await disagreement(gradient, x, weighing(f, x))).toBeLessThan(CLOSE);
        }
      }),
      { numRuns: 20 },
    );
  });
});

test('a side whose factor in float32 is one pixel short', async () => {
  await tf.setBackend('cpu');
  const f = (v: tf.Tensor) => tf.image.resizeBilinear(v as Images, [31, 13]);
  expect(await disagreement(f, fill([1, 7, 11, 2]))).toBeLessThan(CLOSE);
});

test('boxes cut out and resized, inside the image and beyond', async () => {
  await tf.setBackend('cpu');
  const given = fc
    .integer({ min: 1, max: 4 })
    .chain((n) => fc.tuple(eighths([n, 4], -0.25, 1.25), integers([n], 0, 1)));
  await fc.assert(
    fc.asyncProperty(eighths([2, 5, 9, 2]), given, fc.boolean(), async (x, [boxes, of], sharp) => {
      // These sizes make every place a whole number of quarters, so that both sides round the same halves.
      for (const size of [
        [3, 5],
        [1, 3],
      ] as [number, number][]) {
        const f = (...[v, b, i]: tf.Tensor[]) =>
          tf.image.cropAndResize(
            v as Images,
            b as tf.Tensor2D,
            i as tf.Tensor1D,
            size,
            sharp ? 'nearest' : 'bilinear',
            0.5,
          );
        expect(await disagreement(f, x, boxes, of)).toBeLessThan(CLOSE);
      }
    }),
    { numRuns: 15 },
  );
});

test('a convolution with numbers as padding, and one that rounds', async () => {
  await tf.setBackend('cpu');
  await agree((v, w) => tf.conv2d(v, w, 2, 1, 'NHWC', 1, 'floor'), fill([2, 6, 7, 3]), fill([3, 3, 3, 2]));
});

test('local response normalisation and its gradient', async () => {
  await tf.setBackend('cpu');
  const f = (v: tf.Tensor) => tf.localResponseNormalization(v as Images, 2, 1, 0.5, 0.75);
  await fc.assert(
    fc.asyncProperty(eighths([2, 2, 3, 6]), eighths([2, 2, 3, 6]), async (x, dy) => {
      expect(await disagreement(f, x)).toBeLessThan(CLOSE);
      expect(await disagreement((v, d) => tf.grad(f)(v, d), x, dy)).toBeLessThan(CLOSE);
    }),
    { numRuns: 10 },
  );
});

test('batch normalisation with given statistics, and its gradient in all of them', async () => {
  await tf.setBackend('cpu');
  const f = (x: tf.Tensor, ...own: tf.Tensor[]) =>
    tf.batchNorm(
      x,
      own[0] as tf.Tensor1D,
      own[1] as tf.Tensor1D,
      own[2] as tf.Tensor1D,
      own[3] as tf.Tensor1D,
      1e-3,
    );
  const channel = eighths([3], 0.5, 2);
  await fc.assert(
    fc.asyncProperty(eighths([2, 3, 2, 3]), fc.tuple(channel, channel, channel, channel), async (x, own) => {
      expect(await disagreement(f, x, ...own)).toBeLessThan(CLOSE);
      expect(await disagreement((...all) => tf.grads(f)(all), x, ...own)).toBeLessThan(CLOSE);
    }),
    { numRuns: 10 },
  );
});
