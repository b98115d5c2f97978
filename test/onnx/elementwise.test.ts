import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { CLOSE, eighths, integers, shape, shapePair, truths } from './numbers.js';
import { disagreement } from './run.js';

type One = (x: tf.Tensor) => tf.Tensor;
type Two = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

beforeAll(() => tf.setBackend('cpu'));

/** Of one input: domain in which it is defined. */
const everywhere: Record<string, One> = {
  ...pick(['relu', 'relu6', 'elu', 'selu', 'sigmoid', 'softplus', 'erf', 'exp', 'expm1', 'neg', 'abs']),
  ...pick(['floor', 'ceil', 'round', 'sign', 'square', 'sin', 'cos', 'atan', 'sinh', 'cosh', 'asinh']),
  step: (x) => tf.step(x, 0.3),
  leakyRelu: (x) => tf.leakyRelu(x, 0.3),
  clipByValue: (x) => tf.clipByValue(x, -0.5, 0.75),
  swish: (x) => tf.mul(x, tf.sigmoid(x)),
  mish: (x) => tf.mul(x, tf.tanh(tf.softplus(x))),
  hardSigmoid: (x) => tf.clipByValue(tf.add(tf.mul(x, 0.2), 0.5), 0, 1),
  logSigmoid: tf.logSigmoid,
  cube: (x) => tf.pow(x, 3),
  zerosLike: tf.zerosLike,
  onesLike: tf.onesLike,
};
const within: Record<string, readonly [One, number, number]> = {
  // Farther out the gradients are what rounding leaves of a difference.
  tanh: [tf.tanh, -2, 2],
  gelu: [(x) => tf.mul(x, tf.mul(0.5, tf.add(1, tf.erf(tf.div(x, Math.SQRT2))))), -2, 2],
  log: [tf.log, 0.125, 3],
  log1p: [tf.log1p, -0.875, 3],
  sqrt: [tf.sqrt, 0.125, 3],
  rsqrt: [tf.rsqrt, 0.125, 3],
  reciprocal: [tf.reciprocal, 0.125, 3],
  tan: [tf.tan, -1.25, 1.25],
  asin: [tf.asin, -0.875, 0.875],
  acos: [tf.acos, -0.875, 0.875],
  acosh: [tf.acosh, 1.125, 3],
  atanh: [tf.atanh, -0.875, 0.875],
};

function pick<F = One>(names: readonly (keyof typeof tf)[]): Record<string, F> {
  const functions = tf as unknown as Record<string, F>;
  return Object.fromEntries(names.map((name) => [name, functions[name]!]));
}

const cases = [
  ...Object.entries(everywhere).map(([name, f]) => [name, f, -3, 3] as const),
  ...Object.entries(within).map(([name, [f, min, max]]) => [name, f, min, max] as const),
];

test.each(cases)('%s and its gradient', async (_, f, min, max) => {
  const given = shape.chain((size) => fc.tuple(eighths(size, min, max), eighths(size)));
  await fc.assert(
    fc.asyncProperty(given, async ([x, dy]) => {
      expect(await disagreement(f, x)).toBeLessThan(CLOSE);
      expect(await disagreement((v, d) => tf.grad(f)(v, d), x, dy)).toBeLessThan(CLOSE);
    }),
    { numRuns: 8 },
  );
});

test('prelu, its gradient in both inputs', async () => {
  const given = shape.chain((size) =>
    fc.nat(size.length - 1).chain((cut) => fc.tuple(eighths(size), eighths(size.slice(cut)))),
  );
  await fc.assert(
    fc.asyncProperty(given, async ([x, alpha]) => {
      expect(await disagreement(tf.prelu, x, alpha)).toBeLessThan(CLOSE);
      expect(await disagreement((...both) => tf.grads(tf.prelu)(both), x, alpha)).toBeLessThan(CLOSE);
    }),
    { numRuns: 20 },
  );
});

describe('of two tensors broadcast to each other', () => {
  const smooth: Record<string, Two> = {
    add: tf.add,
    sub: tf.sub,
    mul: tf.mul,
    maximum: tf.maximum,
    minimum: tf.minimum,
    squaredDifference: tf.squaredDifference,
    addN: (a, b) => tf.addN([tf.mul(a, b), tf.add(a, b)]),
  };
  const positive: Record<string, Two> = {
    div: tf.div,
    divNoNan: tf.divNoNan,
    pow: tf.pow,
    mod: tf.mod,
    atan2: tf.atan2,
  };
  /** Whose gradients TensorFlow.js does not sum over what was broadcast, and then refuses. */
  const unbroadcast = new Set<Two>([tf.maximum, tf.minimum, tf.squaredDifference]);
  const all = [
    ...Object.entries(smooth).map(([name, f]) => [name, f, -3] as const),
    ...Object.entries(positive).map(([name, f]) => [name, f, 0.125] as const),
  ];
  test.each(all)('%s and its gradient', async (_, f, min) => {
    const given = shapePair.chain(([a, b]) => fc.tuple(eighths(a, min), eighths(b, min)));
    await fc.assert(
      fc.asyncProperty(given, async ([a, b]) => {
        expect(await disagreement(f, a, b)).toBeLessThan(CLOSE);
        if (f === tf.divNoNan) return; // its comparison has no gradient in TensorFlow.js
        const same = tf.add(b, tf.zerosLike(a));
        const both = unbroadcast.has(f) ? [tf.add(a, tf.zerosLike(b)), same] : [a, b];
        expect(await disagreement((...pair) => tf.grads(f)(pair), ...both)).toBeLessThan(CLOSE);
      }),
      { numRuns: 12 },
    );
  });

  const exact: Record<string, Two> = {
    ...pick<Two>(['mod', 'floorDiv', 'atan2', 'equal', 'notEqual']),
    ...pick<Two>(['less', 'lessEqual', 'greater', 'greaterEqual']),
    'zero or not': (a, b) => tf.cast(tf.sub(a, b), 'bool'),
  };
  test.each(Object.entries(exact))('%s of numbers of any sign, also whole ones', async (name, f) => {
    const given = shapePair.chain(([a, b]) =>
      fc.oneof(fc.tuple(eighths(a), eighths(b)), fc.tuple(integers(a), integers(b))),
    );
    await fc.assert(
      fc.asyncProperty(given, async ([a, b]) => {
        // The rest of a division by 0 is not a number in the one and an error of int32 in the other.
        const divisor = /mod|floorDiv/.test(name) ? tf.where(tf.equal(b, 0), tf.onesLike(b), b) : b;
        expect(await disagreement(f, a, divisor)).toBeLessThan(CLOSE);
      }),
      { numRuns: 20 },
    );
  });

  test('truths, and what they choose', async () => {
    const given = shape.chain((size) => fc.tuple(truths(size), truths(size), eighths(size)));
    await fc.assert(
      fc.asyncProperty(given, async ([a, b, x]) => {
        for (const f of [tf.logicalAnd, tf.logicalOr, tf.logicalXor])
          expect(await disagreement(f, a, b)).toBe(0);
        expect(await disagreement(tf.logicalNot, a)).toBe(0);
        expect(await disagreement((c, v) => tf.where(c, v, tf.neg(v)), a, x)).toBe(0);
        expect(await disagreement((c, v) => tf.mul(tf.cast(c, 'float32'), v), a, x)).toBe(0);
      }),
      { numRuns: 20 },
    );
  });
});

test('whole numbers stay whole: casts cut, powers and halves too', async () => {
  const given = shape.chain((size) => fc.tuple(eighths(size), integers(size), integers(size, -2, 3)));
  await fc.assert(
    fc.asyncProperty(given, async ([x, a, b]) => {
      expect(await disagreement((v) => tf.cast(v, 'int32'), x)).toBe(0);
      expect(await disagreement((v) => tf.cast(v, 'bool'), x)).toBe(0);
      expect(await disagreement((v) => tf.cast(v, 'bool'), a)).toBe(0);
      expect(await disagreement((v) => tf.square(tf.neg(v)), a)).toBe(0);
      const base = tf.where(tf.equal(a, 0), tf.onesLike(a), a);
      expect(await disagreement(tf.pow, base, b)).toBe(0);
    }),
    { numRuns: 30 },
  );
});

test('what is not a number, or has no end', async () => {
  const odd = tf.tensor([Number.NaN, 1, Infinity, 0, -Infinity, -2.5]);
  for (const f of [tf.isNaN, tf.isInf, tf.isFinite, tf.relu, tf.abs, tf.sigmoid, tf.zerosLike, tf.onesLike]) {
    expect(await disagreement(f, odd)).toBeLessThan(CLOSE);
  }
  expect(
    await disagreement((x) => tf.cast(tf.where(tf.isFinite(x), x, tf.fill([6], Number.NaN)), 'int32'), odd),
  ).toBe(0);
  const positive = tf.tensor([0, Infinity, 1e-8, 1e-4, 3e7, 40]);
  // Largest first: a small number must be right by itself, not only beside a large one.
  for (const f of [tf.log1p, tf.expm1]) {
    for (const at of [0, 2, 3, 5])
      expect(await disagreement((x) => f(tf.slice(x, at, 1)), positive)).toBeLessThan(CLOSE);
  }
  const small = await disagreement((x) => tf.mul(tf.log1p(x), 1e8), tf.tensor([1e-8, -1e-8, 3e-8]));
  expect(small).toBeLessThan(CLOSE);
});
