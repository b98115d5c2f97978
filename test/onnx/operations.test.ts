import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { difference } from './run.js';

beforeAll(() => tf.setBackend('cpu'));

const signed = (i: number) => Math.sin(i * 1.7 + 0.3) * 2;
const positive = (i: number) => Math.abs(signed(i)) + 0.1;
const weights = (shape: number[]) =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.cos(i * 2.3)),
    shape,
  );

type Operation = (x: tf.Tensor) => tf.Tensor;

describe('each operation is on ONNX Runtime what it is on cpu', () => {
  const unary: Record<string, Operation> = {
    relu: tf.relu,
    elu: tf.elu,
    selu: tf.selu,
    sigmoid: tf.sigmoid,
    tanh: tf.tanh,
    softplus: tf.softplus,
    erf: tf.erf,
    exp: tf.exp,
    neg: tf.neg,
    abs: tf.abs,
    floor: tf.floor,
    ceil: tf.ceil,
    sign: tf.sign,
    sin: tf.sin,
    cos: tf.cos,
    square: tf.square,
    expm1: tf.expm1,
    relu6: tf.relu6,
    softmax: (x) => tf.softmax(x),
    round: tf.round,
    leakyRelu: (x) => tf.leakyRelu(x, 0.3),
    clip: (x) => tf.clipByValue(x, -0.5, 0.7),
    prelu: (x) => tf.prelu(x, tf.scalar(0.2)),
    swish: (x) => tf.mul(x, tf.sigmoid(x)),
    addN: (x) => tf.addN([x, tf.square(x), x]),
    pow: (x) => tf.pow(x, 2),
  };
  test.each(Object.entries(unary))('%s', async (_, operation) => {
    expect(await difference(operation, [3, 4], signed)).toBeLessThan(1e-5);
  });
  const ofPositive: Record<string, Operation> = {
    log: tf.log,
    sqrt: tf.sqrt,
    rsqrt: tf.rsqrt,
    reciprocal: tf.reciprocal,
    log1p: tf.log1p,
  };
  test.each(Object.entries(ofPositive))('%s', async (_, operation) => {
    expect(await difference(operation, [3, 4], positive)).toBeLessThan(1e-5);
  });
  const binary: Record<string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor> = {
    add: tf.add,
    sub: tf.sub,
    mul: tf.mul,
    div: tf.div,
    maximum: tf.maximum,
    minimum: tf.minimum,
    squaredDifference: tf.squaredDifference,
  };
  test.each(Object.entries(binary))('%s, broadcast from either side', async (_, operation) => {
    for (const shape of [[4], [3, 1], [1], [2, 3, 4].slice(1)]) {
      expect(await difference((x) => operation(x, weights(shape)), [3, 4], positive)).toBeLessThan(1e-5);
      expect(await difference((x) => operation(weights(shape), x), [3, 4], positive)).toBeLessThan(1e-5);
    }
  });

  const reductions: Record<string, (x: tf.Tensor, axis: number[], keep: boolean) => tf.Tensor> = {
    sum: tf.sum,
    mean: tf.mean,
    max: tf.max,
    min: tf.min,
    prod: tf.prod,
  };
  test.each(Object.entries(reductions))('%s over any axes', async (_, reduce) => {
    const axes = fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(axes, fc.boolean(), async (axis, keep) => {
        expect(await difference((x) => reduce(x, axis, keep), [3, 2, 4], signed)).toBeLessThan(1e-5);
      }),
      { numRuns: 10 },
    );
  });
});

describe('shapes', () => {
  const cases: Record<string, Operation> = {
    'reshape to rows': (x) => tf.reshape(x, [x.shape[0]!, -1]),
    'reshape behind a new axis': (x) => tf.reshape(x, [1, x.shape[0]!, 3, 4, 2]),
    'reshape and back': (x) => tf.reshape(tf.relu(tf.reshape(x, [-1])), x.shape),
    'expand dims': (x) => tf.expandDims(x, 2),
    transpose: (x) => tf.transpose(x, [0, 3, 1, 2]),
    'concat with itself': (x) => tf.concat([x, tf.neg(x)], 2),
    slice: (x) => tf.slice(x, [0, 1, 0, 1], [-1, 2, -1, 1]),
    pad: (x) =>
      tf.pad(
        x,
        [
          [0, 0],
          [1, 2],
          [0, 1],
          [0, 0],
        ],
        0.5,
      ),
    'product with weights': (x) =>
      tf.matMul(tf.reshape(x, [-1, 4]) as tf.Tensor2D, weights([5, 4]) as tf.Tensor2D, false, true),
    'product of two': (x) => tf.matMul(x, tf.square(x), true, false),
    'fused product': (x) =>
      tf.fused.matMul({
        a: tf.reshape(x, [-1, 8]) as tf.Tensor2D,
        b: weights([8, 3]) as tf.Tensor2D,
        bias: weights([3]),
        activation: 'relu',
      }),
    'batch norm': (x) =>
      tf.batchNorm(
        x as tf.Tensor4D,
        weights([2]) as tf.Tensor1D,
        tf.abs(weights([2])) as tf.Tensor1D,
        weights([2]) as tf.Tensor1D,
        weights([2]) as tf.Tensor1D,
        1e-3,
      ),
    'resize bilinear': (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [6, 8]),
    'resize half pixel': (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [7, 5], false, true),
    'resize corners': (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [5, 7], true),
    'resize nearest': (x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [6, 8]),
  };
  test.each(Object.entries(cases))('%s', async (_, operation) => {
    expect(await difference(operation, [3, 4, 2], signed)).toBeLessThan(1e-5);
  });
});

const window = fc.record({
  size: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  dilation: fc.integer({ min: 1, max: 2 }),
  pad: fc.constantFrom('same' as const, 'valid' as const),
  activation: fc.constantFrom('linear' as const, 'relu' as const, 'elu' as const, 'sigmoid' as const),
});

test('convolutions and depthwise convolutions of any stride, padding and dilation, fused and not', async () => {
  await fc.assert(
    fc.asyncProperty(
      window,
      fc.boolean(),
      async ({ size, strides, dilation, pad, activation }, depthwise) => {
        const step: [number, number] = dilation > 1 ? [1, 1] : strides;
        const filter = weights([...size, 3, depthwise ? 2 : 4]) as tf.Tensor4D;
        const bias = weights([depthwise ? 6 : 4]);
        const convolve = depthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d;
        const operation = (x: tf.Tensor) =>
          convolve({
            x: x as tf.Tensor4D,
            filter,
            strides: step,
            pad,
            dilations: [dilation, dilation],
            bias,
            activation,
          });
        expect(await difference(operation, [7, 8, 3], signed)).toBeLessThan(1e-5);
      },
    ),
    { numRuns: 40 },
  );
});

test('pooling of any window, stride and padding', async () => {
  await fc.assert(
    fc.asyncProperty(window, fc.boolean(), async ({ size, strides, pad }, average) => {
      const operation = (x: tf.Tensor) =>
        (average ? tf.avgPool : tf.maxPool)(x as tf.Tensor4D, size, strides, pad);
      expect(await difference(operation, [7, 8, 3], signed)).toBeLessThan(1e-5);
    }),
    { numRuns: 30 },
  );
});

test('an operation without a counterpart is named', async () => {
  await expect(difference((x) => tf.unique(x, 1).values, [3, 4], signed)).rejects.toMatchObject({
    kind: 'engine',
    path: 'operation Unique',
  });
});
