import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadWasmBackend } from '../../src/tensor/backends/wasmBackend.js';
import { setSimdEnabled } from '../../src/tensor/kernels/simd/simdKernels.js';
import { kernelLaws } from './kernelLaws.js';

beforeAll(() => loadWasmBackend());

describe.each([
  ['with SIMD loops', true],
  ['without SIMD loops', false],
])('the wasm engine %s', (_, simd) => {
  beforeAll(() => setSimdEnabled(simd));
  afterAll(() => setSimdEnabled(true));
  kernelLaws('wasm');
});

describe('tf.sum over all elements on the wasm engine', () => {
  const computeSum = (x: tf.Tensor, keepDims: boolean) =>
    tf.tidy(() => {
      const sum = tf.sum(x, undefined, keepDims);
      return { shape: sum.shape, value: sum.dataSync()[0]! };
    });

  test('sums a tensor of any shape in double precision and rounds only once', () =>
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 4 }),
        fc.boolean(),
        (shape, keepDims) => {
          const size = shape.reduce((product, side) => product * side, 1);
          const numbers = Float32Array.from({ length: size }, (_, i) => Math.sin(i + size) * 10 ** (i % 7));
          const { shape: out, value } = computeSum(tf.tensor(numbers, shape), keepDims);
          expect(out).toEqual(keepDims ? shape.map(() => 1) : []);
          expect(value).toBe(Math.fround(numbers.reduce((sum, x) => sum + x, 0)));
        },
      ),
    ));

  test('sums 262,144 squares exactly', () => {
    const numbers = Float32Array.from({ length: 2048 * 128 }, (_, i) => ((i * 7919) % 1000) / 1e5);
    const squares = numbers.map((x) => x * x);
    const exact = squares.reduce((sum, x) => sum + x, 0);
    const x = tf.tensor(numbers, [2048, 128]);
    expect(computeSum(tf.square(x), false).value).toBe(Math.fround(exact));
  });
});
