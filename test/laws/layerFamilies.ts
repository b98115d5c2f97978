import type { SymbolicTensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';

/** Random choices for one layer: the layer type, the input and the options. */
export interface Choice {
  readonly kind: number;
  readonly from: number;
  readonly other: number;
  readonly size: number;
  readonly turn: number;
  readonly frozen: boolean;
}

export type Shape = readonly (number | null)[];
/** Adds a layer after `x`. Returns undefined or throws when no layer fits. */
export type Apply = (x: SymbolicTensor, c: Choice, graph: GraphBuilder) => SymbolicTensor | undefined;

/** State of a model under construction. */
export interface GraphBuilder {
  name(kind: string): string;
  connect(layer: tf.layers.Layer, input: SymbolicTensor | SymbolicTensor[]): SymbolicTensor;
  /** Returns another tensor of this shape. TensorFlow.js cannot merge a tensor with itself if another layer reads it too. */
  like(x: SymbolicTensor, which: number): SymbolicTensor;
  /** Returns an earlier layer with one input of this shape, or undefined. */
  shared(x: SymbolicTensor, which: number): tf.layers.Layer | undefined;
}

const ACTIVATIONS = [
  'linear',
  'relu',
  'relu6',
  'elu',
  'selu',
  'sigmoid',
  'tanh',
  'softplus',
  'softsign',
  'swish',
  'gelu',
  'mish',
  'softmax',
  'logSoftmax',
] as const;
type AnyActivation = any; // The type definitions of TensorFlow.js lack some of the activations that it supports.

export const pick = <T>(list: readonly T[], turn: number): T => list[turn % list.length]!;
export const odd = (turn: number, bit: number) => ((turn >> bit) & 1) === 1;

/** Returns the options of a convolution, which depend on the bits of `turn`. */
const windowOf = ({ size, turn }: Choice) => ({
  kernelSize: size,
  padding: odd(turn, 0) ? ('same' as const) : ('valid' as const),
  // TensorFlow.js does not support strides together with dilation.
  ...(odd(turn, 1) ? { strides: 2 } : odd(turn, 2) ? { dilationRate: 2 } : {}),
  useBias: !odd(turn, 3),
  activation: pick(ACTIVATIONS, turn >> 2) as AnyActivation,
});

/** Initializers. Only their configuration matters, because the tests replace the weights. */
const INITIALIZERS = [
  () => tf.initializers.glorotUniform({}),
  () => tf.initializers.heNormal({}),
  () => tf.initializers.leCunNormal({ seed: 3 }),
  () => tf.initializers.varianceScaling({ scale: 2, mode: 'fanOut', distribution: 'truncatedNormal' }),
  () => tf.initializers.varianceScaling({ scale: 1, mode: 'fanAvg', distribution: 'normal' }),
  () => tf.initializers.constant({ value: 0.5 }),
  () => tf.initializers.randomUniform({ minval: -1, maxval: 1 }),
  () => tf.initializers.truncatedNormal({ stddev: 0.1 }),
  () => tf.initializers.ones(),
];

const penalties = ({ turn }: Choice) => ({
  ...(odd(turn, 4) ? { kernelRegularizer: tf.regularizers.l2({ l2: 0.01 }) } : {}),
  ...(odd(turn, 5) ? { biasRegularizer: tf.regularizers.l1({ l1: 0.02 }) } : {}),
  ...(odd(turn, 6) ? { kernelConstraint: tf.constraints.maxNorm({ maxValue: 3, axis: 0 }) } : {}),
  kernelInitializer: pick(INITIALIZERS, turn >> 3)(),
});

const layers = tf.layers;
const one =
  (kind: string, make: (name: string, c: Choice, shape: Shape) => tf.layers.Layer): Apply =>
  (x, c, graph) =>
    graph.connect(make(graph.name(kind), c, x.shape), x);

export const ANY_RANK: readonly Apply[] = [
  one('bn', (name, { turn }) =>
    layers.batchNormalization({ name, center: !odd(turn, 0), scale: !odd(turn, 1), momentum: 0.9 }),
  ),
  one('bn', (name) => layers.batchNormalization({ name })),
  one('ln', (name, { turn }) =>
    layers.layerNormalization({ name, center: !odd(turn, 0), scale: !odd(turn, 1) }),
  ),
  one('act', (name, { turn }) =>
    layers.activation({ name, activation: pick(ACTIVATIONS, turn) as AnyActivation }),
  ),
  one('relu', (name, { turn }) => layers.reLU({ name, ...(odd(turn, 0) ? { maxValue: 2 } : {}) })),
  one('leaky', (name) => layers.leakyReLU({ name, alpha: 0.1 })),
  one('elu', (name) => layers.elu({ name })),
  one('cut', (name) => layers.thresholdedReLU({ name, theta: 0.3 })),
  one('softmax', (name) => layers.softmax({ name, axis: -1 })),
  one('prelu', (name, { turn }, shape) =>
    layers.prelu({ name, ...(odd(turn, 0) && shape.length === 4 ? { sharedAxes: [1, 2] } : {}) }),
  ),
  one('dropout', (name) => layers.dropout({ name, rate: 0.4 })),
  one('rescale', (name) => layers.rescaling({ name, scale: 0.5, offset: 1 })),
  one('flatten', (name) => layers.flatten({ name })),
  (x, c, graph) => graph.connect(layers.add({ name: graph.name('add') }), [x, graph.like(x, c.other)]),
  (x, c, graph) =>
    graph.connect(layers.multiply({ name: graph.name('multiply') }), [graph.like(x, c.other), x]),
  (x, c, graph) =>
    graph.connect(layers.average({ name: graph.name('average') }), [x, graph.like(x, c.other)]),
  (x, c, graph) =>
    graph.connect(layers.maximum({ name: graph.name('maximum') }), [x, graph.like(x, c.other)]),
  (x, c, graph) =>
    graph.connect(layers.minimum({ name: graph.name('minimum') }), [x, graph.like(x, c.other)]),
  (x, c, graph) =>
    graph.connect(layers.concatenate({ name: graph.name('concat') }), [x, graph.like(x, c.other)]),
  // There are three entries, because a single entry among thirty would rarely be drawn.
  ...Array.from(
    { length: 3 },
    (): Apply => (x, c, graph) => {
      const layer = graph.shared(x, c.other);
      return layer && graph.connect(layer, x);
    },
  ),
];

export const IMAGE: readonly Apply[] = [
  one('conv', (name, c) => layers.conv2d({ name, filters: c.size, ...windowOf(c), ...penalties(c) })),
  one('conv', (name) =>
    layers.conv2d({ name, filters: 2, kernelSize: 3, padding: 'same', activation: 'relu' }),
  ),
  one('depthwise', (name, c) => {
    // The built-in layer of TensorFlow.js ignores the dilation.
    const { dilationRate: _, ...rest } = windowOf(c) as ReturnType<typeof windowOf> & {
      dilationRate?: number;
    };
    const l2 = odd(c.turn, 4) ? { depthwiseRegularizer: tf.regularizers.l2({ l2: 0.01 }) } : {};
    return layers.depthwiseConv2d({ name, depthMultiplier: 2, ...rest, ...l2 });
  }),
  one('separable', (name, c) => {
    const { strides: _, ...rest } = windowOf(c) as ReturnType<typeof windowOf> & { strides?: number };
    return layers.separableConv2d({ name, filters: 2, depthMultiplier: 2, ...rest });
  }),
  one('up', (name, c) => {
    const { dilationRate: _, ...rest } = windowOf(c) as ReturnType<typeof windowOf> & {
      dilationRate?: number;
    };
    // TensorFlow crashes in the gradient of a layer whose stride is larger than its window.
    return layers.conv2dTranspose({ name, filters: 2, ...rest, kernelSize: c.size + 1 });
  }),
  one('pad', (name, { size }) =>
    layers.zeroPadding2d({
      name,
      padding: [
        [size, 0],
        [1, size],
      ],
    }),
  ),
  one('crop', (name) =>
    layers.cropping2D({
      name,
      cropping: [
        [1, 0],
        [0, 1],
      ],
    }),
  ),
  one('larger', (name, { size }) => layers.upSampling2d({ name, size: [size, 2] })),
  one('pool', (name, c) =>
    layers.maxPooling2d({ name, poolSize: c.size, strides: 1 + (c.turn % 2), padding: 'same' }),
  ),
  one('pool', (name) => layers.averagePooling2d({ name, poolSize: 2 })),
  one('pool', (name) => layers.averagePooling2d({ name, poolSize: 3, strides: 1, padding: 'same' })),
  one('gap', (name) => layers.globalAveragePooling2d({ name })),
  one('gmp', (name) => layers.globalMaxPooling2d({ name })),
  one('permute', (name) => layers.permute({ name, dims: [2, 1, 3] })),
  one('rows', (name, _, [, height, width, channels]) =>
    layers.reshape({ name, targetShape: [height! * width!, channels!] }),
  ),
];

/** Reshapes an image to a volume, so that volume layers can follow. */
export const TO_VOLUME = one('volume', (name, _, [, ...shape]) =>
  layers.reshape({ name, targetShape: [...(shape as number[]), 1] }),
);

export const SEQUENCE: readonly Apply[] = [
  (x, c, graph) =>
    graph.connect(layers.dot({ name: graph.name('dot'), axes: 2 }), [x, graph.like(x, c.other)]),
  one('permute', (name) => layers.permute({ name, dims: [2, 1] })),
];

export const ROWS: readonly Apply[] = [
  ...SEQUENCE,
  one('conv1d', (name, c) => layers.conv1d({ name, filters: 2, ...windowOf(c) })),
  one('pool', (name) => layers.maxPooling1d({ name, poolSize: 2 })),
  one('pool', (name) => layers.averagePooling1d({ name, poolSize: 2, padding: 'same' })),
  one('gap', (name) => layers.globalAveragePooling1d({ name })),
  one('gmp', (name) => layers.globalMaxPooling1d({ name })),
];

export const FLAT: readonly Apply[] = [
  one('dense', (name, c) =>
    layers.dense({
      name,
      units: 1 + c.size,
      useBias: !odd(c.turn, 3),
      activation: pick(ACTIVATIONS, c.turn) as AnyActivation,
      ...penalties(c),
    }),
  ),
  one('dense', (name) => layers.dense({ name, units: 3, activation: 'relu' })),
  one('repeat', (name, { size }) => layers.repeatVector({ name, n: size })),
];

export const VOLUME: readonly Apply[] = [
  one('conv3d', (name, c) =>
    layers.conv3d({
      name,
      filters: 2,
      kernelSize: [2, 2, 1],
      activation: pick(ACTIVATIONS.slice(0, 8), c.turn) as AnyActivation,
    }),
  ),
  one(
    'up3d',
    (name) => layers.conv3dTranspose({ name, filters: 1, kernelSize: 2 } as never) as tf.layers.Layer,
  ),
  one('pool3d', (name) => layers.maxPooling3d({ name, poolSize: [2, 2, 1] })),
  one('pool3d', (name) => layers.averagePooling3d({ name, poolSize: [2, 2, 1] })),
  one('flatten', (name) => layers.flatten({ name })),
];

/** Layers that generate their own random numbers. A network with tasks rejects such layers. */
export const DRAWING: readonly Apply[] = [
  one('noise', (name) => layers.gaussianNoise({ name, stddev: 0.1 })),
  one('noise', (name) => layers.gaussianDropout({ name, rate: 0.1 })),
  one('noise', (name) => layers.alphaDropout({ name, rate: 0.1 })),
];
export const DRAWING_ROWS: readonly Apply[] = [
  one('spatial', (name) => layers.spatialDropout1d({ name, rate: 0.2 })),
];
