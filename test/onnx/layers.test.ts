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
import { stepDisagreement } from './step.js';

/** Steps add up some thousand products in float32, in another order on each side. */
const CLOSE = 1e-4;
const same = { padding: 'same' } as const;

beforeAll(() => useEngine('wasm'));

/** A block that joins its input with what `inner` makes of it. */
const joining = (layer: () => tf.layers.Layer, inner: LayerLike): Block => ({
  '~block': 'joining',
  computeOutputSize: (input) => input,
  build: (input, site) => {
    const made = inner instanceof tf.layers.Layer ? site.connect(inner, input) : inner.build(input, site);
    return site.connect(layer(), [input, made]);
  },
});

/** A layer that is an operation. */
function own(operation: (x: tf.Tensor) => tf.Tensor, shape: readonly (number | null)[]): tf.layers.Layer {
  class Own extends tf.layers.Layer {
    static readonly className = 'Own';
    override computeOutputShape(): tf.Shape {
      return [...shape];
    }
    override call(x: tf.Tensor | tf.Tensor[]): tf.Tensor {
      return operation(Array.isArray(x) ? x[0]! : x);
    }
  }
  return new Own({});
}

const network = (pieces: readonly LayerLike[], ends: readonly LayerLike[] = [flatten()]) =>
  multiTask({ input: [6, 6, 3] })
    .trunk(sharedTrunk(pieces))
    .task('age', regression({ unit: 'years' }), branch(ends))
    .build();

/** The gradients of one step, layer and all, by the sum that accumulation keeps. */
async function agrees(pieces: readonly LayerLike[], ends?: readonly LayerLike[]): Promise<void> {
  const model = network(pieces, ends);
  const [result, off] = await stepDisagreement(model, sgd({ gradientAccumulationSteps: 2 }), 'accumulate');
  expect(off, result).toBeLessThan(CLOSE);
}

describe('layers of this library', () => {
  const activations = ['linear', 'relu', 'elu', 'selu', 'sigmoid', 'tanh', 'softplus', 'swish'] as const;
  test.each(activations)('convolutions, dense layers and activations: %s', async (kind) => {
    await agrees(
      [
        conv(4, 3, { activation: kind, strides: 2, ...same }),
        depthwiseConv(2, { activation: kind, ...same }),
        activation(kind),
      ],
      [flatten(), dense(3, { activation: kind })],
    );
  });
  const cases: Record<string, () => readonly LayerLike[]> = {
    'convolutions with strides, dilation, penalty, without bias': () => [
      conv(4, 3, { strides: 2, l2: 0.01 }),
      conv(3, 2, { dilation: 2, useBias: false, ...same }),
      depthwiseConv(3, { depthMultiplier: 2, l2: 0.1, ...same }),
      depthwiseConv(2, { strides: 2, useBias: false, ...same }),
    ],
    'max-pooling apart': () => [conv(4, 3, same), maxPool(2)],
    'max-pooling that overlaps': () => [conv(4, 3, same), maxPool(3, { strides: 2, ...same })],
    'average pooling': () => [conv(4, 3, same), averagePool(2), averagePool(3, { strides: 1, ...same })],
    'batch normalisation': () => [
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
  test.each(Object.entries(cases))('%s', async (_, pieces) => agrees(pieces()));
  test('global average pooling', () => agrees([conv(4, 3)], [globalAveragePool(), dense(3)]));
});

describe("layers of TensorFlow.js's own", () => {
  const { layers } = tf;
  const rows = () => layers.reshape({ targetShape: [6, 18] });
  const cases: Record<string, () => readonly LayerLike[]> = {
    conv2dTranspose: () => [
      layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, padding: 'same' }),
    ],
    separableConv2d: () => [layers.separableConv2d({ filters: 4, kernelSize: 3, depthMultiplier: 2 })],
    'conv2d with regularisers': () => [
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
      own((x) => tf.image.resizeBilinear(x as tf.Tensor4D, [5, 5], false, true), [null, 5, 5, 3]),
    ],
    'resizing to corners': () => [
      own((x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [9, 9], true), [null, 9, 9, 3]),
    ],
    rescaling: () => [layers.rescaling({ scale: 2, offset: -1 })],
    'pools overlapping': () => [
      layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
      layers.averagePooling2d({ poolSize: 2, strides: 1, padding: 'same' }),
    ],
    batchNormalization: () => [layers.batchNormalization()],
    'batchNormalization without its scale': () => [
      layers.batchNormalization({ center: false, scale: false }),
    ],
    layerNormalization: () => [layers.layerNormalization()],
    prelu: () => [layers.prelu()],
    'prelu with shared axes': () => [layers.prelu({ sharedAxes: [1, 2] })],
    leakyReLU: () => [layers.leakyReLU({ alpha: 0.2 })],
    'elu layer': () => [layers.elu()],
    'reLU with a ceiling': () => [layers.reLU({ maxValue: 6 })],
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
    add: () => [joining(() => layers.add(), conv(3, 3, same))],
    multiply: () => [joining(() => layers.multiply(), conv(3, 3, same))],
    average: () => [joining(() => layers.average(), conv(3, 3, same))],
    maximum: () => [joining(() => layers.maximum(), conv(3, 3, same))],
    minimum: () => [joining(() => layers.minimum(), conv(3, 3, same))],
    concatenate: () => [joining(() => layers.concatenate(), conv(5, 3, same))],
  };
  test.each(Object.entries(cases))('%s, behind a convolution', async (_, pieces) => {
    // So that the gradient goes through the layer too.
    await agrees([conv(3, 3, same), ...pieces()]);
  });
  const flat: Record<string, () => readonly LayerLike[]> = {
    globalAveragePooling1d: () => [rows(), layers.globalAveragePooling1d()],
    globalMaxPooling1d: () => [rows(), layers.globalMaxPooling1d()],
    globalAveragePooling2d: () => [layers.globalAveragePooling2d({})],
    globalMaxPooling2d: () => [layers.globalMaxPooling2d({})],
    gru: () => [rows(), layers.gru({ units: 4 })],
    lstm: () => [rows(), layers.lstm({ units: 4 })],
    dot: () => [
      layers.flatten(),
      dense(4),
      joining(() => layers.dot({ axes: 1 }), dense(4, { activation: 'tanh' })),
    ],
  };
  test.each(Object.entries(flat))('%s, which leaves no image', async (_, pieces) => {
    await agrees([conv(3, 3, same), ...pieces()], [dense(3)]);
  });
  test.each([
    'hardSigmoid',
    'softsign',
    'softmax',
    'logSoftmax',
    'gelu',
    'gelu_new',
    'mish',
    'relu6',
  ] as const)('activation %s', (kind) =>
    agrees([conv(3, 3, same), layers.activation({ activation: kind as never })]),
  );
  test('centerCrop, at the image', () => agrees([layers.centerCrop({ height: 4, width: 4 }), conv(3, 3)]));
  test('thresholdedReLU, at the image, since it has no gradient', () =>
    agrees([layers.thresholdedReLU({ theta: 0.2 }), conv(3, 3)]));
  test('an embedding of rounded pixels, whose gradient wasm lacks', async () => {
    await tf.setBackend('cpu');
    const rounded = own((x) => tf.floor(tf.mul(x, 4.99)), [null, 6, 6, 3]);
    await agrees([rounded, layers.embedding({ inputDim: 5, outputDim: 2 })]);
    await useEngine('wasm');
  });
});

describe('blocks of backbones', () => {
  test('bottlenecks with projections, as in ResNet50', () => {
    // A bias before batch normalisation has no gradient but rounding.
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
    return agrees(
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
  test('inverted residuals with relu6, as in MobileNetV2', () => {
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
      build: (input, site) =>
        inner.reduce(
          (x, piece) => (piece instanceof tf.layers.Layer ? site.connect(piece, x) : piece.build(x, site)),
          input,
        ),
    };
    return agrees([
      conv(3, 3, { ...linear, strides: 2 }),
      batchNorm(),
      relu6(),
      joining(() => tf.layers.add(), chain),
    ]);
  });
  test('squeeze and excitation with swish, as in EfficientNet', () => {
    const squeeze: Block = {
      '~block': 'squeeze',
      computeOutputSize: (input) => input,
      build: (input, site) => {
        const mean = site.connect(tf.layers.globalAveragePooling2d({}), input);
        const shaped = site.connect(tf.layers.reshape({ targetShape: [1, 1, 4] }), mean);
        const small = site.connect(
          tf.layers.conv2d({ filters: 2, kernelSize: 1, activation: 'swish' as never }),
          shaped,
        );
        return site.connect(tf.layers.conv2d({ filters: 4, kernelSize: 1, activation: 'sigmoid' }), small);
      },
    };
    return agrees([
      tf.layers.rescaling({ scale: 1 / 255, offset: 0 }),
      conv(4, 3, { ...same, activation: 'swish' }),
      depthwiseConv(5, { ...same, strides: 2, activation: 'swish' }),
      joining(() => tf.layers.multiply(), squeeze),
    ]);
  });
});

describe('losses, metrics and optimisers', () => {
  const three = (loss: { age: Loss; gender?: Loss }) =>
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
    'losses of the user': { age: logCosh, gender: focal },
  };
  test.each(Object.entries(losses))('%s', async (_, loss) => {
    const [result, off] = await stepDisagreement(
      three(loss),
      sgd({ gradientAccumulationSteps: 2 }),
      'accumulate',
    );
    expect(off, result).toBeLessThan(CLOSE);
  });
  const optimisers = {
    sgd: sgd(),
    'momentum, clipped by value': sgd({ momentum: 0.9, clipValue: 0.01 }),
    'nesterov, clipped by norm': sgd({ momentum: 0.9, nesterov: true, clipNorm: 0.1 }),
    'adam, clipped by the global norm': adam({ globalClipNorm: 0.1 }),
    'adamw, accumulating': adamw({ weightDecay: 0.1, gradientAccumulationSteps: 3 }),
    'weight decay': sgd({ weightDecay: 0.2 }),
  };
  test.each(Object.entries(optimisers))('%s', async (_, optimiser) => {
    const [result, off] = await stepDisagreement(three({ age: huber() }), optimiser, 'update');
    expect(off, result).toBeLessThan(CLOSE);
  });
  test.each(['maxNorm', 'unitNorm', 'nonNeg', 'minMaxNorm'] as const)('constraint %s', async (name) => {
    const model = network([
      tf.layers.conv2d({ filters: 4, kernelSize: 3, kernelConstraint: name, biasConstraint: name }),
    ]);
    const [result, off] = await stepDisagreement(model, adam(), 'update');
    expect(off, result).toBeLessThan(CLOSE);
  });
});
