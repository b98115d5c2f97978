import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { CLOSE, eighths, integers, shape } from './numbers.js';
import { difference, disagreement } from './run.js';

beforeAll(() => tf.setBackend('cpu'));

type One = (x: tf.Tensor) => tf.Tensor;

/** Asks whether `f` and its gradient agree, for a gradient that weighs every place otherwise. */
async function agrees(f: One, x: tf.Tensor): Promise<void> {
  expect(await disagreement(f, x)).toBe(0);
  const { shape: size } = tf.tidy(() => f(x));
  const dy = tf.tensor(
    Array.from({ length: tf.util.sizeFromShape(size) }, (_, i) => (i % 7) - 3 + i / 8),
    size,
  );
  expect(await disagreement((v, d) => tf.grad(f)(v, d), x, dy)).toBeLessThan(CLOSE);
}

const some = <T>(arbitrary: fc.Arbitrary<T>, law: (value: T) => Promise<void>, numRuns = 20) =>
  fc.assert(fc.asyncProperty(arbitrary, law), { numRuns });
/** A tensor, and numbers from 0 to below `max` for each of its axes. */
const withEach = (max: number) =>
  shape.chain((size) =>
    fc.tuple(eighths(size), fc.tuple(...size.map(() => fc.tuple(fc.nat(max - 1), fc.nat(max - 1))))),
  );

describe('shapes', () => {
  test('another shape, and axes in another order', () =>
    some(
      shape.chain((size) =>
        fc.tuple(eighths(size), fc.shuffledSubarray([...size.keys()], { minLength: size.length })),
      ),
      async ([x, order]) => {
        await agrees((v) => tf.transpose(v, order), x);
        await agrees((v) => tf.reshape(v, [-1]), x);
        await agrees((v) => tf.expandDims(v, order[0]), x);
        await agrees((v) => tf.squeeze(v), x);
      },
    ));
  test('parts joined, stacked, split and taken apart', () =>
    some(
      shape.chain((size) => fc.tuple(eighths(size), eighths(size), fc.nat(size.length - 1))),
      async ([x, y, axis]) => {
        await agrees((v) => tf.concat([v, tf.mul(v, 2), v], axis), x);
        await agrees((v) => tf.stack([v, tf.mul(v, 2)], axis), x);
        expect(await disagreement((a, b) => tf.concat([a, b], axis), x, y)).toBe(0);
        expect(await disagreement((v) => tf.unstack(v, axis), x)).toBe(0);
        const size = x.shape[axis]!;
        const parts = size > 1 ? [1, size - 1] : [1];
        expect(await disagreement((v) => tf.split(v, parts, axis), x)).toBe(0);
        if (size === 1) return; // TensorFlow.js has no gradient where there is one part
        await agrees((v) => tf.addN(tf.unstack(v, axis).map((part, i) => tf.mul(part, i + 1))), x);
        await agrees((v) => tf.concat(tf.split(v, parts, axis).reverse(), axis), x);
      },
    ));
  test('repeated and broadcast', () =>
    some(withEach(3), async ([x, times]) => {
      await agrees(
        (v) =>
          tf.tile(
            v,
            times.map(([n]) => n + 1),
          ),
        x,
      );
      await agrees((v) => tf.broadcastTo(tf.sum(v, 0, true), x.shape), x);
    }));
  test('made of none: fills, ranges, ones', async () => {
    expect(await difference((x) => tf.add(x, tf.fill([3], 0.5)), [3], Math.sin)).toBe(0);
    expect(await difference((x) => tf.add(x, tf.range(3, 9, 2)), [3], Math.sin)).toBe(0);
    expect(await difference((x) => tf.mul(x, tf.linspace(0, 1, 5)), [5], Math.sin)).toBeLessThan(CLOSE);
    expect(await difference((x) => tf.mul(tf.onesLike(x), tf.zerosLike(x)), [3], Math.sin)).toBe(0);
    expect(await difference((x) => tf.diag(tf.sum(x, 0)), [2, 3], Math.sin)).toBeLessThan(CLOSE);
  });
  test('pixels into the batch and back, and channels into pixels', () =>
    some(
      fc
        .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }), fc.nat(2))
        .chain(([a, b, pad]) =>
          fc.tuple(
            eighths([2, a * 2 + ((a - (pad % a)) % a), b * 2, 3]),
            fc.constant([a, b, pad % a] as const),
          ),
        ),
      async ([x, [a, b, pad]]) => {
        const after = (a - ((x.shape[1]! + pad) % a)) % a;
        const apart = (v: tf.Tensor) =>
          tf.spaceToBatchND(
            v,
            [a, b],
            [
              [pad, after],
              [0, 0],
            ],
          );
        await agrees(apart, x);
        await agrees(
          (v) =>
            tf.batchToSpaceND(
              apart(v),
              [a, b],
              [
                [pad, after],
                [0, 0],
              ],
            ),
          x,
        );
        const deep = tf.tile(x, [1, 1, 1, 4]);
        expect(await disagreement((v) => tf.depthToSpace(v, 2), deep)).toBe(0);
        expect(
          await disagreement((v) => tf.depthToSpace(v, 2), tf.slice(deep, [0, 0, 0, 0], [-1, -1, -1, 4])),
        ).toBe(0);
      },
    ));
});

describe('parts', () => {
  test('slices, plain and backwards', () =>
    some(withEach(4), async ([x, ends]) => {
      const begin = ends.map(([from], axis) => from % x.shape[axis]!);
      const size = ends.map(([, to], axis) => 1 + (to % (x.shape[axis]! - begin[axis]!)));
      await agrees((v) => tf.slice(v, begin, size), x);
      const axes = ends.flatMap(([from], axis) => (from % 2 ? [axis - (from > 2 ? x.rank : 0)] : []));
      if (axes.length > 0) await agrees((v) => tf.reverse(v, axes), x);
    }));
  test('strided slices with all their masks', () =>
    some(
      shape.chain((size) => {
        const each = (min: number, max: number) => fc.tuple(...size.map(() => fc.integer({ min, max })));
        const bits = fc.nat(2 ** size.length - 1);
        const stride = fc.tuple(...size.map(() => fc.constantFrom(1, 2, 3, -1, -2)));
        return fc.tuple(eighths(size), each(-4, 4), each(-5, 5), stride, bits, bits, bits);
      }),
      async ([x, begin, end, strides, beginMask, endMask, shrunk]) => {
        // An axis that is dropped must have the place that is asked for; beside strides TensorFlow.js drops the wrong numbers.
        const drop = begin.reduce((mask, from, axis) => {
          const size = x.shape[axis]!;
          const ok =
            from >= -size && from < size && strides.every((step) => step === 1) && !((beginMask >> axis) & 1);
          return ok ? mask | (shrunk & (1 << axis)) : mask;
        }, 0);
        const f = (v: tf.Tensor) => tf.stridedSlice(v, begin, end, strides, beginMask, endMask, 0, 0, drop);
        const { finalShape } = tf.slice_util.sliceInfo(
          x.shape,
          begin,
          end,
          strides,
          beginMask,
          endMask,
          0,
          0,
          drop,
        );
        // TensorFlow.js stops at some parts that hold nothing.
        if (!finalShape.includes(0)) expect(await disagreement(f, x)).toBe(0);
      },
      60,
    ));
  test('strided slices with an ellipsis and a new axis', async () => {
    const x = tf.reshape(tf.range(0, 24), [2, 3, 4]) as tf.Tensor;
    const f = (v: tf.Tensor) => tf.stridedSlice(v, [0, 0, 1], [0, 0, 3], [1, 1, 1], 0, 0, 1, 2, 0);
    expect(await disagreement(f, x)).toBe(0);
  });
  test('padding with a number, with the mirrored border, and with zeros around images', () =>
    some(withEach(3), async ([x, widths]) => {
      const inside = widths.map(
        (pair, axis) => pair.map((n) => Math.min(n, x.shape[axis]! - 1)) as [number, number],
      );
      await agrees((v) => tf.pad(v, widths, 0.5), x);
      if (x.rank > 4) return;
      await agrees((v) => tf.mirrorPad(v, inside, 'reflect'), x);
      const wide = widths.map(
        (pair, axis) => pair.map((n) => Math.min(n, x.shape[axis]!)) as [number, number],
      );
      await agrees((v) => tf.mirrorPad(v, wide, 'symmetric'), x);
    }));
  test('mirrored images', () =>
    some(
      eighths([2, 3, 4, 2]),
      async (x) => {
        expect(await disagreement((v) => tf.image.flipLeftRight(v), x)).toBe(0);
      },
      3,
    ));
});

describe('places', () => {
  test('rows by number, and the gradient that adds up what one row was used for', () =>
    some(
      shape.chain((size) =>
        fc.nat(size.length - 1).chain((axis) =>
          fc.tuple(
            eighths(size),
            shape.chain((list) => integers(list.slice(0, 2), 0, size[axis]! - 1)),
            fc.constant(axis),
          ),
        ),
      ),
      async ([x, indices, axis]) => {
        expect(await disagreement((v, i) => tf.gather(v, i, axis), x, indices)).toBe(0);
        // Of indices with several axes TensorFlow.js itself has the gradient of one axis only.
        if (indices.rank > 1) return;
        const ofIt = (v: tf.Tensor, i: tf.Tensor1D) => tf.grad((w) => tf.square(tf.gather(w, i, axis)))(v);
        expect(await disagreement(ofIt, x, indices)).toBeLessThan(CLOSE);
      },
      30,
    ));
  test('rows by number, each image its own', () =>
    some(
      fc.tuple(eighths([2, 3, 4, 2]), integers([2, 3, 2], 0, 1), fc.integer({ min: 1, max: 3 })),
      async ([x, i, axis]) => {
        for (const batch of [1, 2].filter((n) => n <= axis)) {
          expect(await disagreement((v, at) => tf.gather(v, at, axis, batch), x, i)).toBe(0);
        }
      },
    ));
  test('numbers put at places, added up where places meet, left out where there is none', () =>
    some(
      fc
        .integer({ min: 1, max: 12 })
        .chain((n) =>
          fc.tuple(integers([n], -2, 6), eighths([n, 3]), integers([n, 2], 0, 2), eighths([n, 4])),
        ),
      async ([ids, rows, pairs, updates]) => {
        const sums = (v: tf.Tensor, i: tf.Tensor) => tf.unsortedSegmentSum(v, i as tf.Tensor1D, 5);
        expect(await disagreement(sums, rows, ids)).toBeLessThan(CLOSE);
        const ofSums = (v: tf.Tensor, i: tf.Tensor) =>
          tf.grad((w) => tf.square(sums(w, tf.clipByValue(i, 0, 4))))(v);
        expect(await disagreement(ofSums, rows, ids)).toBeLessThan(CLOSE);
        expect(await disagreement((i, u) => tf.scatterND(i, u, [3, 3, 4]), pairs, updates)).toBeLessThan(
          CLOSE,
        );
        const single = (i: tf.Tensor, u: tf.Tensor) => tf.scatterND(i, tf.sum(u, 1), [3, 3]);
        expect(await disagreement(single, pairs, updates)).toBeLessThan(CLOSE);
        expect(
          await disagreement((v, i) => tf.gatherND(v, i), tf.tile(tf.slice(rows, 0, 1), [3, 1]), pairs),
        ).toBe(0);
      },
    ));
  test('numbers that replace others', () =>
    some(
      fc.tuple(
        eighths([4, 3]),
        eighths([2, 3]),
        fc.shuffledSubarray([0, 1, 2, 3], { minLength: 2, maxLength: 2 }),
      ),
      async ([x, rows, at]) => {
        const i = tf.tensor(at, [2, 1], 'int32');
        expect(await disagreement((v, places, u) => tf.tensorScatterUpdate(v, places, u), x, i, rows)).toBe(
          0,
        );
      },
    ));
  test('one-hot, of places that exist and not', () =>
    some(
      shape.chain((size) => integers(size, -2, 4)),
      async (i) => {
        expect(await disagreement((v) => tf.oneHot(v, 4), i)).toBe(0);
        expect(await disagreement((v) => tf.oneHot(v, 3, 0.9, 0.05, 'float32'), i)).toBeLessThan(CLOSE);
      },
    ));
});

describe('products', () => {
  test('of matrices, turned or not, one or many, with gradients', () =>
    some(
      fc
        .tuple(
          fc.integer({ min: 1, max: 4 }),
          fc.integer({ min: 1, max: 4 }),
          fc.integer({ min: 1, max: 4 }),
          fc.boolean(),
          fc.boolean(),
          fc.nat(2),
        )
        .chain(([n, k, m, turnA, turnB, rank]) => {
          const batch = [2, 3].slice(0, rank);
          return fc.tuple(
            eighths([...batch, ...(turnA ? [k, n] : [n, k])]),
            eighths([...batch, ...(turnB ? [m, k] : [k, m])]),
            fc.constant([turnA, turnB] as const),
          );
        }),
      async ([a, b, turns]) => {
        const f = (x: tf.Tensor, y: tf.Tensor) => tf.matMul(x, y, ...turns);
        expect(await disagreement(f, a, b)).toBeLessThan(CLOSE);
        expect(await disagreement((...both) => tf.grads(f)(both), a, b)).toBeLessThan(CLOSE);
      },
    ));
  test('with a batch on one side only, fused with every activation, and written as a sum over letters', () =>
    some(
      fc.tuple(eighths([2, 3, 4]), eighths([1, 4, 2]), eighths([2]), eighths([3, 2])),
      async ([a, b, bias, slope]) => {
        expect(await disagreement((x, y) => tf.matMul(x, y), a, b)).toBeLessThan(CLOSE);
        for (const activation of [
          'linear',
          'relu',
          'relu6',
          'elu',
          'sigmoid',
          'leakyrelu',
          'prelu',
        ] as const) {
          const fused = (x: tf.Tensor, y: tf.Tensor, z: tf.Tensor, w: tf.Tensor) =>
            tf.fused.matMul({ a: x, b: y, bias: z, activation, preluActivationWeights: w } as never);
          const flat = [tf.slice(a, 0, 1).reshape([3, 4]), b.reshape([4, 2])] as const;
          expect(await disagreement(fused, ...flat, bias, slope)).toBeLessThan(CLOSE);
        }
        const sum = (x: tf.Tensor, y: tf.Tensor) => tf.einsum('bij,cjk->bik', x, y);
        expect(await disagreement(sum, a, b)).toBeLessThan(CLOSE);
        expect(await disagreement((x) => tf.einsum('bij->bji', x), a)).toBe(0);
      },
    ));
});
