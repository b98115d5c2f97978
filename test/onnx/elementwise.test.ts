import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { booleans, CLOSE, eighths, integers, shape, shapePair } from './arbitraries.js';
import { measureDifference } from './runOnnx.js';

type UnaryOperation = (x: tf.Tensor) => tf.Tensor;
type BinaryOperation = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

beforeAll(() => tf.setBackend('cpu'));

/** Operations that are defined for every number. */
const everywhere: Record<string, UnaryOperation> = {
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
/** Operations and the range in which they are defined. */
const inRange: Record<string, readonly [UnaryOperation, number, number]> = {
  // Outside of this range the gradients of tanh and gelu are only rounding errors.
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

function pick<F = UnaryOperation>(names: readonly (keyof typeof tf)[]): Record<string, F> {
  const functions = tf as unknown as Record<string, F>;
  return Object.fromEntries(names.map((name) => [name, functions[name]!]));
}

const cases = [
  ...Object.entries(everywhere).map(([name, f]) => [name, f, -3, 3] as const),
  ...Object.entries(inRange).map(([name, [f, min, max]]) => [name, f, min, max] as const),
];

test.each(cases)(
  '%s and its gradient give the same results in ONNX Runtime as in TensorFlow.js',
  async (_, f, min, max) => {
    const inputs = shape.chain((size) => fc.tuple(eighths(size, min, max), eighths(size)));
    await fc.assert(
      fc.asyncProperty(inputs, async ([x, dy]) => {
        expect(await measureDifference(f, x)).toBeLessThan(CLOSE);
        expect(await measureDifference((v, d) => tf.grad(f)(v, d), x, dy)).toBeLessThan(CLOSE);
      }),
      { numRuns: 8 },
    );
  },
);

test('prelu and its gradients with respect to both inputs give the same results in ONNX Runtime as in TensorFlow.js', async () => {
  const inputs = shape.chain((size) =>
    fc.nat(size.length - 1).chain((cut) => fc.tuple(eighths(size), eighths(size.slice(cut)))),
  );
  await fc.assert(
    fc.asyncProperty(inputs, async ([x, alpha]) => {
      expect(await measureDifference(tf.prelu, x, alpha)).toBeLessThan(CLOSE);
      expect(await measureDifference((...both) => tf.grads(tf.prelu)(both), x, alpha)).toBeLessThan(CLOSE);
    }),
    { numRuns: 20 },
  );
});

describe('element-wise operations with two or more inputs', () => {
  const smooth: Record<string, BinaryOperation> = {
    add: tf.add,
    sub: tf.sub,
    mul: tf.mul,
    maximum: tf.maximum,
    minimum: tf.minimum,
    squaredDifference: tf.squaredDifference,
    addN: (a, b) => tf.addN([tf.mul(a, b), tf.add(a, b)]),
  };
  const positive: Record<string, BinaryOperation> = {
    div: tf.div,
    divNoNan: tf.divNoNan,
    pow: tf.pow,
    mod: tf.mod,
    atan2: tf.atan2,
  };
  /** Operations whose gradients TensorFlow.js fails to sum over broadcast axes, so that it rejects their shapes. */
  const withoutBroadcastGradient = new Set<BinaryOperation>([tf.maximum, tf.minimum, tf.squaredDifference]);
  const operations = [
    ...Object.entries(smooth).map(([name, f]) => [name, f, -3] as const),
    ...Object.entries(positive).map(([name, f]) => [name, f, 0.125] as const),
  ];
  test.each(operations)(
    'give the same results and gradients in ONNX Runtime as in TensorFlow.js for broadcast shapes: %s',
    async (_, f, min) => {
      const inputs = shapePair.chain(([a, b]) => fc.tuple(eighths(a, min), eighths(b, min)));
      await fc.assert(
        fc.asyncProperty(inputs, async ([a, b]) => {
          expect(await measureDifference(f, a, b)).toBeLessThan(CLOSE);
          if (f === tf.divNoNan) return; // The operation contains a comparison, which has no gradient in TensorFlow.js.
          const fullB = tf.add(b, tf.zerosLike(a));
          const operands = withoutBroadcastGradient.has(f) ? [tf.add(a, tf.zerosLike(b)), fullB] : [a, b];
          expect(await measureDifference((...pair) => tf.grads(f)(pair), ...operands)).toBeLessThan(CLOSE);
        }),
        { numRuns: 12 },
      );
    },
  );

  const exact: Record<string, BinaryOperation> = {
    ...pick<BinaryOperation>(['mod', 'floorDiv', 'atan2', 'equal', 'notEqual']),
    ...pick<BinaryOperation>(['less', 'lessEqual', 'greater', 'greaterEqual']),
    'cast to bool': (a, b) => tf.cast(tf.sub(a, b), 'bool'),
  };
  test.each(Object.entries(exact))(
    'give the same results in ONNX Runtime as in TensorFlow.js for floats and integers of any sign: %s',
    async (name, f) => {
      const inputs = shapePair.chain(([a, b]) =>
        fc.oneof(fc.tuple(eighths(a), eighths(b)), fc.tuple(integers(a), integers(b))),
      );
      await fc.assert(
        fc.asyncProperty(inputs, async ([a, b]) => {
          // The remainder of a division by 0 is NaN for floats, and an error for int32.
          const divisor = /mod|floorDiv/.test(name) ? tf.where(tf.equal(b, 0), tf.onesLike(b), b) : b;
          expect(await measureDifference(f, a, divisor)).toBeLessThan(CLOSE);
        }),
        { numRuns: 20 },
      );
    },
  );

  test('give the same results in ONNX Runtime as in TensorFlow.js: logical operations and tf.where', async () => {
    const inputs = shape.chain((size) => fc.tuple(booleans(size), booleans(size), eighths(size)));
    await fc.assert(
      fc.asyncProperty(inputs, async ([a, b, x]) => {
        for (const f of [tf.logicalAnd, tf.logicalOr, tf.logicalXor])
          expect(await measureDifference(f, a, b)).toBe(0);
        expect(await measureDifference(tf.logicalNot, a)).toBe(0);
        expect(await measureDifference((c, v) => tf.where(c, v, tf.neg(v)), a, x)).toBe(0);
        expect(await measureDifference((c, v) => tf.mul(tf.cast(c, 'float32'), v), a, x)).toBe(0);
      }),
      { numRuns: 20 },
    );
  });
});

test('casts to integers and operations on int32 give the same results in ONNX Runtime as in TensorFlow.js', async () => {
  const inputs = shape.chain((size) => fc.tuple(eighths(size), integers(size), integers(size, -2, 3)));
  await fc.assert(
    fc.asyncProperty(inputs, async ([x, a, b]) => {
      expect(await measureDifference((v) => tf.cast(v, 'int32'), x)).toBe(0);
      expect(await measureDifference((v) => tf.cast(v, 'bool'), x)).toBe(0);
      expect(await measureDifference((v) => tf.cast(v, 'bool'), a)).toBe(0);
      expect(await measureDifference((v) => tf.square(tf.neg(v)), a)).toBe(0);
      const base = tf.where(tf.equal(a, 0), tf.onesLike(a), a);
      expect(await measureDifference(tf.pow, base, b)).toBe(0);
    }),
    { numRuns: 30 },
  );
});

test('operations on NaN, infinities and very small numbers give the same results in ONNX Runtime as in TensorFlow.js', async () => {
  const notFinite = tf.tensor([Number.NaN, 1, Infinity, 0, -Infinity, -2.5]);
  for (const f of [tf.isNaN, tf.isInf, tf.isFinite, tf.relu, tf.abs, tf.sigmoid, tf.zerosLike, tf.onesLike]) {
    expect(await measureDifference(f, notFinite)).toBeLessThan(CLOSE);
  }
  expect(
    await measureDifference(
      (x) => tf.cast(tf.where(tf.isFinite(x), x, tf.fill([6], Number.NaN)), 'int32'),
      notFinite,
    ),
  ).toBe(0);
  const positive = tf.tensor([0, Infinity, 1e-8, 1e-4, 3e7, 40]);
  // Each number is tested alone, because the tolerance is relative to the largest number in a tensor.
  for (const f of [tf.log1p, tf.expm1]) {
    for (const at of [0, 2, 3, 5])
      expect(await measureDifference((x) => f(tf.slice(x, at, 1)), positive)).toBeLessThan(CLOSE);
  }
  const small = await measureDifference((x) => tf.mul(tf.log1p(x), 1e8), tf.tensor([1e-8, -1e-8, 3e-8]));
  expect(small).toBeLessThan(CLOSE);
});
