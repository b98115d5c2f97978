import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { booleans, CLOSE, eighths, integers, shape } from './arbitraries.js';
import { measureDifference } from './runOnnx.js';

beforeAll(() => tf.setBackend('cpu'));

type Reduce = (x: tf.Tensor, axis: number[], keepDims: boolean) => tf.Tensor;

/** Arbitrary pairs of a shape and some axes of the shape, counted from the start or from the end. */
const axes = shape.chain((size) =>
  fc
    .tuple(fc.constant(size), fc.subarray([...size.keys()], { minLength: 1 }), fc.boolean())
    .map(
      ([size, list, isNegative]) =>
        [size, list.map((axis) => (isNegative ? axis - size.length : axis))] as const,
    ),
);

const smooth: Record<string, Reduce> = {
  sum: tf.sum,
  mean: tf.mean,
  max: tf.max,
  min: tf.min,
  prod: tf.prod,
  norm: (x, axis, keepDims) => tf.sqrt(tf.add(1, tf.sum(tf.square(x), axis, keepDims))),
  variance: (x, axis, keepDims) => tf.moments(x, axis, keepDims).variance,
  logSumExp: tf.logSumExp,
};
test.each(Object.entries(smooth))(
  '%s over any axes, and its gradient, give the same results in ONNX Runtime as in TensorFlow.js',
  async (_, reduce) => {
    const inputs = axes.chain(([size, axis]) => fc.tuple(eighths(size), fc.constant(axis), fc.boolean()));
    await fc.assert(
      fc.asyncProperty(inputs, async ([x, axis, keepDims]) => {
        const f = (v: tf.Tensor) => reduce(v, axis, keepDims);
        expect(await measureDifference(f, x)).toBeLessThan(CLOSE);
        // TensorFlow.js supports the gradient of prod only over a single axis that is counted from the start.
        const hasNoGradient = reduce === tf.prod && (axis.length > 1 || axis[0]! < 0);
        if (!hasNoGradient) expect(await measureDifference((v) => tf.grad(f)(v), x)).toBeLessThan(CLOSE);
      }),
      { numRuns: 15 },
    );
  },
);

test('integer and boolean reductions, and reductions over all axes, give the same results in ONNX Runtime as in TensorFlow.js', async () => {
  const inputs = axes.chain(([size, axis]) =>
    fc.tuple(integers(size), booleans(size), fc.constant(axis), fc.boolean(), integers(size, -2, 2)),
  );
  await fc.assert(
    fc.asyncProperty(inputs, async ([x, condition, axis, keepDims, smallIntegers]) => {
      for (const f of [tf.sum, tf.max, tf.min]) {
        expect(await measureDifference((v) => f(v, axis, keepDims), x)).toBe(0);
        expect(await measureDifference((v) => f(v), x)).toBe(0);
      }
      // Factors up to 2, because products of larger integers are inexact in float32 and depend on the order.
      expect(await measureDifference((v) => tf.prod(v, axis, keepDims), smallIntegers)).toBe(0);
      expect(await measureDifference((v) => tf.prod(v), smallIntegers)).toBe(0);
      expect(await measureDifference((v) => tf.mean(v, axis, keepDims), x)).toBeLessThan(CLOSE);
      for (const f of [tf.all, tf.any])
        expect(await measureDifference((v) => f(v, axis, keepDims), condition)).toBe(0);
      expect(await measureDifference((v) => tf.sum(v, axis), condition)).toBe(0);
    }),
    { numRuns: 20 },
  );
});

test('argMax and argMin return the first index if several values are equal, both in ONNX Runtime and in TensorFlow.js', async () => {
  const inputs = axes.chain(([size, [axis]]) => fc.tuple(integers(size, -1, 1), fc.constant(axis!)));
  await fc.assert(
    fc.asyncProperty(inputs, async ([x, axis]) => {
      expect(await measureDifference((v) => [tf.argMax(v, axis), tf.argMin(v, axis)], x)).toBe(0);
    }),
    { numRuns: 20 },
  );
});

test('topk returns the same values and indices in ONNX Runtime as in TensorFlow.js, even if several values are equal', async () => {
  const inputs = shape.chain((size) =>
    fc.tuple(integers(size, -2, 2), fc.integer({ min: 1, max: size.at(-1)! })),
  );
  await fc.assert(
    fc.asyncProperty(inputs, async ([x, k]) => {
      const topk = (v: tf.Tensor) => {
        const { values, indices } = tf.topk(v, k);
        return [values, indices];
      };
      expect(await measureDifference(topk, x)).toBe(0);
    }),
    { numRuns: 20 },
  );
});

test('cumsum, its gradient, and cumprod give the same results in ONNX Runtime as in TensorFlow.js along any axis', async () => {
  const inputs = axes.chain(([size, [axis]]) =>
    fc.tuple(
      eighths(size),
      eighths(size),
      fc.constant((axis! + size.length) % size.length),
      fc.boolean(),
      fc.boolean(),
    ),
  );
  await fc.assert(
    fc.asyncProperty(inputs, async ([x, dy, axis, exclusive, reverse]) => {
      const sum = (v: tf.Tensor) => tf.cumsum(v, axis, exclusive, reverse);
      expect(await measureDifference(sum, x)).toBeLessThan(CLOSE);
      // Along other axes, TensorFlow.js permutes the axes of the gradient incorrectly.
      if (axis === x.rank - 1) {
        expect(await measureDifference((v, d) => tf.grad(sum)(v, d), x, dy)).toBeLessThan(CLOSE);
      }
      expect(await measureDifference((v) => tf.cumprod(v, axis, exclusive, reverse), x)).toBeLessThan(CLOSE);
    }),
    { numRuns: 25 },
  );
});

test('softmax, logSoftmax, softmax cross-entropy and their gradients give the same results in ONNX Runtime as in TensorFlow.js', async () => {
  const inputs = fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 5 }))
    .chain((size) => fc.tuple(eighths(size), eighths(size, 0, 1), eighths(size)));
  const crossEntropy = (x: tf.Tensor, labels: tf.Tensor) => tf.losses.softmaxCrossEntropy(labels, x);
  await fc.assert(
    fc.asyncProperty(inputs, async ([x, labels, dy]) => {
      for (const f of [(v: tf.Tensor) => tf.softmax(v), (v: tf.Tensor) => tf.logSoftmax(v)]) {
        expect(await measureDifference(f, x)).toBeLessThan(CLOSE);
        expect(await measureDifference((v, d) => tf.grad(f)(v, d), x, dy)).toBeLessThan(CLOSE);
      }
      expect(await measureDifference(crossEntropy, x, labels)).toBeLessThan(CLOSE);
      const gradient = (v: tf.Tensor, l: tf.Tensor) => tf.grad((w) => crossEntropy(w, l))(v);
      expect(await measureDifference(gradient, x, labels)).toBeLessThan(CLOSE);
    }),
    { numRuns: 15 },
  );
});

test('bincount and denseBincount give the same results in ONNX Runtime as in TensorFlow.js, with and without weights', async () => {
  const inputs = fc
    .integer({ min: 1, max: 9 })
    .chain((n) => fc.tuple(integers([n], 0, 6), eighths([n]), integers([2, n], 0, 6)));
  await fc.assert(
    fc.asyncProperty(inputs, async ([x, weights, rows]) => {
      expect(await measureDifference((v, w) => tf.bincount(v, w, 6), x, weights)).toBeLessThan(CLOSE);
      expect(await measureDifference((v) => tf.bincount(v, tf.tensor1d([]), 6), x)).toBe(0);
      const noWeights = tf.tensor([]) as tf.Tensor1D;
      for (const binary of [true, false]) {
        expect(await measureDifference((v) => tf.denseBincount(v, noWeights, 6, binary), rows)).toBe(0);
      }
    }),
    { numRuns: 10 },
  );
});
