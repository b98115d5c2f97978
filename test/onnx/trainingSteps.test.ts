import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  accuracy,
  activation,
  adam,
  adamw,
  averagePool,
  batchNorm,
  binary,
  binaryCrossentropy,
  branch,
  categorical,
  conv,
  customLoss,
  dense,
  depthwiseConv,
  dropout,
  flatten,
  globalAveragePool,
  huber,
  mae,
  maxPool,
  meanAbsoluteError,
  meanSquaredError,
  mse,
  multiTask,
  regression,
  residual,
  rmse,
  sgd,
  sharedTrunk,
  useEngine,
} from '../../src/entries/node.js';
import type { Block, LayerLike } from '../../src/layers/block.js';
import type { Loss } from '../../src/losses/loss.js';
import { measureStepDifference } from './measureStepDifference.js';

/** Tolerance for one step. ONNX Runtime and TensorFlow.js add a few thousand float32 products in different orders. */
const CLOSE = 1e-4;
const same = { padding: 'same' } as const;

beforeAll(() => useEngine('wasm'));

/** Creates a block that passes the block input and the output of `inner` to a merge layer. */
const merge = (layer: () => tf.layers.Layer, inner: LayerLike): Block => ({
  '~block': 'merge',
  computeOutputSize: (input) => input,
  build: (input, context) => {
    const output =
      inner instanceof tf.layers.Layer ? context.connect(inner, input) : inner.build(input, context);
    return context.connect(layer(), [input, output]);
  },
});

/** Creates a layer that runs an operation. */
function createOperationLayer(
  operation: (x: tf.Tensor) => tf.Tensor,
  shape: readonly (number | null)[],
): tf.layers.Layer {
  class OperationLayer extends tf.layers.Layer {
    static readonly className = 'OperationLayer';
    override computeOutputShape(): tf.Shape {
      return [...shape];
    }
    override call(x: tf.Tensor | tf.Tensor[]): tf.Tensor {
      return operation(Array.isArray(x) ? x[0]! : x);
    }
  }
  return new OperationLayer({});
}

const createModel = (trunk: readonly LayerLike[], head: readonly LayerLike[] = [flatten()]) =>
  multiTask({ input: [6, 6, 3] })
    .trunk(sharedTrunk(trunk))
    .task('age', regression({ unit: 'years' }), branch(head))
    .build();

/** Checks that one step gives the same gradients in ONNX Runtime as in TensorFlow.js. The gradients are read from the gradient accumulator. */
async function expectAgreement(trunk: readonly LayerLike[], head?: readonly LayerLike[]): Promise<void> {
  const model = createModel(trunk, head);
  const [output, difference] = await measureStepDifference(
    model,
    sgd({ gradientAccumulationSteps: 2 }),
    'accumulate',
  );
  expect(difference, output).toBeLessThan(CLOSE);
}

describe('a training step with layers of this library', () => {
  const activations = ['linear', 'relu', 'elu', 'selu', 'sigmoid', 'tanh', 'softplus', 'swish'] as const;
  test.each(activations)(
    'computes the same gradients in ONNX Runtime as in TensorFlow.js: convolutions and dense layers with the activation %s',
    async (kind) => {
      await expectAgreement(
        [
          conv(4, 3, { activation: kind, strides: 2, ...same }),
          depthwiseConv(2, { activation: kind, ...same }),
          activation(kind),
        ],
        [flatten(), dense(3, { activation: kind })],
      );
    },
  );
  const cases: Record<string, () => readonly LayerLike[]> = {
    'convolutions with strides, dilation, L2 and no bias': () => [
      conv(4, 3, { strides: 2, l2: 0.01 }),
      conv(3, 2, { dilation: 2, useBias: false, ...same }),
      depthwiseConv(3, { depthMultiplier: 2, l2: 0.1, ...same }),
      depthwiseConv(2, { strides: 2, useBias: false, ...same }),
    ],
    'disjoint max pooling': () => [conv(4, 3, same), maxPool(2)],
    'overlapping max pooling': () => [conv(4, 3, same), maxPool(3, { strides: 2, ...same })],
    'average pooling': () => [conv(4, 3, same), averagePool(2), averagePool(3, { strides: 1, ...same })],
    'batch normalization': () => [
      conv(4, 3, { useBias: false }),
      batchNorm(),
      activation('relu'),
      batchNorm(),
    ],
    dropout: () => [conv(4, 3), dropout(0.4), conv(2, 1), dropout(0.2)],
    residual: () => [
      residual([conv(3, 3, same), conv(3, 3, { ...same, activation: 'linear' })]),
      residual([conv(4, 3, { ...same, strides: 2 }), batchNorm()]),
    ],
  };
  test.each(Object.entries(cases))(
    'computes the same gradients in ONNX Runtime as in TensorFlow.js: %s',
    async (_, createLayers) => expectAgreement(createLayers()),
  );
  test('computes the same gradients in ONNX Runtime as in TensorFlow.js: global average pooling', () =>
    expectAgreement([conv(4, 3)], [globalAveragePool(), dense(3)]));
});

describe('a training step with built-in layers of TensorFlow.js', () => {
  const { layers } = tf;
  const toSequence = () => layers.reshape({ targetShape: [6, 18] });
  const cases: Record<string, () => readonly LayerLike[]> = {
    conv2dTranspose: () => [
      layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, padding: 'same' }),
    ],
    separableConv2d: () => [layers.separableConv2d({ filters: 4, kernelSize: 3, depthMultiplier: 2 })],
    'conv2d with regularizers': () => [
      layers.conv2d({
        filters: 4,
        kernelSize: 3,
        activation: 'relu6',
        kernelRegularizer: tf.regularizers.l1l2(),
        biasRegularizer: tf.regularizers.l1(),
      }),
    ],
    cropping2D: () => [
      layers.cropping2D({
        cropping: [
          [1, 0],
          [2, 1],
        ],
      }),
    ],
    zeroPadding2d: () => [
      layers.zeroPadding2d({
        padding: [
          [1, 0],
          [2, 1],
        ],
      }),
    ],
    'upSampling2d nearest': () => [layers.upSampling2d({ size: [2, 2] })],
    'upSampling2d bilinear': () => [
      layers.upSampling2d({ size: [2, 2], interpolation: 'bilinear' } as never),
    ],
    'resizing with half pixels': () => [
      createOperationLayer(
        (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [5, 5], false, true),
        [null, 5, 5, 3],
      ),
    ],
    'resizing with aligned corners': () => [
      createOperationLayer(
        (x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [9, 9], true),
        [null, 9, 9, 3],
      ),
    ],
    rescaling: () => [layers.rescaling({ scale: 2, offset: -1 })],
    'overlapping pools': () => [
      layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
      layers.averagePooling2d({ poolSize: 2, strides: 1, padding: 'same' }),
    ],
    batchNormalization: () => [layers.batchNormalization()],
    'batchNormalization without a scale': () => [layers.batchNormalization({ center: false, scale: false })],
    layerNormalization: () => [layers.layerNormalization()],
    prelu: () => [layers.prelu()],
    'prelu with shared axes': () => [layers.prelu({ sharedAxes: [1, 2] })],
    leakyReLU: () => [layers.leakyReLU({ alpha: 0.2 })],
    'elu layer': () => [layers.elu()],
    'reLU with a maximum': () => [layers.reLU({ maxValue: 6 })],
    'softmax layer': () => [layers.softmax({ axis: -1 })],
    permute: () => [layers.permute({ dims: [2, 1, 3] })],
    'reshape and conv1d': () => [
      layers.reshape({ targetShape: [18, 6] }),
      layers.conv1d({ filters: 4, kernelSize: 3, strides: 2 }),
      layers.maxPooling1d({ poolSize: 2 }),
      layers.averagePooling1d({ poolSize: 2 }),
    ],
    timeDistributed: () => [
      layers.timeDistributed({ layer: layers.dense({ units: 4, activation: 'tanh' }) }),
    ],
    simpleRNN: () => [
      layers.reshape({ targetShape: [6, 18] }),
      layers.simpleRNN({ units: 4, returnSequences: true }),
    ],
    add: () => [merge(() => layers.add(), conv(3, 3, same))],
    multiply: () => [merge(() => layers.multiply(), conv(3, 3, same))],
    average: () => [merge(() => layers.average(), conv(3, 3, same))],
    maximum: () => [merge(() => layers.maximum(), conv(3, 3, same))],
    minimum: () => [merge(() => layers.minimum(), conv(3, 3, same))],
    concatenate: () => [merge(() => layers.concatenate(), conv(5, 3, same))],
  };
  test.each(Object.entries(cases))(
    'computes the same gradients in ONNX Runtime as in TensorFlow.js: %s after a convolution',
    async (_, createLayers) => {
      // With the convolution before it, the gradient also passes through the layer.
      await expectAgreement([conv(3, 3, same), ...createLayers()]);
    },
  );
  const flatCases: Record<string, () => readonly LayerLike[]> = {
    globalAveragePooling1d: () => [toSequence(), layers.globalAveragePooling1d()],
    globalMaxPooling1d: () => [toSequence(), layers.globalMaxPooling1d()],
    globalAveragePooling2d: () => [layers.globalAveragePooling2d({})],
    globalMaxPooling2d: () => [layers.globalMaxPooling2d({})],
    gru: () => [toSequence(), layers.gru({ units: 4 })],
    lstm: () => [toSequence(), layers.lstm({ units: 4 })],
    dot: () => [
      layers.flatten(),
      dense(4),
      merge(() => layers.dot({ axes: 1 }), dense(4, { activation: 'tanh' })),
    ],
  };
  test.each(Object.entries(flatCases))(
    'computes the same gradients in ONNX Runtime as in TensorFlow.js: %s, whose output is not an image',
    async (_, createLayers) => {
      await expectAgreement([conv(3, 3, same), ...createLayers()], [dense(3)]);
    },
  );
  test.each([
    'hardSigmoid',
    'softsign',
    'softmax',
    'logSoftmax',
    'gelu',
    'gelu_new',
    'mish',
    'relu6',
  ] as const)('computes the same gradients in ONNX Runtime as in TensorFlow.js: the activation %s', (kind) =>
    expectAgreement([conv(3, 3, same), layers.activation({ activation: kind as never })]),
  );
  test('computes the same gradients in ONNX Runtime as in TensorFlow.js: centerCrop as the first layer', () =>
    expectAgreement([layers.centerCrop({ height: 4, width: 4 }), conv(3, 3)]));
  test('computes the same gradients in ONNX Runtime as in TensorFlow.js: thresholdedReLU, which is not differentiable, as the first layer', () =>
    expectAgreement([layers.thresholdedReLU({ theta: 0.2 }), conv(3, 3)]));
  test('computes the same gradients in ONNX Runtime as in TensorFlow.js: an embedding, traced on cpu because wasm has no embedding gradient', async () => {
    await tf.setBackend('cpu');
    const rounded = createOperationLayer((x) => tf.floor(tf.mul(x, 4.99)), [null, 6, 6, 3]);
    await expectAgreement([rounded, layers.embedding({ inputDim: 5, outputDim: 2 })]);
    await useEngine('wasm');
  });
});

describe('a training step with blocks of backbones', () => {
  test('computes the same gradients in ONNX Runtime as in TensorFlow.js: bottlenecks with projections, as in ResNet50', () => {
    // The convolutions have no bias, because the gradient of a bias before batch normalization is only rounding error.
    const linear = { ...same, activation: 'linear', useBias: false } as const;
    const bottleneck = (filters: number, strides: number) =>
      residual([
        conv(filters, 1, { ...linear, strides }),
        batchNorm(),
        activation('relu'),
        conv(filters, 3, linear),
        batchNorm(),
        activation('relu'),
        conv(filters * 2, 1, linear),
        batchNorm(),
      ]);
    return expectAgreement(
      [
        tf.layers.zeroPadding2d({ padding: 3 }),
        conv(4, 7, { activation: 'linear', useBias: false }),
        batchNorm(),
        activation('relu'),
        tf.layers.zeroPadding2d({ padding: 1 }),
        maxPool(3, { strides: 2 }),
        bottleneck(2, 1),
        activation('relu'),
        bottleneck(3, 2),
        activation('relu'),
      ],
      [globalAveragePool()],
    );
  });
  test('computes the same gradients in ONNX Runtime as in TensorFlow.js: inverted residuals with relu6, as in MobileNetV2', () => {
    const relu6 = () => tf.layers.reLU({ maxValue: 6 });
    const linear = { ...same, activation: 'linear', useBias: false } as const;
    const inner: LayerLike[] = [
      conv(9, 1, linear),
      batchNorm(),
      relu6(),
      depthwiseConv(3, linear),
      batchNorm(),
      relu6(),
      conv(3, 1, linear),
      batchNorm(),
    ];
    const chain: Block = {
      '~block': 'chain',
      computeOutputSize: (input) => input,
      build: (input, context) =>
        inner.reduce(
          (x, layer) =>
            layer instanceof tf.layers.Layer ? context.connect(layer, x) : layer.build(x, context),
          input,
        ),
    };
    return expectAgreement([
      conv(3, 3, { ...linear, strides: 2 }),
      batchNorm(),
      relu6(),
      merge(() => tf.layers.add(), chain),
    ]);
  });
  test('computes the same gradients in ONNX Runtime as in TensorFlow.js: squeeze and excitation with swish, as in EfficientNet', () => {
    const squeeze: Block = {
      '~block': 'squeeze',
      computeOutputSize: (input) => input,
      build: (input, context) => {
        const mean = context.connect(tf.layers.globalAveragePooling2d({}), input);
        const shaped = context.connect(tf.layers.reshape({ targetShape: [1, 1, 4] }), mean);
        const small = context.connect(
          tf.layers.conv2d({ filters: 2, kernelSize: 1, activation: 'swish' as never }),
          shaped,
        );
        return context.connect(tf.layers.conv2d({ filters: 4, kernelSize: 1, activation: 'sigmoid' }), small);
      },
    };
    return expectAgreement([
      tf.layers.rescaling({ scale: 1 / 255, offset: 0 }),
      conv(4, 3, { ...same, activation: 'swish' }),
      depthwiseConv(5, { ...same, strides: 2, activation: 'swish' }),
      merge(() => tf.layers.multiply(), squeeze),
    ]);
  });
});

describe('a training step of a network with three tasks', () => {
  const createThreeTaskModel = (loss: { age: Loss; gender?: Loss }) =>
    multiTask({ input: [6, 6, 3] })
      .trunk(sharedTrunk([conv(4, 3)]))
      .task(
        'age',
        regression({ unit: 'years', loss: loss.age, metrics: [mae(), mse(), rmse({ weighted: true })] }),
        branch([flatten(), dense(5)]),
      )
      .task(
        'gender',
        binary(['a', 'b'], {
          metrics: [accuracy({ weighted: true })],
          ...(loss.gender ? { loss: loss.gender } : {}),
        }),
        branch([flatten()]),
      )
      .task('kind', categorical(['a', 'b', 'c']), branch([flatten()]))
      .build();
  const logCosh = customLoss('log_cosh', (prediction, target) =>
    tf.mean(tf.log(tf.cosh(tf.sub(prediction, target))), 1),
  );
  const focal = customLoss('focal', (p, t) =>
    tf.mean(
      tf.mul(tf.pow(tf.abs(tf.sub(p, t)), 2), tf.neg(tf.log(tf.where(tf.greater(t, 0), p, tf.sub(1, p))))),
      1,
    ),
  );
  const losses = {
    huber: { age: huber({ delta: 0.5 }) },
    'mean absolute error and cross-entropies': { age: meanAbsoluteError(), gender: binaryCrossentropy() },
    'mean squared error': { age: meanSquaredError() },
    'custom losses': { age: logCosh, gender: focal },
  };
  test.each(Object.entries(losses))(
    'computes the same gradients in ONNX Runtime as in TensorFlow.js for the loss: %s',
    async (_, loss) => {
      const [output, difference] = await measureStepDifference(
        createThreeTaskModel(loss),
        sgd({ gradientAccumulationSteps: 2 }),
        'accumulate',
      );
      expect(difference, output).toBeLessThan(CLOSE);
    },
  );
  const optimizers = {
    sgd: sgd(),
    'momentum, clipped by value': sgd({ momentum: 0.9, clipValue: 0.01 }),
    'nesterov, clipped by norm': sgd({ momentum: 0.9, nesterov: true, clipNorm: 0.1 }),
    'adam, clipped by the global norm': adam({ globalClipNorm: 0.1 }),
    'adamw, accumulating': adamw({ weightDecay: 0.1, gradientAccumulationSteps: 3 }),
    'weight decay': sgd({ weightDecay: 0.2 }),
  };
  test.each(Object.entries(optimizers))(
    'computes the same updated weights in ONNX Runtime as in TensorFlow.js for the optimizer: %s',
    async (_, optimizer) => {
      const [output, difference] = await measureStepDifference(
        createThreeTaskModel({ age: huber() }),
        optimizer,
        'update',
      );
      expect(difference, output).toBeLessThan(CLOSE);
    },
  );
  test.each(['maxNorm', 'unitNorm', 'nonNeg', 'minMaxNorm'] as const)(
    'computes the same updated weights in ONNX Runtime as in TensorFlow.js for the constraint %s',
    async (name) => {
      const model = createModel([
        tf.layers.conv2d({ filters: 4, kernelSize: 3, kernelConstraint: name, biasConstraint: name }),
      ]);
      const [output, difference] = await measureStepDifference(model, adam(), 'update');
      expect(difference, output).toBeLessThan(CLOSE);
    },
  );
});
