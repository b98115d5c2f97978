/** Laws of a convolutional network's kernels: `backend` gives the numbers of the plain `cpu` backend. */
import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRng, type Rng } from '../../src/core/rng.js';
import { batchNormTraining } from '../../src/tensor/batchNormalization.js';
import { convolution, depthwiseConvolution } from '../../src/tensor/convolution.js';
import { tf } from '../../src/tensor/tf.js';

// float32 sums of some hundred products, added in another order.
const TOLERANCE = 2e-4;

type Draw = (random: Rng) => number;
const anything: Draw = (random) => random.uniform(-1, 1);
/**
 * Sixteenths, whose products float32 adds up without rounding. Of other numbers a sum may, seldom, lie on the other side of a relu's
 * corner when it is added in another order: then a whole gradient is there or not, and both kernels are right.
 */
const sixteenths: Draw = (random) => random.nextInt(33) / 16 - 1;
const noise = (seed: number, shape: number[], draw = anything) => {
  const random = createRng(seed, shape.join());
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => draw(random));
};

/** Value and gradients of `f` on a backend, as plain numbers. */
async function on(
  backend: string,
  shapes: number[][],
  f: (...x: Tensor[]) => Tensor,
  draw: Draw,
): Promise<number[][]> {
  await tf.setBackend(backend);
  const inputs = shapes.map((shape, i) => tf.tensor(noise(i + 1, shape, draw), shape));
  const value = f(...inputs);
  const dy = tf.tensor(noise(99, value.shape), value.shape);
  const gradients = tf.grads(f as never)(inputs, dy);
  const numbers = [value, ...gradients].map((tensor) => Array.from(tensor.dataSync()));
  tf.dispose([...inputs, value, dy, ...gradients]);
  return numbers;
}

/** Fails unless value and gradients of `ours` on `backend` are those of `plain` on `cpu`, and nothing is left over. */
export async function agree(
  backend: string,
  shapes: number[][],
  ours: (...x: Tensor[]) => Tensor,
  plain = ours,
  draw = anything,
): Promise<void> {
  const expected = await on('cpu', shapes, plain, draw);
  const before = tf.memory().numTensors;
  const actual = await on(backend, shapes, ours, draw);
  expect(tf.memory().numTensors).toBe(before);
  actual.forEach((values, i) => {
    const largest = Math.max(1, ...expected[i]!.map(Math.abs));
    values.forEach((value, j) => {
      if (!(Math.abs(value - expected[i]![j]!) <= TOLERANCE * largest)) {
        throw new Error(`output ${i}, place ${j}: ${value} on ${backend}, ${expected[i]![j]} on cpu`);
      }
    });
  });
}

const small = (max: number) => fc.integer({ min: 1, max });
const geometry = fc.record({
  batch: small(3),
  height: fc.integer({ min: 5, max: 11 }),
  width: fc.integer({ min: 5, max: 11 }),
  // Below, at and beside the widths that a SIMD loop takes at once.
  channels: fc.constantFrom(1, 3, 4, 5, 8, 10),
  filters: fc.constantFrom(1, 3, 4, 8, 12, 16),
  kernel: fc.tuple(small(3), small(3)),
  strides: fc.tuple(small(3), small(3)),
  padding: fc.constantFrom('valid' as const, 'same' as const),
  activation: fc.constantFrom('linear' as const, 'relu' as const),
});

/** Makes a test of each law; the backend must have been loaded before they run. */
export function kernelLaws(backend: string): void {
  test('a convolution with any stride and padding', async () => {
    await fc.assert(
      fc.asyncProperty(geometry, async ({ batch, height, width, channels, filters, kernel, ...rest }) => {
        const shapes = [[batch, height, width, channels], [...kernel, channels, filters], [filters]];
        const plain = (x: Tensor, w: Tensor, b: Tensor) => {
          const y = tf.add(tf.conv2d(x as Tensor4D, w as Tensor4D, rest.strides, rest.padding), b);
          return rest.activation === 'relu' ? tf.relu(y) : y;
        };
        const ours = (x: Tensor, w: Tensor, b: Tensor) =>
          convolution(x as Tensor4D, w as Tensor4D, b as Tensor1D, { ...rest, dilations: [1, 1] });
        await agree(backend, shapes, ours as never, plain as never, sixteenths);
        await agree(backend, shapes.slice(0, 2), ((x: Tensor4D, w: Tensor4D) =>
          tf.conv2d(x, w, rest.strides, rest.padding)) as never);
      }),
      { numRuns: 60 },
    );
  });

  test('a dilated convolution, checked against the filter with its zeros written out', async () => {
    await fc.assert(
      fc.asyncProperty(geometry, small(3), small(3), async (g, dy, dx) => {
        const { batch, channels, filters, kernel, padding, activation } = g;
        const shapes = [[batch, 9, 10, channels], [...kernel, channels, filters], [filters]];
        const plain = (x: Tensor, w: Tensor, b: Tensor) => {
          const spread = spreadFilter(w as Tensor4D, dy, dx);
          const y = tf.add(tf.conv2d(x as Tensor4D, spread, 1, padding), b);
          return activation === 'relu' ? tf.relu(y) : y;
        };
        const ours = (x: Tensor, w: Tensor, b: Tensor) =>
          convolution(x as Tensor4D, w as Tensor4D, b as Tensor1D, {
            strides: [1, 1],
            dilations: [dy, dx],
            padding,
            activation,
          });
        await agree(backend, shapes, ours as never, plain as never, sixteenths);
      }),
      { numRuns: 40 },
    );
  });

  test('a depthwise convolution with any stride, padding and multiplier', async () => {
    await fc.assert(
      fc.asyncProperty(
        geometry,
        small(3),
        async ({ batch, height, width, channels, kernel, ...rest }, multiplier) => {
          const shapes = [
            [batch, height, width, channels],
            [...kernel, channels, multiplier],
            [channels * multiplier],
          ];
          const stride = rest.strides[0]; // TensorFlow.js asks for equal strides here
          const plain = (x: Tensor, w: Tensor, b: Tensor) => {
            const y = tf.add(tf.depthwiseConv2d(x as Tensor4D, w as Tensor4D, stride, rest.padding), b);
            return rest.activation === 'relu' ? tf.relu(y) : y;
          };
          const ours = (x: Tensor, w: Tensor, b: Tensor) =>
            depthwiseConvolution(x as Tensor4D, w as Tensor4D, b as Tensor1D, {
              strides: [stride, stride],
              dilations: [1, 1],
              padding: rest.padding,
              activation: rest.activation,
            });
          await agree(backend, shapes, ours as never, plain as never, sixteenths);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('max-pooling with any window, stride and padding', async () => {
    await fc.assert(
      fc.asyncProperty(geometry, async ({ batch, height, width, channels, kernel, strides, padding }) => {
        const pool = (x: Tensor) => tf.maxPool(x as Tensor4D, kernel, strides, padding);
        await agree(backend, [[batch, height, width, channels]], pool as never);
      }),
      { numRuns: 40 },
    );
  });

  test('batch normalisation, checked against its definition', async () => {
    await fc.assert(
      fc.asyncProperty(small(4), fc.integer({ min: 2, max: 6 }), small(5), async (batch, side, channels) => {
        const shapes = [[batch, side, side, channels], [channels], [channels]];
        const plain = (x: Tensor, gamma: Tensor, beta: Tensor) => {
          const { mean, variance } = tf.moments(x, [0, 1, 2]);
          return tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-3))), gamma), beta);
        };
        const ours = (x: Tensor, gamma: Tensor, beta: Tensor) => {
          const { y, mean, variance } = batchNormTraining(x, gamma, beta, 1e-3);
          tf.dispose([mean, variance]);
          return y;
        };
        await agree(backend, shapes, ours as never, plain as never);
      }),
      { numRuns: 30 },
    );
  });
}

/** The filter with `dilation - 1` zeros between its values. */
function spreadFilter(w: Tensor4D, rows: number, columns: number): Tensor4D {
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
