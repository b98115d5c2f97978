import type { SymbolicTensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import {
  adam,
  batchNorm,
  binary,
  branch,
  conv,
  dense,
  depthwiseConv,
  dropout,
  exponentialDecay,
  exportKeras,
  flatten,
  globalAveragePool,
  maxPool,
  multiTask,
  regression,
  sharedTrunk,
  weightedLoss,
} from '../../src/entries/node.js';
import type { Hdf5AttributeValue, Hdf5Group } from '../../src/formats/hdf5/hdf5Group.js';
import { readHdf5 } from '../../src/formats/hdf5/read/readHdf5.js';
import { readZip } from '../../src/formats/zip/zip.js';
import { fixture } from './fixture.js';

interface Written {
  readonly members: readonly string[];
  readonly config: object;
  readonly weights: Tree;
  readonly attributes: { readonly [name: string]: string };
  readonly model_config: object;
  readonly training_config: object | null;
  readonly tree: Tree;
}

interface Tree {
  readonly [path: string]: {
    readonly attributes: { readonly [name: string]: Hdf5AttributeValue };
    readonly shape?: readonly number[];
    readonly dtype?: string;
  };
}

const kerasFiles = fixture<{ readonly faces: Written; readonly pair: Written }>('written');

/** Creates the same networks as keras/make_written.py does. */
const createFaceModel = () => {
  const model = multiTask({ input: [12, 12, 3] })
    .trunk(
      sharedTrunk([
        conv(4, 3),
        batchNorm(),
        depthwiseConv(3, { padding: 'same', activation: 'swish', useBias: false }),
        conv(4, 1, { strides: 2, activation: 'linear', l2: 0.25 }),
        tf.layers.leakyReLU({ alpha: 0.125, name: 'leaky' }),
        tf.layers.reLU({ maxValue: 6, name: 'six' }),
        maxPool(2, { strides: 1, padding: 'same' }),
      ]),
    )
    .task(
      'age',
      regression({ unit: 'years' }),
      branch([globalAveragePool(), dense(5, { l2: 0.5 }), dropout(0.5)]),
    )
    .task('gender', binary(['male', 'female']), branch([flatten()]))
    .build();
  for (const name of ['trunk_conv1', 'trunk_bn1']) model.layersModel.getLayer(name).trainable = false;
  return model;
};

const createCompileOptions = () => ({
  optimizer: adam({
    learningRate: exponentialDecay({ initialLearningRate: 0.5, decaySteps: 10, decayRate: 0.25 }),
    clipNorm: 2,
  }),
  loss: weightedLoss({ age: 1, gender: 50 }),
});

const createPairModel = () => {
  const { layers } = tf;
  const glorot = { kernelInitializer: 'glorotUniform' } as const;
  const [left, right] = ['left', 'right'].map((name) => tf.input({ shape: [6, 5, 2], name }));
  const eye = layers.separableConv2d({ filters: 3, kernelSize: 2, depthMultiplier: 2, name: 'eye' });
  const scale = layers.layerNormalization({ axis: [3], name: 'scale' });
  const [a, b] = [left, right].map((x) => scale.apply(eye.apply(x!)) as SymbolicTensor);
  const sum = layers.add({ name: 'sum' }).apply([a!, b!]) as SymbolicTensor;
  const chain = [
    layers.prelu({ sharedAxes: [1, 2], name: 'slope' }),
    layers.zeroPadding2d({
      padding: [
        [1, 0],
        [0, 2],
      ],
      name: 'pad',
    }),
    layers.cropping2D({
      cropping: [
        [0, 1],
        [1, 0],
      ],
      name: 'crop',
    }),
    layers.upSampling2d({ size: [2, 2], name: 'up' }),
    layers.conv2dTranspose({
      filters: 2,
      kernelSize: 3,
      strides: 2,
      padding: 'same',
      name: 'wide',
      ...glorot,
    }),
    layers.rescaling({ scale: 0.5, offset: -1, name: 'rescale' }),
    layers.permute({ dims: [2, 1, 3], name: 'turn' }),
    layers.averagePooling2d({ poolSize: 3, name: 'pool' }),
    layers.activation({ activation: 'tanh', name: 'bend' }),
  ];
  const product = layers.multiply({ name: 'product' }).apply([sum, a!]) as SymbolicTensor;
  const x = chain.reduce((tensor, layer) => layer.apply(tensor) as SymbolicTensor, product);
  const ends = [layers.globalMaxPooling2d({ name: 'gmp' }), layers.flatten({ name: 'flat' })];
  const joined = layers
    .concatenate({ name: 'join' })
    .apply(ends.map((layer) => layer.apply(x) as SymbolicTensor));
  const rows = layers.reshape({ targetShape: [37, 2], name: 'rows' }).apply(joined);
  const outputs = layers.softmax({ axis: -1, name: 'share' }).apply(rows) as SymbolicTensor;
  return tf.model({ inputs: [left!, right!], outputs, name: 'pair' });
};

const DTYPES = { Float32Array: 'float32', BigInt64Array: 'int64' } as const;

/** Lists groups and datasets with their full paths, as make_written.py does. */
function listTree(group: Hdf5Group, prefix = ''): Tree {
  const inner = Object.entries(group.groups).map(
    ([name, { attributes }]) => [`${prefix}${name}`, { attributes }] as const,
  );
  const arrays = Object.entries(group.arrays).map(([name, { shape, data }]) => {
    const dtype = DTYPES[data.constructor.name as keyof typeof DTYPES];
    return [`${prefix}${name}`, { attributes: {}, dtype, shape }] as const;
  });
  const nestedTrees = Object.entries(group.groups).map(([name, child]) =>
    listTree(child, `${prefix}${name}/`),
  );
  return Object.assign(Object.fromEntries<Tree[string]>([...inner, ...arrays]), ...nestedTrees);
}

const json = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));
const removePaths = (tree: Tree, prefix: string) =>
  Object.fromEntries(Object.entries(tree).filter(([path]) => !path.startsWith(prefix)));

const CASES = [
  [
    'a multi-task network',
    kerasFiles.faces,
    (format: 'keras' | 'h5') => exportKeras(createFaceModel(), { format, ...createCompileOptions() }),
  ],
  [
    'a model with two inputs',
    kerasFiles.pair,
    (format: 'keras' | 'h5') => exportKeras(createPairModel(), { format }),
  ],
] as const;

describe.each(CASES)('exportKeras with %s', (_, keras, write) => {
  test('writes exactly the same config.json as Keras', async () => {
    const members = readZip(await write('keras'), 'ours.keras');
    expect(Object.keys(members)).toEqual(keras.members);
    const { metadata, config } = {
      metadata: json(members['metadata.json']!),
      config: json(members['config.json']!),
    };
    expect(metadata).toMatchObject({
      keras_version: '3.15.1',
      date_saved: expect.stringMatching(/^\d{4}-\d\d-\d\d@/),
    });
    expect(config).toEqual(keras.config);
  });

  test('writes the weights to the same HDF5 groups as Keras', async () => {
    const members = readZip(await write('keras'), 'ours.keras');
    expect(listTree(await readHdf5(members['model.weights.h5']!, 'ours.keras'))).toEqual(keras.weights);
  });

  test('writes the same h5 file as Keras, except for the optimizer state', async () => {
    const file = await readHdf5(await write('h5'), 'ours.h5');
    const { model_config, training_config, tfjs_multitask: _, ...attributes } = file.attributes;
    expect(attributes).toEqual(keras.attributes);
    expect(JSON.parse(model_config as string)).toEqual(keras.model_config);
    expect(training_config === undefined ? null : JSON.parse(training_config as string)).toEqual(
      keras.training_config,
    );
    // If a file contains the optimizer state, Keras 3.15.1 cannot train the loaded model, even if Keras itself wrote the file.
    expect(listTree(file)).toEqual(removePaths(keras.tree, 'optimizer_weights'));
  });
});
