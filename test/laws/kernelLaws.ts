/** Properties of the kernels of a convolutional network: a backend gives the same results as the `cpu` backend. */
import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRng, type Rng } from '../../src/core/rng.js';
import { batchNormTraining } from '../../src/tensor/ops/batchNormalization.js';
import { convolution, depthwiseConvolution } from '../../src/tensor/ops/convolution.js';

/** Tolerance of float32 sums of a few hundred products that are added in a different order. */
const TOLERANCE = 2e-4;

type DrawValue = (random: Rng) => number;
const drawUniform: DrawValue = (random) => random.uniform(-1, 1);
/**
 * Draws a multiple of 1/16. Sums of products of such numbers are exact in float32. With other numbers, the sign of a sum near 0 could depend
 * on the order of its terms. The gradient of relu would then be 0 or 1, and both kernels would be correct.
 */
const drawSixteenth: DrawValue = (random) => random.nextInt(33) / 16 - 1;
const createNoise = (seed: number, shape: number[], drawValue = drawUniform) => {
  const random = createRng(seed, shape.join());
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => drawValue(random));
};

/** Computes the value and the gradients of `f` on a backend. */
async function computeOn(
  backend: string,
  shapes: number[][],
  f: (...x: Tensor[]) => Tensor,
  drawValue: DrawValue,
): Promise<number[][]> {
  await tf.setBackend(backend);
  const inputs = shapes.map((shape, i) => tf.tensor(createNoise(i + 1, shape, drawValue), shape));
  const value = f(...inputs);
  const dy = tf.tensor(createNoise(99, value.shape), value.shape);
  const gradients = tf.grads(f as never)(inputs, dy);
  const numbers = [value, ...gradients].map((tensor) => Array.from(tensor.dataSync()));
  tf.dispose([...inputs, value, dy, ...gradients]);
  return numbers;
}

/**
 * Checks that the value and the gradients of `actual` on `backend` match those of `reference` on `cpu`, and that no tensor leaks.
 */
export async function expectAgreement(
  backend: string,
  shapes: number[][],
  actual: (...x: Tensor[]) => Tensor,
  reference = actual,
  drawValue = drawUniform,
): Promise<void> {
  const expected = await computeOn('cpu', shapes, reference, drawValue);
  const before = tf.memory().numTensors;
  const received = await computeOn(backend, shapes, actual, drawValue);
  expect(tf.memory().numTensors).toBe(before);
  received.forEach((values, i) => {
    const scale = Math.max(1, ...expected[i]!.map(Math.abs));
    values.forEach((value, j) => {
      if (!(Math.abs(value - expected[i]![j]!) <= TOLERANCE * scale)) {
        throw new Error(`output ${i}, element ${j}: ${value} on ${backend}, ${expected[i]![j]} on cpu`);
      }
    });
  });
}

const upTo = (max: number) => fc.integer({ min: 1, max });
const geometry = fc.record({
  batch: upTo(3),
  height: fc.integer({ min: 5, max: 11 }),
  width: fc.integer({ min: 5, max: 11 }),
  // Channel counts below, equal to, and not a multiple of the width of a SIMD loop.
  channels: fc.constantFrom(1, 3, 4, 5, 8, 10),
  filters: fc.constantFrom(1, 3, 4, 8, 12, 16),
  kernel: fc.tuple(upTo(3), upTo(3)),
  strides: fc.tuple(upTo(3), upTo(3)),
  padding: fc.constantFrom('valid' as const, 'same' as const),
  activation: fc.constantFrom('linear' as const, 'relu' as const),
});

/** Defines a test of each property. The backend must be loaded before the tests run. */
export function kernelLaws(backend: string): void {
  test('gives the same results and gradients as the cpu engine for a convolution with any stride and padding', async () => {
    await fc.assert(
      fc.asyncProperty(geometry, async ({ batch, height, width, channels, filters, kernel, ...rest }) => {
        const shapes = [[batch, height, width, channels], [...kernel, channels, filters], [filters]];
        const reference = (x: Tensor, w: Tensor, b: Tensor) => {
          const y = tf.add(tf.conv2d(x as Tensor4D, w as Tensor4D, rest.strides, rest.padding), b);
          return rest.activation === 'relu' ? tf.relu(y) : y;
        };
        const actual = (x: Tensor, w: Tensor, b: Tensor) =>
          convolution(x as Tensor4D, w as Tensor4D, b as Tensor1D, { ...rest, dilations: [1, 1] });
        await expectAgreement(backend, shapes, actual as never, reference as never, drawSixteenth);
        await expectAgreement(backend, shapes.slice(0, 2), ((x: Tensor4D, w: Tensor4D) =>
          tf.conv2d(x, w, rest.strides, rest.padding)) as never);
      }),
      { numRuns: 60 },
    );
  });

  test('gives the same results and gradients as the cpu engine for a 3x3 convolution of several channels and any number of tiles', async () => {
    // Sizes from 3 to 14 give outputs with odd and even sides, and tiles that are partly outside of the image.
    const sizes = fc.record({
      batch: upTo(5),
      height: fc.integer({ min: 3, max: 14 }),
      width: fc.integer({ min: 3, max: 14 }),
      channels: fc.constantFrom(8, 12, 16, 40),
      filters: fc.constantFrom(8, 16, 24),
      padding: fc.constantFrom('valid' as const, 'same' as const),
      activation: fc.constantFrom('linear' as const, 'relu' as const),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ batch, height, width, channels, filters, padding, activation }) => {
        const shapes = [[batch, height, width, channels], [3, 3, channels, filters], [filters]];
        const reference = (x: Tensor, w: Tensor, b: Tensor) => {
          const y = tf.add(tf.conv2d(x as Tensor4D, w as Tensor4D, 1, padding), b);
          return activation === 'relu' ? tf.relu(y) : y;
        };
        const actual = (x: Tensor, w: Tensor, b: Tensor) =>
          convolution(x as Tensor4D, w as Tensor4D, b as Tensor1D, {
            strides: [1, 1],
            dilations: [1, 1],
            padding,
            activation,
          });
        await expectAgreement(backend, shapes, actual as never, reference as never, drawSixteenth);
      }),
      { numRuns: 40 },
    );
  });

  test('gives the same results for a dilated convolution as for a convolution whose filter has explicit zeros', async () => {
    await fc.assert(
      fc.asyncProperty(geometry, upTo(3), upTo(3), async (g, dy, dx) => {
        const { batch, channels, filters, kernel, padding, activation } = g;
        const shapes = [[batch, 9, 10, channels], [...kernel, channels, filters], [filters]];
        const reference = (x: Tensor, w: Tensor, b: Tensor) => {
          const dilatedFilter = insertFilterZeros(w as Tensor4D, dy, dx);
          const y = tf.add(tf.conv2d(x as Tensor4D, dilatedFilter, 1, padding), b);
          return activation === 'relu' ? tf.relu(y) : y;
        };
        const actual = (x: Tensor, w: Tensor, b: Tensor) =>
          convolution(x as Tensor4D, w as Tensor4D, b as Tensor1D, {
            strides: [1, 1],
            dilations: [dy, dx],
            padding,
            activation,
          });
        await expectAgreement(backend, shapes, actual as never, reference as never, drawSixteenth);
      }),
      { numRuns: 40 },
    );
  });

  test('gives the same results as the cpu engine for a depthwise convolution with any stride, padding and multiplier', async () => {
    await fc.assert(
      fc.asyncProperty(
        geometry,
        upTo(3),
        async ({ batch, height, width, channels, kernel, ...rest }, multiplier) => {
          const shapes = [
            [batch, height, width, channels],
            [...kernel, channels, multiplier],
            [channels * multiplier],
          ];
          const stride = rest.strides[0]; // TensorFlow.js requires equal strides for both axes.
          const reference = (x: Tensor, w: Tensor, b: Tensor) => {
            const y = tf.add(tf.depthwiseConv2d(x as Tensor4D, w as Tensor4D, stride, rest.padding), b);
            return rest.activation === 'relu' ? tf.relu(y) : y;
          };
          const actual = (x: Tensor, w: Tensor, b: Tensor) =>
            depthwiseConvolution(x as Tensor4D, w as Tensor4D, b as Tensor1D, {
              strides: [stride, stride],
              dilations: [1, 1],
              padding: rest.padding,
              activation: rest.activation,
            });
          await expectAgreement(backend, shapes, actual as never, reference as never, drawSixteenth);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('gives the same results as the cpu engine for max pooling with any window, stride and padding', async () => {
    await fc.assert(
      fc.asyncProperty(geometry, async ({ batch, height, width, channels, kernel, strides, padding }) => {
        const pool = (x: Tensor) => tf.maxPool(x as Tensor4D, kernel, strides, padding);
        await expectAgreement(backend, [[batch, height, width, channels]], pool as never);
      }),
      { numRuns: 40 },
    );
  });

  test('gives the same results as the cpu engine for a depthwise convolution of many channels', async () => {
    const sizes = fc.record({
      batch: upTo(5),
      height: fc.integer({ min: 3, max: 9 }),
      width: fc.integer({ min: 3, max: 9 }),
      channels: fc.constantFrom(16, 17, 24, 35, 36),
      kernel: fc.tuple(upTo(5), upTo(5)),
      stride: upTo(3),
      dilation: upTo(2),
      padding: fc.constantFrom('valid' as const, 'same' as const),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ batch, height, width, channels, kernel, padding, ...rest }) => {
        const [stride, dilation] = rest.stride === 1 ? [1, rest.dilation] : [rest.stride, 1];
        fc.pre(padding === 'same' || Math.max(...kernel) * dilation <= Math.min(height, width));
        const shapes = [
          [batch, height, width, channels],
          [...kernel, channels, 1],
        ];
        // The cpu engine ignores the dilation in the gradients of a depthwise convolution.
        const reference = (x: Tensor, w: Tensor) =>
          tf.depthwiseConv2d(
            x as Tensor4D,
            insertFilterZeros(w as Tensor4D, dilation!, dilation!),
            [stride!, stride!],
            padding,
          );
        const actual = (x: Tensor, w: Tensor) =>
          depthwiseConvolution(x as Tensor4D, w as Tensor4D, undefined, {
            strides: [stride!, stride!],
            dilations: [dilation!, dilation!],
            padding,
            activation: 'linear',
          });
        await expectAgreement(backend, shapes, actual as never, reference as never);
      }),
      { numRuns: 40 },
    );
  });

  test('gives the same results as the cpu engine for sums over the first axes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(upTo(12), { minLength: 1, maxLength: 4 }),
        upTo(4),
        fc.boolean(),
        async (shape, axes, keepDims) => {
          const leading = Array.from({ length: Math.min(axes, shape.length) }, (_, i) => i);
          await expectAgreement(backend, [shape], ((x: Tensor) => tf.sum(x, leading, keepDims)) as never);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('gives the same results as the cpu engine for comparisons with a scalar, logical and, selections and the gradient of clipping', async () => {
    const sizes = fc.oneof(
      { arbitrary: upTo(70), weight: 4 },
      { arbitrary: fc.integer({ min: 16_000, max: 40_000 }), weight: 1 },
    );
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(100), async (size, seed) => {
        const compute = () =>
          tf.tidy(() => {
            const [x, y] = [seed, seed + 1].map((number) => {
              // Multiples of 1/16, so that some values are equal to the bounds.
              const values = createNoise(number, [size], drawSixteenth);
              values[seed % size] = Number.NaN;
              return tf.tensor1d(values);
            }) as [Tensor1D, Tensor1D];
            const [low, high] = [tf.greaterEqual(x, -0.25), tf.lessEqual(x, 0.5)];
            const clipped = tf.grad((values) => tf.clipByValue(values as Tensor1D, -0.25, 0.5))(x, y);
            const results = [low, high, tf.logicalAnd(low, high), tf.where(low, x, y), clipped];
            return results.map((result) => [result.dtype, Array.from(result.dataSync())]);
          });
        await tf.setBackend('cpu');
        const expected = compute();
        await tf.setBackend(backend);
        expect(compute()).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });

  test('gives the same results as the cpu engine for slices, parts, reversed axes and copies of tensors of any type', async () => {
    const regions = fc.array(fc.tuple(fc.nat(3), upTo(4), fc.nat(3)), { minLength: 1, maxLength: 5 });
    const types = fc.constantFrom('float32' as const, 'int32' as const, 'bool' as const);
    await fc.assert(
      fc.asyncProperty(regions, types, fc.nat(4), async (axes, type, number) => {
        const shape = axes.map(([before, size, after]) => before + size + after);
        const splitAxis = number % shape.length;
        const compute = () =>
          tf.tidy(() => {
            const noise = tf.tensor(createNoise(number, shape), shape);
            // The stock kernel of tf.cast to bool keeps values other than 0 and 1.
            const x = type === 'bool' ? tf.greater(noise, 0) : tf.cast(tf.mul(noise, 9), type);
            const slice = tf.slice(
              x,
              axes.map(([before]) => before),
              axes.map(([, size]) => size),
            );
            const leading = Array.from({ length: splitAxis + 1 }, (_, axis) => axis);
            const parts = tf.split(x, axes[splitAxis]!, splitAxis);
            const results = [slice, ...parts, tf.reverse(x, leading), tf.clone(x)];
            return results.map((result) => [result.dtype, result.shape, Array.from(result.dataSync())]);
          });
        await tf.setBackend('cpu');
        const expected = compute();
        await tf.setBackend(backend);
        const { numTensors, numDataBuffers } = tf.memory();
        expect(compute()).toEqual(expected);
        expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers });
      }),
      { numRuns: 40 },
    );
  });

  test('gives the results that the definition of batch normalization requires', async () => {
    await fc.assert(
      fc.asyncProperty(upTo(5), fc.integer({ min: 2, max: 16 }), upTo(40), async (batch, side, channels) => {
        const shapes = [[batch, side, side, channels], [channels], [channels]];
        const reference = (x: Tensor, gamma: Tensor, beta: Tensor) => {
          const { mean, variance } = tf.moments(x, [0, 1, 2]);
          return tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-3))), gamma), beta);
        };
        const actual = (x: Tensor, gamma: Tensor, beta: Tensor) => {
          const { y, mean, variance } = batchNormTraining(x, gamma, beta, 1e-3);
          tf.dispose([mean, variance]);
          return y;
        };
        await expectAgreement(backend, shapes, actual as never, reference as never);
      }),
      { numRuns: 30 },
    );
  });
}

/** Returns the filter with `rows - 1` and `columns - 1` zeros between its rows and columns. */
function insertFilterZeros(w: Tensor4D, rows: number, columns: number): Tensor4D {
  const [h, v] = w.shape;
  const parts: Tensor4D[] = [];
  for (let i = 0; i < h; i++) {
    const line: Tensor4D[] = [];
    for (let j = 0; j < v; j++) {
      const one = tf.slice(w, [i, j, 0, 0], [1, 1, -1, -1]);
      const down = i < h - 1 ? rows - 1 : 0;
      const right = j < v - 1 ? columns - 1 : 0;
      line.push(
        tf.pad(one, [
          [0, down],
          [0, right],
          [0, 0],
          [0, 0],
        ]),
      );
    }
    parts.push(tf.concat(line, 1));
  }
  return tf.concat(parts, 0);
}
