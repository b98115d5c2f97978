import type { SymbolicTensor } from '@tensorflow/tfjs';
import fc from 'fast-check';
import { rng } from '../../src/index.js';
import { adopt } from '../../src/layers/own/adopt.js';
import { tf } from '../../src/tensor/tf.js';

/** One layer to be: what, on which tensor so far, with which numbers. */
interface Choice {
  readonly kind: number;
  readonly from: number;
  readonly other: number;
  readonly size: number;
  readonly turn: number;
  readonly frozen: boolean;
}

/** A model drawn by fast-check, as numbers: {@link builtFrom} makes it, shrinking drops layers. */
export interface ModelSpec {
  readonly seed: number;
  readonly inputs: readonly (readonly [height: number, width: number, channels: number])[];
  readonly choices: readonly Choice[];
  readonly outputs: number;
}

const choice: fc.Arbitrary<Choice> = fc.record({
  kind: fc.nat(10_000),
  from: fc.nat(100),
  other: fc.nat(100),
  size: fc.integer({ min: 1, max: 3 }),
  turn: fc.nat(1000),
  frozen: fc.boolean(),
});

const side = fc.integer({ min: 5, max: 8 });
const channels = fc.constantFrom(1, 3);

/** Models of one or two images, with branches, merges and shared layers, of every family of layers that is written. */
export const modelSpec: fc.Arbitrary<ModelSpec> = fc.record({
  seed: fc.nat(1_000_000),
  inputs: fc.array(fc.tuple(side, side, channels), { minLength: 1, maxLength: 2 }),
  choices: fc.array(choice, { minLength: 1, maxLength: 20, size: 'max' }),
  outputs: fc.integer({ min: 1, max: 3 }),
});

/** What is asked of a model. */
export interface BuildOptions {
  /** Names of tasks, one flat output each, behind one image. */
  readonly tasks?: readonly string[];
  /** Only layers for images: none for rows or volumes, none that draws by itself. True where there are tasks. */
  readonly images?: boolean;
}

type Shape = readonly (number | null)[];
type Apply = (x: SymbolicTensor, c: Choice, site: Site) => SymbolicTensor | undefined;

/** What the layers of one model share: names, and what stands already. */
interface Site {
  name(kind: string): string;
  connect(layer: tf.layers.Layer, input: SymbolicTensor | SymbolicTensor[]): SymbolicTensor;
  /** Another tensor of this shape. TensorFlow.js cannot run a merge of a tensor with itself that is read elsewhere too. */
  like(x: SymbolicTensor, which: number): SymbolicTensor;
  /** A layer that takes one tensor of this shape and has stood before. */
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
type AnyActivation = any; // tfjs types leave out some that it has

const pick = <T>(list: readonly T[], turn: number): T => list[turn % list.length]!;
const odd = (turn: number, bit: number) => ((turn >> bit) & 1) === 1;

/** Settings of any convolution, by the bits of `turn`. */
const windowOf = ({ size, turn }: Choice) => ({
  kernelSize: size,
  padding: odd(turn, 0) ? ('same' as const) : ('valid' as const),
  // TensorFlow.js has either strides or dilation.
  ...(odd(turn, 1) ? { strides: 2 } : odd(turn, 2) ? { dilationRate: 2 } : {}),
  useBias: !odd(turn, 3),
  activation: pick(ACTIVATIONS, turn >> 2) as AnyActivation,
});

const penalties = ({ turn }: Choice) => ({
  ...(odd(turn, 4) ? { kernelRegularizer: tf.regularizers.l2({ l2: 0.01 }) } : {}),
  ...(odd(turn, 5) ? { biasRegularizer: tf.regularizers.l1({ l1: 0.02 }) } : {}),
  ...(odd(turn, 6) ? { kernelConstraint: tf.constraints.maxNorm({ maxValue: 3, axis: 0 }) } : {}),
  ...(odd(turn, 7) ? { kernelInitializer: 'heNormal' as const } : {}),
});

const layers = tf.layers;
const one =
  (kind: string, make: (name: string, c: Choice, shape: Shape) => tf.layers.Layer): Apply =>
  (x, c, site) =>
    site.connect(make(site.name(kind), c, x.shape), x);

const ANY_RANK: readonly Apply[] = [
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
  (x, c, site) => site.connect(layers.add({ name: site.name('add') }), [x, site.like(x, c.other)]),
  (x, c, site) => site.connect(layers.multiply({ name: site.name('multiply') }), [site.like(x, c.other), x]),
  (x, c, site) => site.connect(layers.average({ name: site.name('average') }), [x, site.like(x, c.other)]),
  (x, c, site) => site.connect(layers.maximum({ name: site.name('maximum') }), [x, site.like(x, c.other)]),
  (x, c, site) => site.connect(layers.minimum({ name: site.name('minimum') }), [x, site.like(x, c.other)]),
  (x, c, site) => site.connect(layers.concatenate({ name: site.name('concat') }), [x, site.like(x, c.other)]),
  // Three times, since what is rare among thirty would hardly be drawn.
  ...Array.from(
    { length: 3 },
    (): Apply => (x, c, site) => {
      const layer = site.shared(x, c.other);
      return layer && site.connect(layer, x);
    },
  ),
];

const IMAGE: readonly Apply[] = [
  one('conv', (name, c) => layers.conv2d({ name, filters: c.size, ...windowOf(c), ...penalties(c) })),
  one('conv', (name) =>
    layers.conv2d({ name, filters: 2, kernelSize: 3, padding: 'same', activation: 'relu' }),
  ),
  one('depthwise', (name, c) => {
    // The stock layer takes no notice of a dilation.
    const { dilationRate: _, ...rest } = windowOf(c) as ReturnType<typeof windowOf> & {
      dilationRate?: number;
    };
    const l2 = odd(c.turn, 4) ? { depthwiseRegularizer: tf.regularizers.l2({ l2: 0.01 }) } : {};
    return layers.depthwiseConv2d({ name, depthMultiplier: 2, ...rest, ...l2 });
  }),
  one('separable', (name, c) => {
    const { strides: _, ...rest } = windowOf(c) as ReturnType<typeof windowOf> & { strides?: number };
    return layers.separableConv2d({ name, filters: 2, ...rest });
  }),
  one('up', (name, c) => {
    const { dilationRate: _, ...rest } = windowOf(c) as ReturnType<typeof windowOf> & {
      dilationRate?: number;
    };
    return layers.conv2dTranspose({ name, filters: 2, ...rest });
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

/** The door to layers of volumes. */
const DEEPER = one('volume', (name, _, [, ...shape]) =>
  layers.reshape({ name, targetShape: [...(shape as number[]), 1] }),
);

const SEQUENCE: readonly Apply[] = [
  (x, c, site) => site.connect(layers.dot({ name: site.name('dot'), axes: 2 }), [x, site.like(x, c.other)]),
  one('permute', (name) => layers.permute({ name, dims: [2, 1] })),
];

const ROWS: readonly Apply[] = [
  ...SEQUENCE,
  one('conv1d', (name, c) => layers.conv1d({ name, filters: 2, ...windowOf(c) })),
  one('pool', (name) => layers.maxPooling1d({ name, poolSize: 2 })),
  one('pool', (name) => layers.averagePooling1d({ name, poolSize: 2, padding: 'same' })),
  one('gap', (name) => layers.globalAveragePooling1d({ name })),
  one('gmp', (name) => layers.globalMaxPooling1d({ name })),
];

const FLAT: readonly Apply[] = [
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

const VOLUME: readonly Apply[] = [
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

/** Layers that draw by themselves: a network of tasks refuses them. */
const DRAWING: readonly Apply[] = [
  one('noise', (name) => layers.gaussianNoise({ name, stddev: 0.1 })),
  one('noise', (name) => layers.gaussianDropout({ name, rate: 0.1 })),
  one('noise', (name) => layers.alphaDropout({ name, rate: 0.1 })),
];
const DRAWING_ROWS: readonly Apply[] = [
  one('spatial', (name) => layers.spatialDropout1d({ name, rate: 0.2 })),
];

/** A tensor may not grow without end, nor a layer take more than this. */
const LARGEST = 4000;

const sizeOf = (shape: Shape) => shape.slice(1).reduce<number>((product, size) => product * (size ?? 1), 1);

/** The model of a spec, with weights from its seed. Equal specs give equal models. */
export function builtFrom(
  spec: ModelSpec,
  { tasks, images: plain = tasks !== undefined }: BuildOptions = {},
): tf.LayersModel {
  const counts = new Map<string, number>();
  const pool: SymbolicTensor[] = [];
  const read = new Set<number>();
  const made: { layer: tf.layers.Layer; shape: string }[] = [];
  const site: Site = {
    name: (kind) => {
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      return `${kind}_${count}`;
    },
    connect: (layer, input) => {
      const inputs = Array.isArray(input) ? input : [input];
      const output = layer.apply(input) as SymbolicTensor;
      for (const { id } of inputs) read.add(id);
      if (!Array.isArray(input)) made.push({ layer, shape: input.shape.join() });
      return output;
    },
    like: (x, which) => {
      const others = pool.filter(({ id, shape }) => id !== x.id && shape.join() === x.shape.join());
      if (others.length === 0) throw new Error('no other tensor of this shape');
      return pick(others, which);
    },
    shared: (x, which) => {
      const fitting = made.filter(({ shape }) => shape === x.shape.join());
      return fitting.length === 0 ? undefined : pick(fitting, which).layer;
    },
  };
  const images = (tasks ? spec.inputs.slice(0, 1) : spec.inputs).map((shape, i) =>
    tf.input({ shape: [...shape], name: i === 0 ? 'image' : `image_${i}` }),
  );
  pool.push(...images);
  for (const c of spec.choices) {
    const x = pool[pool.length - 1 - (c.from % Math.min(4, pool.length))]!; // a late one, so that depth grows
    const rank = x.shape.length;
    const own = rank === 5 ? VOLUME : [IMAGE, plain ? SEQUENCE : ROWS, FLAT][4 - rank]!;
    const drawing = plain || rank === 5 ? [] : [...DRAWING, ...(rank === 3 ? DRAWING_ROWS : [])];
    const deeper = rank === 4 && !plain ? [DEEPER] : [];
    const kinds = rank === 5 ? own : [...own, ...own, ...ANY_RANK, ...drawing, ...deeper];
    const y = tried(() => pick(kinds, c.kind)(x, c, site));
    if (!y || sizeOf(y.shape) > LARGEST || y.shape.slice(1).some((size) => !(size! > 0))) continue;
    if (c.frozen && odd(c.turn, 8)) y.sourceLayer.trainable = false;
    pool.push(y);
  }
  const ends = pool.slice(images.length).filter(({ id }) => !read.has(id));
  const wanted = tasks?.length ?? spec.outputs;
  const last = (ends.length > 0 ? ends : images).slice(-wanted);
  const outputs = tasks
    ? tasks.map((name, i) => headOf(name, pick(last, i), site))
    : last.map((end, i) => (images.includes(end) ? headOf(`out_${i}`, end, site) : end));
  const used = images.filter((image) => leadsTo(image, outputs));
  const model = tf.model({ inputs: used, outputs, name: 'drawn' });
  fill(model, spec.seed);
  if (tasks) for (const layer of model.layers) adopt(layer, 'drawn');
  return model;
}

/** A layer that does not take the shape is left out: which ones do is not the business of the spec. */
function tried<R>(action: () => R): R | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

function headOf(name: string, end: SymbolicTensor, site: Site): SymbolicTensor {
  const flat =
    end.shape.length === 2 ? end : site.connect(layers.flatten({ name: site.name('flatten') }), end);
  return site.connect(layers.dense({ name, units: 1 }), flat);
}

function leadsTo(image: SymbolicTensor, outputs: readonly SymbolicTensor[]): boolean {
  const seen = new Set<number>();
  const visit = (tensor: SymbolicTensor): boolean => {
    if (tensor.id === image.id) return true;
    if (seen.has(tensor.id)) return false;
    seen.add(tensor.id);
    const inputs = tensor.sourceLayer.inboundNodes[tensor.nodeIndex]!.inputTensors;
    return tensor.sourceLayer.getClassName() !== 'InputLayer' && inputs.some(visit);
  };
  return outputs.some(visit);
}

/** Every weight its own numbers, none of them what it was born with: variances above 0, the rest around 0. */
function fill(model: tf.LayersModel, seed: number): void {
  for (const weight of model.weights) {
    const random = rng(seed, weight.originalName);
    const positive = weight.originalName.endsWith('variance');
    const shape = weight.shape as number[];
    const values = Float32Array.from({ length: sizeOf([null, ...shape]) }, () =>
      positive ? random.uniform(0.5, 2) : random.uniform(-0.5, 0.5),
    );
    const tensor = tf.tensor(values, shape);
    weight.write(tensor);
    tensor.dispose();
  }
}

/** Inputs for a model, by name and in order: noise from 0 to 1. */
export function noiseFor(model: tf.LayersModel, count: number, seed: number): Float32Array[] {
  return model.inputs.map(({ shape }, i) => {
    const random = rng(seed, 'noise', i);
    return Float32Array.from({ length: count * sizeOf(shape) }, () => Math.fround(random.next()));
  });
}

/** The outputs for such inputs, in order. */
export function answersOf(
  model: tf.LayersModel,
  inputs: readonly Float32Array[],
  count: number,
): Float32Array[] {
  return tf.tidy(() => {
    const tensors = model.inputs.map(({ shape }, i) =>
      tf.tensor(inputs[i]!, [count, ...(shape.slice(1) as number[])]),
    );
    const outputs = [model.predict(tensors.length === 1 ? tensors[0]! : tensors)].flat() as tf.Tensor[];
    return outputs.map((output) => output.dataSync().slice() as Float32Array);
  });
}
