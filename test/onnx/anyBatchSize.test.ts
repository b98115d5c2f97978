import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { measureBatchDifference } from './runOnnx.js';

beforeAll(() => tf.setBackend('cpu'));

const signed = (i: number) => Math.sin(i * 1.7 + 0.3) * 2;
const weights = (shape: number[]) =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.cos(i * 2.3)),
    shape,
  );

type Operation = (x: tf.Tensor) => tf.Tensor;

// The graphs are compiled from traces of two and of three images, and run on four.
describe('an ONNX graph of a reduction', () => {
  const reductions: Record<string, (x: tf.Tensor, axis: number[], keepDims: boolean) => tf.Tensor> = {
    sum: tf.sum,
    mean: tf.mean,
    max: tf.max,
    min: tf.min,
    prod: tf.prod,
  };
  test.each(Object.entries(reductions))(
    'gives the same results in ONNX Runtime as in TensorFlow.js for several batch sizes and any axes: %s',
    async (_, reduce) => {
      const axes = fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 });
      await fc.assert(
        fc.asyncProperty(axes, fc.boolean(), async (axis, keepDims) => {
          expect(
            await measureBatchDifference((x) => reduce(x, axis, keepDims), [3, 2, 4], signed),
          ).toBeLessThan(1e-5);
        }),
        { numRuns: 10 },
      );
    },
  );
});

describe('an ONNX graph of one operation', () => {
  const cases: Record<string, Operation> = {
    'reshape to rows': (x) => tf.reshape(x, [x.shape[0]!, -1]),
    'reshape with a new first axis': (x) => tf.reshape(x, [1, x.shape[0]!, 3, 4, 2]),
    'reshape and back': (x) => tf.reshape(tf.relu(tf.reshape(x, [-1])), x.shape),
    'expand dims': (x) => tf.expandDims(x, 2),
    transpose: (x) => tf.transpose(x, [0, 3, 1, 2]),
    'concatenation of a tensor with itself': (x) => tf.concat([x, tf.neg(x)], 2),
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
    'matrix product with weights': (x) =>
      tf.matMul(tf.reshape(x, [-1, 4]) as tf.Tensor2D, weights([5, 4]) as tf.Tensor2D, false, true),
    'matrix product of two inputs': (x) => tf.matMul(x, tf.square(x), true, false),
    'fused matrix product': (x) =>
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
    'resize bilinear with half pixels': (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [7, 5], false, true),
    'resize bilinear with aligned corners': (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [5, 7], true),
    'element-wise arithmetic with broadcasting': (x) =>
      tf.mul(tf.sigmoid(x), tf.add(tf.square(x), weights([4, 1]))),
    clip: (x) => tf.clipByValue(x, -0.5, 0.7),
    'sum of several tensors': (x) => tf.addN([x, tf.square(x), x]),
    'where with logical operations': (x) =>
      tf.where(tf.logicalAnd(tf.greater(x, 0), tf.less(x, 1)), x, tf.zerosLike(x)),
    'pow and onesLike': (x) => tf.mul(tf.pow(x, 2), tf.onesLike(x)),
    argMax: (x) => tf.cast(tf.argMax(x, 2), 'float32'),
    topk: (x) => tf.topk(x, 2).values,
    'cumulative sum': (x) => tf.cumsum(x, 2, true),
    'cumulative product': (x) => tf.cumprod(x, 1),
    softmax: (x) => tf.softmax(x),
    stack: (x) => tf.stack([x, tf.neg(x)], 1),
    unstack: (x) => tf.addN(tf.unstack(x, 2)),
    split: (x) => tf.concat(tf.split(x, [1, 3], 2).reverse(), 2),
    tile: (x) => tf.tile(x, [1, 2, 1, 3]),
    reverse: (x) => tf.reverse(x, [0, 2]),
    'strided slice': (x) => tf.stridedSlice(x, [0, 2, 0, 0], [0, 0, 4, 1], [1, -1, 2, 1], 1, 3),
    'mirror padding': (x) =>
      tf.mirrorPad(
        x,
        [
          [0, 0],
          [1, 2],
          [2, 0],
          [0, 1],
        ],
        'symmetric',
      ),
    gather: (x) => tf.gather(x, tf.tensor1d([2, 0, 2], 'int32'), 1),
    'gather with indices per image': (x) => tf.gather(x, tf.argMax(tf.reshape(x, [-1, 3, 8]), 1), 1, 1),
    'one-hot': (x) => tf.oneHot(tf.argMax(x, 2), 4, 1, 0, 'float32'),
    'space to batch and back': (x) => {
      const block = [1, 2];
      const none = [
        [0, 0],
        [0, 0],
      ];
      return tf.batchToSpaceND(tf.relu(tf.spaceToBatchND(x, block, none)), block, none);
    },
    'depth to space': (x) => tf.depthToSpace(tf.concat([x, x], 3) as tf.Tensor4D, 2),
    'local response normalization': (x) => tf.localResponseNormalization(x as tf.Tensor4D),
    'resize nearest with half pixels': (x) =>
      tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [5, 7], false, true),
    'resize nearest': (x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [6, 8]),
  };
  test.each(Object.entries(cases))(
    'gives the same results in ONNX Runtime as in TensorFlow.js for several batch sizes: %s',
    async (_, operation) => {
      for (const batchSize of [undefined, 1, 2, 5]) {
        expect(await measureBatchDifference(operation, [3, 4, 2], signed, { batchSize })).toBeLessThan(1e-5);
      }
    },
  );
});

const window = fc.record({
  size: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  dilation: fc.integer({ min: 1, max: 2 }),
  pad: fc.constantFrom('same' as const, 'valid' as const),
  activation: fc.constantFrom('linear' as const, 'relu' as const, 'elu' as const, 'sigmoid' as const),
});

test('convolutions and depthwise convolutions with any stride, padding, dilation and activation give the same results in ONNX Runtime as in TensorFlow.js for any batch size', async () => {
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
        expect(await measureBatchDifference(operation, [7, 8, 3], signed)).toBeLessThan(1e-5);
      },
    ),
    { numRuns: 40 },
  );
});

test('pooling with any window, stride and padding gives the same results in ONNX Runtime as in TensorFlow.js for any batch size', async () => {
  await fc.assert(
    fc.asyncProperty(window, fc.boolean(), async ({ size, strides, pad }, isAverage) => {
      const operation = (x: tf.Tensor) =>
        (isAverage ? tf.avgPool : tf.maxPool)(x as tf.Tensor4D, size, strides, pad);
      expect(await measureBatchDifference(operation, [7, 8, 3], signed)).toBeLessThan(1e-5);
    }),
    { numRuns: 30 },
  );
});

test('lowerTrace rejects an unsupported operation, and the error names the operation', async () => {
  await expect(measureBatchDifference((x) => tf.unique(x, 1).values, [3, 4], signed)).rejects.toMatchObject({
    kind: 'engine',
    path: 'operation Unique',
  });
});
