import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { CLOSE, eighths, integers, shape, truths } from './numbers.js';
import { disagreement } from './run.js';

beforeAll(() => tf.setBackend('cpu'));

type Reduce = (x: tf.Tensor, axis: number[], keep: boolean) => tf.Tensor;

/** A shape and some of its axes, counted from either end. */
const axes = shape.chain((size) =>
  fc
    .tuple(fc.constant(size), fc.subarray([...size.keys()], { minLength: 1 }), fc.boolean())
    .map(([whole, list, back]) => [whole, list.map((axis) => (back ? axis - whole.length : axis))] as const),
);

const smooth: Record<string, Reduce> = {
  sum: tf.sum,
  mean: tf.mean,
  max: tf.max,
  min: tf.min,
  prod: tf.prod,
  norm: (x, axis, keep) => tf.sqrt(tf.add(1, tf.sum(tf.square(x), axis, keep))),
  variance: (x, axis, keep) => tf.moments(x, axis, keep).variance,
  logSumExp: tf.logSumExp,
};
test.each(Object.entries(smooth))('%s over any axes and its gradient', async (_, reduce) => {
  const given = axes.chain(([size, axis]) => fc.tuple(eighths(size), fc.constant(axis), fc.boolean()));
  await fc.assert(
    fc.asyncProperty(given, async ([x, axis, keep]) => {
      const f = (v: tf.Tensor) => reduce(v, axis, keep);
      expect(await disagreement(f, x)).toBeLessThan(CLOSE);
      // TensorFlow.js has the gradient of prod over one axis only, counted from the front.
      const ofProduct = reduce === tf.prod && (axis.length > 1 || axis[0]! < 0);
      if (!ofProduct) expect(await disagreement((v) => tf.grad(f)(v), x)).toBeLessThan(CLOSE);
    }),
    { numRuns: 15 },
  );
});

test('over everything, and of whole numbers and truths', async () => {
  const given = axes.chain(([size, axis]) =>
    fc.tuple(integers(size), truths(size), fc.constant(axis), fc.boolean(), integers(size, -2, 2)),
  );
  await fc.assert(
    fc.asyncProperty(given, async ([x, truth, axis, keep, few]) => {
      for (const f of [tf.sum, tf.max, tf.min]) {
        expect(await disagreement((v) => f(v, axis, keep), x)).toBe(0);
        expect(await disagreement((v) => f(v), x)).toBe(0);
      }
      // Powers of two: other products are too large to be whole in float32, and depend on their order.
      expect(await disagreement((v) => tf.prod(v, axis, keep), few)).toBe(0);
      expect(await disagreement((v) => tf.prod(v), few)).toBe(0);
      expect(await disagreement((v) => tf.mean(v, axis, keep), x)).toBeLessThan(CLOSE);
      for (const f of [tf.all, tf.any]) expect(await disagreement((v) => f(v, axis, keep), truth)).toBe(0);
      expect(await disagreement((v) => tf.sum(v, axis), truth)).toBe(0);
    }),
    { numRuns: 20 },
  );
});

test('the place of the first largest and smallest, of numbers with ties', async () => {
  const given = axes.chain(([size, [axis]]) => fc.tuple(integers(size, -1, 1), fc.constant(axis!)));
  await fc.assert(
    fc.asyncProperty(given, async ([x, axis]) => {
      expect(await disagreement((v) => [tf.argMax(v, axis), tf.argMin(v, axis)], x)).toBe(0);
    }),
    { numRuns: 20 },
  );
});

test('the largest k with their places, of numbers with ties', async () => {
  const given = shape.chain((size) =>
    fc.tuple(integers(size, -2, 2), fc.integer({ min: 1, max: size.at(-1)! })),
  );
  await fc.assert(
    fc.asyncProperty(given, async ([x, k]) => {
      const largest = (v: tf.Tensor) => {
        const { values, indices } = tf.topk(v, k);
        return [values, indices];
      };
      expect(await disagreement(largest, x)).toBe(0);
    }),
    { numRuns: 20 },
  );
});

test('cumulative sums and products along any axis, both ways, and the gradient of the sum', async () => {
  const given = axes.chain(([size, [axis]]) =>
    fc.tuple(
      eighths(size),
      eighths(size),
      fc.constant((axis! + size.length) % size.length),
      fc.boolean(),
      fc.boolean(),
    ),
  );
  await fc.assert(
    fc.asyncProperty(given, async ([x, dy, axis, exclusive, reverse]) => {
      const sum = (v: tf.Tensor) => tf.cumsum(v, axis, exclusive, reverse);
      expect(await disagreement(sum, x)).toBeLessThan(CLOSE);
      // Along another axis TensorFlow.js turns the gradient's axes the wrong way.
      if (axis === x.rank - 1) {
        expect(await disagreement((v, d) => tf.grad(sum)(v, d), x, dy)).toBeLessThan(CLOSE);
      }
      expect(await disagreement((v) => tf.cumprod(v, axis, exclusive, reverse), x)).toBeLessThan(CLOSE);
    }),
    { numRuns: 25 },
  );
});

test('softmax, its logarithm and the cross-entropy made of it, with gradients', async () => {
  const given = fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 5 }))
    .chain((size) => fc.tuple(eighths(size), eighths(size, 0, 1), eighths(size)));
  const crossEntropy = (x: tf.Tensor, labels: tf.Tensor) => tf.losses.softmaxCrossEntropy(labels, x);
  await fc.assert(
    fc.asyncProperty(given, async ([x, labels, dy]) => {
      for (const f of [(v: tf.Tensor) => tf.softmax(v), (v: tf.Tensor) => tf.logSoftmax(v)]) {
        expect(await disagreement(f, x)).toBeLessThan(CLOSE);
        expect(await disagreement((v, d) => tf.grad(f)(v, d), x, dy)).toBeLessThan(CLOSE);
      }
      expect(await disagreement(crossEntropy, x, labels)).toBeLessThan(CLOSE);
      const ofIt = (v: tf.Tensor, l: tf.Tensor) => tf.grad((w) => crossEntropy(w, l))(v);
      expect(await disagreement(ofIt, x, labels)).toBeLessThan(CLOSE);
    }),
    { numRuns: 15 },
  );
});

test('counts, with weights and without', async () => {
  const given = fc
    .integer({ min: 1, max: 9 })
    .chain((n) => fc.tuple(integers([n], 0, 6), eighths([n]), integers([2, n], 0, 6)));
  await fc.assert(
    fc.asyncProperty(given, async ([x, weights, rows]) => {
      expect(await disagreement((v, w) => tf.bincount(v, w, 6), x, weights)).toBeLessThan(CLOSE);
      expect(await disagreement((v) => tf.bincount(v, tf.tensor1d([]), 6), x)).toBe(0);
      const none = tf.tensor([]) as tf.Tensor1D;
      for (const binary of [true, false]) {
        expect(await disagreement((v) => tf.denseBincount(v, none, 6, binary), rows)).toBe(0);
      }
    }),
    { numRuns: 10 },
  );
});
