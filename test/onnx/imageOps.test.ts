import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { useEngine } from '../../src/entries/node.js';
import { convolution, depthwiseConvolution } from '../../src/tensor/ops/convolution.js';
import { CLOSE, eighths, integers } from './arbitraries.js';
import { measureDifference } from './runOnnx.js';

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
/** Creates an arbitrary of a window, and images that are large enough for the window. */
const case2d = (channels: number) =>
  window.chain((geometry) =>
    fc.tuple(fc.constant(geometry), eighths([2, geometry.height, geometry.width, channels])),
  );
/** Creates a gradient for the output of `f`, with a different value for each element. */
const createOutputGradient = (f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor) => {
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
/** Checks that `f` of two tensors and both of its gradients give the same results in ONNX Runtime as in TensorFlow.js. */
async function expectAgreement(
  f: (x: Images, w: Images) => tf.Tensor,
  x: tf.Tensor,
  w: tf.Tensor,
): Promise<void> {
  const dy = createOutputGradient((v) => f(v as Images, w as Images), x);
  expect(await measureDifference(f, x, w)).toBeLessThan(CLOSE);
  const gradients = (v: Images, u: Images, d: tf.Tensor) => tf.grads(f as never)([v, u], d);
  expect(await measureDifference(gradients, x, w, dy)).toBeLessThan(CLOSE);
}

describe.each(['cpu', 'wasm'] as const)('image operations traced on %s', (backend) => {
  const startBackend = () => (backend === 'wasm' ? useEngine('wasm') : tf.setBackend('cpu'));

  test('give the same results in ONNX Runtime as in TensorFlow.js: convolutions with a variable filter, and their gradients', async () => {
    await startBackend();
    await fc.assert(
      fc.asyncProperty(case2d(3), async ([{ size, strides, pad }, x]) => {
        await expectAgreement((v, w) => tf.conv2d(v, w, strides, pad), x, fill([...size, 3, 2]));
      }),
      { numRuns: 20 },
    );
  });

  test('give the same results in ONNX Runtime as in TensorFlow.js: transposed convolutions and their gradients', async () => {
    await startBackend();
    await fc.assert(
      fc.asyncProperty(case2d(2), async ([{ size, strides, pad, height, width }, x]) => {
        // The smallest image whose convolution has this size.
        const computeOutputSize = (n: number, i: 0 | 1) =>
          pad === 'same' ? n * strides[i] : (n - 1) * strides[i] + size[i];
        const out: [number, number, number, number] = [
          2,
          computeOutputSize(height, 0),
          computeOutputSize(width, 1),
          3,
        ];
        await expectAgreement(
          (v, w) => tf.conv2dTranspose(v, w, out, strides, pad),
          x,
          fill([...size, 3, 2]),
        );
      }),
      { numRuns: 15 },
    );
  });

  test('give the same results in ONNX Runtime as in TensorFlow.js: depthwise convolutions and their gradients, with and without dilation', async () => {
    await startBackend();
    // The gradients of the cpu backend ignore dilations.
    const maxDilation = backend === 'cpu' ? 1 : 2;
    await fc.assert(
      fc.asyncProperty(case2d(3), side(2), async ([{ size, strides, pad, ...geometry }, x], multiplier) => {
        const dilation = Math.min(geometry.dilation, maxDilation);
        const step: [number, number] = dilation > 1 ? [1, 1] : strides;
        const f = (v: Images, w: Images) =>
          depthwiseConvolution(v, w, undefined, {
            strides: step,
            padding: pad,
            dilations: [dilation, dilation],
            activation: 'linear',
          });
        await expectAgreement(f, x, fill([...size, 3, multiplier]));
      }),
      { numRuns: 25 },
    );
  });

  test('give the same results in ONNX Runtime as in TensorFlow.js: dilated convolutions with bias and relu, and their gradients', async () => {
    await startBackend();
    await fc.assert(
      fc.asyncProperty(case2d(2), async ([{ size, pad }, x]) => {
        const options = { strides: [1, 1], padding: pad, dilations: [2, 2], activation: 'relu' } as const;
        await expectAgreement(
          (v, w) => convolution(v, w, tf.tensor1d([0.1, -0.2, 0.3]), options),
          x,
          fill([...size, 2, 3]),
        );
      }),
      { numRuns: 15 },
    );
  });

  test('give the same results in ONNX Runtime as in TensorFlow.js: max and average pooling and their gradients, with and without overlapping windows', async () => {
    await startBackend();
    await fc.assert(
      fc.asyncProperty(case2d(3), async ([{ size, strides, pad }, x]) => {
        for (const pool of [tf.maxPool, tf.avgPool]) {
          const f = (v: tf.Tensor) => pool(v as Images, size, strides, pad);
          expect(await measureDifference(f, x)).toBeLessThan(CLOSE);
          const gradient = (v: tf.Tensor, d: tf.Tensor) => tf.grad(f)(v, d);
          expect(await measureDifference(gradient, x, createOutputGradient(f, x))).toBeLessThan(CLOSE);
        }
      }),
      { numRuns: 25 },
    );
  });

  test('give the same results in ONNX Runtime as in TensorFlow.js: resizing in every mode, and its gradient', async () => {
    await startBackend();
    const modes = fc.constantFrom([false, false], [true, false], [false, true]);
    // The gradient of the cpu backend confuses height and width, so only square images are tested. Its gradient of nearest-neighbor
    // resizing reads the second image of a batch from the wrong position.
    const batch = backend === 'cpu' ? 1 : 2;
    const square = fc.integer({ min: 2, max: 6 }).chain((n) => eighths([batch, n, n, 2]));
    await fc.assert(
      fc.asyncProperty(square, pair(9), modes, async (x, size, [corners, half]) => {
        for (const resize of [tf.image.resizeBilinear, tf.image.resizeNearestNeighbor]) {
          const f = (v: tf.Tensor) => resize(v as Images, size, corners, half);
          expect(await measureDifference(f, x)).toBeLessThan(CLOSE);
          const gradient = (v: tf.Tensor, d: tf.Tensor) => tf.grad(f)(v, d);
          expect(await measureDifference(gradient, x, createOutputGradient(f, x))).toBeLessThan(CLOSE);
        }
      }),
      { numRuns: 20 },
    );
  });
});

test('tf.image.resizeBilinear returns the correct size in ONNX Runtime even if the float32 scale factor is rounded down', async () => {
  await tf.setBackend('cpu');
  const f = (v: tf.Tensor) => tf.image.resizeBilinear(v as Images, [31, 13]);
  expect(await measureDifference(f, fill([1, 7, 11, 2]))).toBeLessThan(CLOSE);
});

test('cropAndResize gives the same results in ONNX Runtime as in TensorFlow.js for boxes inside and outside the image', async () => {
  await tf.setBackend('cpu');
  const boxesAndIndices = fc
    .integer({ min: 1, max: 4 })
    .chain((n) => fc.tuple(eighths([n, 4], -0.25, 1.25), integers([n], 0, 1)));
  await fc.assert(
    fc.asyncProperty(
      eighths([2, 5, 9, 2]),
      boxesAndIndices,
      fc.boolean(),
      async (x, [boxes, indices], isNearest) => {
        // With these sizes every position is a multiple of 1/4, so both implementations round the same exact halves.
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
              isNearest ? 'nearest' : 'bilinear',
              0.5,
            );
          expect(await measureDifference(f, x, boxes, indices)).toBeLessThan(CLOSE);
        }
      },
    ),
    { numRuns: 15 },
  );
});

test('a convolution with numeric padding and a rounding mode gives the same results in ONNX Runtime as in TensorFlow.js', async () => {
  await tf.setBackend('cpu');
  await expectAgreement(
    (v, w) => tf.conv2d(v, w, 2, 1, 'NHWC', 1, 'floor'),
    fill([2, 6, 7, 3]),
    fill([3, 3, 3, 2]),
  );
});

test('local response normalization and its gradient give the same results in ONNX Runtime as in TensorFlow.js', async () => {
  await tf.setBackend('cpu');
  const f = (v: tf.Tensor) => tf.localResponseNormalization(v as Images, 2, 1, 0.5, 0.75);
  await fc.assert(
    fc.asyncProperty(eighths([2, 2, 3, 6]), eighths([2, 2, 3, 6]), async (x, dy) => {
      expect(await measureDifference(f, x)).toBeLessThan(CLOSE);
      expect(await measureDifference((v, d) => tf.grad(f)(v, d), x, dy)).toBeLessThan(CLOSE);
    }),
    { numRuns: 10 },
  );
});

test('batch normalization with fixed statistics, and its gradients with respect to all inputs, give the same results in ONNX Runtime as in TensorFlow.js', async () => {
  await tf.setBackend('cpu');
  const f = (x: tf.Tensor, ...parameters: tf.Tensor[]) =>
    tf.batchNorm(
      x,
      parameters[0] as tf.Tensor1D,
      parameters[1] as tf.Tensor1D,
      parameters[2] as tf.Tensor1D,
      parameters[3] as tf.Tensor1D,
      1e-3,
    );
  const channel = eighths([3], 0.5, 2);
  await fc.assert(
    fc.asyncProperty(
      eighths([2, 3, 2, 3]),
      fc.tuple(channel, channel, channel, channel),
      async (x, parameters) => {
        expect(await measureDifference(f, x, ...parameters)).toBeLessThan(CLOSE);
        expect(await measureDifference((...inputs) => tf.grads(f)(inputs), x, ...parameters)).toBeLessThan(
          CLOSE,
        );
      },
    ),
    { numRuns: 10 },
  );
});
