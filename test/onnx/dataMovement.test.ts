import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { CLOSE, eighths, integers, shape } from './arbitraries.js';
import { measureBatchDifference, measureDifference } from './runOnnx.js';

beforeAll(() => tf.setBackend('cpu'));

type UnaryOperation = (x: tf.Tensor) => tf.Tensor;

/** Checks that `f` and its gradient give the same results in ONNX Runtime as in TensorFlow.js, with a different weight for each output element. */
async function expectAgreement(f: UnaryOperation, x: tf.Tensor): Promise<void> {
  expect(await measureDifference(f, x)).toBe(0);
  const { shape: size } = tf.tidy(() => f(x));
  const dy = tf.tensor(
    Array.from({ length: tf.util.sizeFromShape(size) }, (_, i) => (i % 7) - 3 + i / 8),
    size,
  );
  expect(await measureDifference((v, d) => tf.grad(f)(v, d), x, dy)).toBeLessThan(CLOSE);
}

const checkProperty = <T>(arbitrary: fc.Arbitrary<T>, property: (value: T) => Promise<void>, numRuns = 20) =>
  fc.assert(fc.asyncProperty(arbitrary, property), { numRuns });
/** Creates an arbitrary of a tensor, and two integers below `max` for each axis of the tensor. */
const tensorWithPairs = (max: number) =>
  shape.chain((size) =>
    fc.tuple(eighths(size), fc.tuple(...size.map(() => fc.tuple(fc.nat(max - 1), fc.nat(max - 1))))),
  );

describe('shape operations', () => {
  test('give the same results in ONNX Runtime as in TensorFlow.js: transpose, reshape, expandDims and squeeze', () =>
    checkProperty(
      shape.chain((size) =>
        fc.tuple(eighths(size), fc.shuffledSubarray([...size.keys()], { minLength: size.length })),
      ),
      async ([x, order]) => {
        await expectAgreement((v) => tf.transpose(v, order), x);
        await expectAgreement((v) => tf.reshape(v, [-1]), x);
        await expectAgreement((v) => tf.expandDims(v, order[0]), x);
        await expectAgreement((v) => tf.squeeze(v), x);
      },
    ));
  test('give the same results in ONNX Runtime as in TensorFlow.js: concat, stack, unstack and split', () =>
    checkProperty(
      shape.chain((size) => fc.tuple(eighths(size), eighths(size), fc.nat(size.length - 1))),
      async ([x, y, axis]) => {
        await expectAgreement((v) => tf.concat([v, tf.mul(v, 2), v], axis), x);
        await expectAgreement((v) => tf.stack([v, tf.mul(v, 2)], axis), x);
        expect(await measureDifference((a, b) => tf.concat([a, b], axis), x, y)).toBe(0);
        expect(await measureDifference((v) => tf.unstack(v, axis), x)).toBe(0);
        const size = x.shape[axis]!;
        const parts = size > 1 ? [1, size - 1] : [1];
        expect(await measureDifference((v) => tf.split(v, parts, axis), x)).toBe(0);
        if (size === 1) return; // TensorFlow.js has no gradient for a split into a single tensor.
        await expectAgreement((v) => tf.addN(tf.unstack(v, axis).map((part, i) => tf.mul(part, i + 1))), x);
        await expectAgreement((v) => tf.concat(tf.split(v, parts, axis).reverse(), axis), x);
      },
    ));
  test('give the same results in ONNX Runtime as in TensorFlow.js: tile and broadcastTo', () =>
    checkProperty(tensorWithPairs(3), async ([x, times]) => {
      await expectAgreement(
        (v) =>
          tf.tile(
            v,
            times.map(([n]) => n + 1),
          ),
        x,
      );
      await expectAgreement((v) => tf.broadcastTo(tf.sum(v, 0, true), x.shape), x);
    }));
  test('give the same results in ONNX Runtime as in TensorFlow.js: fill, range, linspace, onesLike and diag', async () => {
    expect(await measureBatchDifference((x) => tf.add(x, tf.fill([3], 0.5)), [3], Math.sin)).toBe(0);
    expect(await measureBatchDifference((x) => tf.add(x, tf.range(3, 9, 2)), [3], Math.sin)).toBe(0);
    expect(await measureBatchDifference((x) => tf.mul(x, tf.linspace(0, 1, 5)), [5], Math.sin)).toBeLessThan(
      CLOSE,
    );
    expect(await measureBatchDifference((x) => tf.mul(tf.onesLike(x), tf.zerosLike(x)), [3], Math.sin)).toBe(
      0,
    );
    expect(await measureBatchDifference((x) => tf.diag(tf.sum(x, 0)), [2, 3], Math.sin)).toBeLessThan(CLOSE);
  });
  test('give the same results in ONNX Runtime as in TensorFlow.js: spaceToBatchND, batchToSpaceND and depthToSpace', () =>
    checkProperty(
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
        const spaceToBatch = (v: tf.Tensor) =>
          tf.spaceToBatchND(
            v,
            [a, b],
            [
              [pad, after],
              [0, 0],
            ],
          );
        await expectAgreement(spaceToBatch, x);
        await expectAgreement(
          (v) =>
            tf.batchToSpaceND(
              spaceToBatch(v),
              [a, b],
              [
                [pad, after],
                [0, 0],
              ],
            ),
          x,
        );
        const deep = tf.tile(x, [1, 1, 1, 4]);
        expect(await measureDifference((v) => tf.depthToSpace(v, 2), deep)).toBe(0);
        expect(
          await measureDifference(
            (v) => tf.depthToSpace(v, 2),
            tf.slice(deep, [0, 0, 0, 0], [-1, -1, -1, 4]),
          ),
        ).toBe(0);
      },
    ));
});

describe('slicing and padding operations', () => {
  test('give the same results in ONNX Runtime as in TensorFlow.js: slice and reverse', () =>
    checkProperty(tensorWithPairs(4), async ([x, ends]) => {
      const begin = ends.map(([from], axis) => from % x.shape[axis]!);
      const size = ends.map(([, to], axis) => 1 + (to % (x.shape[axis]! - begin[axis]!)));
      await expectAgreement((v) => tf.slice(v, begin, size), x);
      const axes = ends.flatMap(([from], axis) => (from % 2 ? [axis - (from > 2 ? x.rank : 0)] : []));
      if (axes.length > 0) await expectAgreement((v) => tf.reverse(v, axes), x);
    }));
  test('give the same results in ONNX Runtime as in TensorFlow.js: stridedSlice with any begin, end and shrink mask', () =>
    checkProperty(
      shape.chain((size) => {
        const eachAxis = (min: number, max: number) => fc.tuple(...size.map(() => fc.integer({ min, max })));
        const bits = fc.nat(2 ** size.length - 1);
        const stride = fc.tuple(...size.map(() => fc.constantFrom(1, 2, 3, -1, -2)));
        return fc.tuple(eighths(size), eachAxis(-4, 4), eachAxis(-5, 5), stride, bits, bits, bits);
      }),
      async ([x, begin, end, strides, beginMask, endMask, requestedShrinkMask]) => {
        // The index of a dropped axis must be in range. With strides other than 1, TensorFlow.js drops the wrong elements.
        const shrinkMask = begin.reduce((mask, from, axis) => {
          const size = x.shape[axis]!;
          const canShrink =
            from >= -size && from < size && strides.every((step) => step === 1) && !((beginMask >> axis) & 1);
          return canShrink ? mask | (requestedShrinkMask & (1 << axis)) : mask;
        }, 0);
        const f = (v: tf.Tensor) =>
          tf.stridedSlice(v, begin, end, strides, beginMask, endMask, 0, 0, shrinkMask);
        const { finalShape } = tf.slice_util.sliceInfo(
          x.shape,
          begin,
          end,
          strides,
          beginMask,
          endMask,
          0,
          0,
          shrinkMask,
        );
        // TensorFlow.js throws for some empty slices.
        if (!finalShape.includes(0)) expect(await measureDifference(f, x)).toBe(0);
      },
      60,
    ));
  test('give the same results in ONNX Runtime as in TensorFlow.js: stridedSlice with an ellipsis and a new axis', async () => {
    const x = tf.reshape(tf.range(0, 24), [2, 3, 4]) as tf.Tensor;
    const f = (v: tf.Tensor) => tf.stridedSlice(v, [0, 0, 1], [0, 0, 3], [1, 1, 1], 0, 0, 1, 2, 0);
    expect(await measureDifference(f, x)).toBe(0);
  });
  test('give the same results in ONNX Runtime as in TensorFlow.js: pad and mirrorPad', () =>
    checkProperty(tensorWithPairs(3), async ([x, widths]) => {
      const reflectWidths = widths.map(
        (pair, axis) => pair.map((n) => Math.min(n, x.shape[axis]! - 1)) as [number, number],
      );
      await expectAgreement((v) => tf.pad(v, widths, 0.5), x);
      if (x.rank > 4) return;
      await expectAgreement((v) => tf.mirrorPad(v, reflectWidths, 'reflect'), x);
      const symmetricWidths = widths.map(
        (pair, axis) => pair.map((n) => Math.min(n, x.shape[axis]!)) as [number, number],
      );
      await expectAgreement((v) => tf.mirrorPad(v, symmetricWidths, 'symmetric'), x);
    }));
  test('give the same results in ONNX Runtime as in TensorFlow.js: flipLeftRight', () =>
    checkProperty(
      eighths([2, 3, 4, 2]),
      async (x) => {
        expect(await measureDifference((v) => tf.image.flipLeftRight(v), x)).toBe(0);
      },
      3,
    ));
});

describe('gather and scatter operations', () => {
  test('give the same results in ONNX Runtime as in TensorFlow.js: gather and its gradient, with repeated indices', () =>
    checkProperty(
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
        expect(await measureDifference((v, i) => tf.gather(v, i, axis), x, indices)).toBe(0);
        // The gradient of TensorFlow.js is wrong for indices with more than one axis.
        if (indices.rank > 1) return;
        const gradient = (v: tf.Tensor, i: tf.Tensor1D) =>
          tf.grad((w) => tf.square(tf.gather(w, i, axis)))(v);
        expect(await measureDifference(gradient, x, indices)).toBeLessThan(CLOSE);
      },
      30,
    ));
  test('give the same results in ONNX Runtime as in TensorFlow.js: gather with batch dimensions', () =>
    checkProperty(
      fc.tuple(eighths([2, 3, 4, 2]), integers([2, 3, 2], 0, 1), fc.integer({ min: 1, max: 3 })),
      async ([x, indices, axis]) => {
        for (const batchDims of [1, 2].filter((n) => n <= axis)) {
          expect(await measureDifference((v, i) => tf.gather(v, i, axis, batchDims), x, indices)).toBe(0);
        }
      },
    ));
  test('give the same results in ONNX Runtime as in TensorFlow.js: unsortedSegmentSum, scatterND and gatherND, with repeated and missing indices', () =>
    checkProperty(
      fc
        .integer({ min: 1, max: 12 })
        .chain((n) =>
          fc.tuple(integers([n], -2, 6), eighths([n, 3]), integers([n, 2], 0, 2), eighths([n, 4])),
        ),
      async ([ids, rows, pairs, updates]) => {
        const sums = (v: tf.Tensor, i: tf.Tensor) => tf.unsortedSegmentSum(v, i as tf.Tensor1D, 5);
        expect(await measureDifference(sums, rows, ids)).toBeLessThan(CLOSE);
        const gradient = (v: tf.Tensor, i: tf.Tensor) =>
          tf.grad((w) => tf.square(sums(w, tf.clipByValue(i, 0, 4))))(v);
        expect(await measureDifference(gradient, rows, ids)).toBeLessThan(CLOSE);
        expect(await measureDifference((i, u) => tf.scatterND(i, u, [3, 3, 4]), pairs, updates)).toBeLessThan(
          CLOSE,
        );
        const scatterScalars = (i: tf.Tensor, u: tf.Tensor) => tf.scatterND(i, tf.sum(u, 1), [3, 3]);
        expect(await measureDifference(scatterScalars, pairs, updates)).toBeLessThan(CLOSE);
        expect(
          await measureDifference((v, i) => tf.gatherND(v, i), tf.tile(tf.slice(rows, 0, 1), [3, 1]), pairs),
        ).toBe(0);
      },
    ));
  test('give the same results in ONNX Runtime as in TensorFlow.js: tensorScatterUpdate', () =>
    checkProperty(
      fc.tuple(
        eighths([4, 3]),
        eighths([2, 3]),
        fc.shuffledSubarray([0, 1, 2, 3], { minLength: 2, maxLength: 2 }),
      ),
      async ([x, rows, rowIndices]) => {
        const indices = tf.tensor(rowIndices, [2, 1], 'int32');
        expect(await measureDifference((v, i, u) => tf.tensorScatterUpdate(v, i, u), x, indices, rows)).toBe(
          0,
        );
      },
    ));
  test('give the same results in ONNX Runtime as in TensorFlow.js: oneHot with indices in and out of range', () =>
    checkProperty(
      shape.chain((size) => integers(size, -2, 4)),
      async (indices) => {
        expect(await measureDifference((v) => tf.oneHot(v, 4), indices)).toBe(0);
        expect(await measureDifference((v) => tf.oneHot(v, 3, 0.9, 0.05, 'float32'), indices)).toBeLessThan(
          CLOSE,
        );
      },
    ));
});

describe('matrix products', () => {
  test('give the same results in ONNX Runtime as in TensorFlow.js: matMul and its gradients, with and without batch axes and transposes', () =>
    checkProperty(
      fc
        .tuple(
          fc.integer({ min: 1, max: 4 }),
          fc.integer({ min: 1, max: 4 }),
          fc.integer({ min: 1, max: 4 }),
          fc.boolean(),
          fc.boolean(),
          fc.nat(2),
        )
        .chain(([n, k, m, transposeA, transposeB, rank]) => {
          const batch = [2, 3].slice(0, rank);
          return fc.tuple(
            eighths([...batch, ...(transposeA ? [k, n] : [n, k])]),
            eighths([...batch, ...(transposeB ? [m, k] : [k, m])]),
            fc.constant([transposeA, transposeB] as const),
          );
        }),
      async ([a, b, transposes]) => {
        const f = (x: tf.Tensor, y: tf.Tensor) => tf.matMul(x, y, ...transposes);
        expect(await measureDifference(f, a, b)).toBeLessThan(CLOSE);
        expect(await measureDifference((...both) => tf.grads(f)(both), a, b)).toBeLessThan(CLOSE);
      },
    ));
  test('give the same results in ONNX Runtime as in TensorFlow.js: matMul with broadcasting, fused matMul with every activation, and einsum', () =>
    checkProperty(
      fc.tuple(eighths([2, 3, 4]), eighths([1, 4, 2]), eighths([2]), eighths([3, 2])),
      async ([a, b, bias, slope]) => {
        expect(await measureDifference((x, y) => tf.matMul(x, y), a, b)).toBeLessThan(CLOSE);
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
          expect(await measureDifference(fused, ...flat, bias, slope)).toBeLessThan(CLOSE);
        }
        const sum = (x: tf.Tensor, y: tf.Tensor) => tf.einsum('bij,cjk->bik', x, y);
        expect(await measureDifference(sum, a, b)).toBeLessThan(CLOSE);
        expect(await measureDifference((x) => tf.einsum('bij->bji', x), a)).toBe(0);
      },
    ));
});
