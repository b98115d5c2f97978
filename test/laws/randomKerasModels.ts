/** Random models as Keras 2 and Keras 3 files, and a reference implementation that computes their outputs. */

import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { createRng } from '../../src/core/rng.js';
import type { Hdf5Dataset, Hdf5Group } from '../../src/formats/hdf5/hdf5Group.js';
import { toSnakeCase } from '../../src/interop/keras/file/kerasNames.js';
import { uniform } from '../parity/noise.js';

/** Channels of every tensor inside a model. They are equal, so that any two tensors can be added. */
export const CHANNELS = 3;
export const SIDE = 3;

type Ref = readonly [layer: string, call: number, output: number];
type Kind = 'input' | 'conv' | 'norm' | 'relu' | 'add' | 'model' | 'chain' | 'pool' | 'head';

interface RandomLayer {
  readonly kind: Kind;
  readonly name: string;
  readonly trainable: boolean;
  readonly calls: Ref[][];
  readonly inner?: RandomModel;
}

export interface RandomModel {
  readonly name: string;
  readonly trainable: boolean;
  readonly layers: readonly RandomLayer[];
  readonly outputs: readonly Ref[];
}

const KERAS_CLASSES: { readonly [kind in Kind]: string } = {
  input: 'InputLayer',
  conv: 'Conv2D',
  norm: 'BatchNormalization',
  relu: 'ReLU',
  add: 'Add',
  model: 'Functional',
  chain: 'Sequential',
  pool: 'GlobalAveragePooling2D',
  head: 'Dense',
};

/**
 * Arbitrary face models: one image, a body of random layers, and one output per head. Shrinks to smaller
 * models.
 */
export const randomModels = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.nat()).map(([size, seed]) => {
  const random = createRng(seed, 'drawn');
  return drawModel((below) => Math.floor(random.next() * below), size);
});

type Draw = (below: number) => number;

function drawModel(draw: Draw, size: number): RandomModel {
  const body = drawBody(draw, 'face', size, false);
  const whole = addUnusedTensors(body.layers, body.tensors);
  const heads = Array.from({ length: 1 + draw(2) }, (_, i): RandomLayer[] => {
    const from = i === 0 ? whole : body.tensors[draw(body.tensors.length)]!;
    return [
      { kind: 'pool', name: `pool${i}`, trainable: true, calls: [[from]] },
      { kind: 'head', name: `task${i}`, trainable: draw(4) > 0, calls: [[[`pool${i}`, 0, 0]]] },
    ];
  });
  return {
    name: 'face',
    trainable: true,
    layers: [...body.layers, ...heads.flat()],
    outputs: heads.map(([, head]) => [head!.name, 0, 0] as const),
  };
}

/** Returns the sum of all tensors that no layer uses yet, so that no layer is unused. */
function addUnusedTensors(layers: RandomLayer[], tensors: readonly Ref[]): Ref {
  const usedTensors = new Set(layers.flatMap(({ calls }) => calls.flat().map((ref) => ref.join())));
  const unusedTensors = tensors.filter((ref) => !usedTensors.has(ref.join()));
  if (unusedTensors.length < 2) return unusedTensors[0] ?? tensors[0]!;
  layers.push({ kind: 'add', name: 'whole', trainable: true, calls: [unusedTensors] });
  return ['whole', 0, 0];
}

/** Draws the layers of a model. Layer names are unique only within one model: each model has a `conv0`. */
function drawBody(draw: Draw, name: string, size: number, chain: boolean) {
  const layers: RandomLayer[] = [{ kind: 'input', name: `${name}_in`, trainable: true, calls: [] }];
  const tensors: Ref[] = [[`${name}_in`, 0, 0]];
  const outputsOf = (layer: RandomLayer) =>
    Array.from(
      { length: layer.inner?.outputs.length ?? 1 },
      (_, i) => [layer.name, layer.calls.length - 1, i] as const,
    );
  for (let count = 1 + draw(size); count > 0; count--) {
    const from = chain ? tensors.at(-1)! : tensors[draw(tensors.length)]!;
    const callableLayers = layers.filter(({ kind }) => ['conv', 'norm', 'model', 'chain'].includes(kind));
    if (!chain && callableLayers.length > 0 && draw(3) === 0) {
      const layer = callableLayers[draw(callableLayers.length)]!;
      layer.calls.push([from]);
      tensors.push(...outputsOf(layer));
      continue;
    }
    const kinds: Kind[] = ['conv', 'norm', 'relu', ...(chain ? [] : (['add'] as const))];
    if (size > 2) kinds.push('model', 'chain');
    const kind = kinds[draw(kinds.length)]!;
    const number = layers.filter((layer) => layer.kind === kind).length;
    const other = tensors[draw(tensors.length)]!;
    const calls: Ref[][] = [kind === 'add' ? [from, other] : [from]];
    const layerName = `${kind}${number}`;
    const trainable = draw(4) > 0;
    const inner =
      kind === 'model' || kind === 'chain'
        ? drawInner(draw, layerName, size - 2, kind === 'chain', trainable)
        : undefined;
    if (chain && inner && inner.outputs.length > 1) continue; // A chain of layers has a single tensor.
    layers.push({ kind, name: layerName, trainable, calls, ...(inner ? { inner } : {}) });
    tensors.push(...outputsOf(layers.at(-1)!));
  }
  return { layers, tensors };
}

function drawInner(draw: Draw, name: string, size: number, chain: boolean, trainable: boolean): RandomModel {
  const { layers, tensors } = drawBody(draw, name, size, chain);
  if (layers.length === 1) {
    layers.push({ kind: 'relu', name: 'relu', trainable: true, calls: [[tensors[0]!]] });
    return { name, trainable, layers, outputs: [['relu', 0, 0]] };
  }
  const whole = chain ? tensors.at(-1)! : addUnusedTensors(layers, tensors);
  const outputs = chain || draw(2) === 0 ? [whole] : [whole, tensors[draw(tensors.length)]!];
  return { name, trainable, layers, outputs };
}

/** Returns the configuration as Keras 3 writes it, with the layers in the order of `order`. */
export function toKeras3Config(model: RandomModel, order = inOrder): object {
  const chain = isChain(model);
  const tensor = (ref: Ref) => ({
    class_name: '__keras_tensor__',
    config: { shape: [null, SIDE, SIDE, CHANNELS], dtype: 'float32', keras_history: ref },
  });
  const layers = (chain ? model.layers : order(model.layers)).map((layer) => {
    const node = (call: readonly Ref[]) => ({
      args: layer.kind === 'add' ? [call.map(tensor)] : call.map(tensor),
      kwargs: layer.kind === 'norm' || layer.inner ? { mask: null } : {},
    });
    const config = layer.inner
      ? (toKeras3Config(layer.inner, order) as { config: object }).config
      : {
          name: layer.name,
          trainable: layer.trainable,
          dtype: {
            module: 'keras',
            class_name: 'DTypePolicy',
            config: { name: 'float32' },
            registered_name: null,
          },
          ...toLayerSettings(layer, 3),
        };
    return {
      module: 'keras.layers',
      class_name: KERAS_CLASSES[layer.kind],
      config,
      registered_name: null,
      ...(chain ? {} : { name: layer.name, inbound_nodes: layer.calls.map(node) }),
    };
  });
  const toEnds = (refs: readonly Ref[]) => (refs.length === 1 ? refs[0] : refs);
  const graph = chain
    ? {}
    : { input_layers: [model.layers[0]!.name, 0, 0], output_layers: toEnds(model.outputs) };
  return {
    module: chain ? 'keras' : 'keras.src.models.functional',
    class_name: chain ? 'Sequential' : 'Functional',
    config: { name: model.name, trainable: model.trainable, layers, ...graph },
    registered_name: chain ? null : 'Functional',
  };
}

/** Returns the configuration as Keras 2 writes it. */
export function toKeras2Config(model: RandomModel, order = inOrder): object {
  const chain = isChain(model);
  const inner = new Set(model.layers.filter((layer) => layer.inner).map(({ name }) => name));
  const shiftCall = ([layer, call, output]: Ref) => [layer, inner.has(layer) ? call + 1 : call, output];
  const layers = (chain ? model.layers : order(model.layers)).map((layer) => {
    const config = layer.inner
      ? (toKeras2Config(layer.inner, order) as { config: object }).config
      : { name: layer.name, trainable: layer.trainable, dtype: 'float32', ...toLayerSettings(layer, 2) };
    const nodes = layer.calls.map((call) => call.map((ref) => [...shiftCall(ref), {}]));
    return {
      class_name: KERAS_CLASSES[layer.kind],
      config,
      ...(chain ? {} : { name: layer.name, inbound_nodes: nodes }),
    };
  });
  const graph = chain
    ? {}
    : { input_layers: [[model.layers[0]!.name, 0, 0]], output_layers: model.outputs.map(shiftCall) };
  // Keras 2 cannot mark a model as frozen: all its layers are frozen instead.
  return { class_name: chain ? 'Sequential' : 'Functional', config: { name: model.name, layers, ...graph } };
}

/** Returns the model with the layers of frozen models frozen one by one, as Keras writes them. */
export function freezeNestedLayers(model: RandomModel, isOuterTrainable = true): RandomModel {
  const trainable = isOuterTrainable && model.trainable;
  return {
    ...model,
    trainable,
    layers: model.layers.map((layer) => ({
      ...layer,
      trainable: layer.trainable && trainable,
      ...(layer.inner ? { inner: freezeNestedLayers(layer.inner, trainable && layer.trainable) } : {}),
    })),
  };
}

const isChain = ({ name }: RandomModel) => name.startsWith('chain');

const inOrder = (layers: readonly RandomLayer[]) => layers;

function toLayerSettings({ kind }: RandomLayer, version: 2 | 3): object {
  switch (kind) {
    case 'input': {
      const shape = [null, SIDE, SIDE, CHANNELS];
      return version === 3 ? { batch_shape: shape } : { batch_input_shape: shape };
    }
    case 'conv':
      return {
        filters: CHANNELS,
        kernel_size: [1, 1],
        strides: [1, 1],
        padding: 'valid',
        activation: 'tanh',
      };
    case 'norm':
      return { axis: version === 3 ? -1 : [3], epsilon: 0.01, momentum: 0.9 };
    case 'relu':
      return { max_value: null, negative_slope: 0, threshold: 0 };
    case 'head':
      return { units: 1, activation: 'linear' };
    default:
      return {};
  }
}

const WEIGHTS: { readonly [kind in Kind]?: { readonly [weight: string]: readonly number[] } } = {
  conv: { kernel: [1, 1, CHANNELS, CHANNELS], bias: [CHANNELS] },
  norm: { gamma: [CHANNELS], beta: [CHANNELS], moving_mean: [CHANNELS], moving_variance: [CHANNELS] },
  head: { kernel: [CHANNELS, 1], bias: [1] },
};

/** Returns the values of a weight. They depend only on the path of the weight. */
function getWeightValues(path: readonly string[], weight: string, shape: readonly number[]): Float32Array {
  const [low, high] = /gamma|variance/.test(weight) ? [0.5, 1.5] : [-1, 1];
  return uniform(`${path.join('/')}/${weight}`, shape, low, high);
}

function getLayerWeights(layer: RandomLayer, path: readonly string[]): [name: string, array: Hdf5Dataset][] {
  return Object.entries(WEIGHTS[layer.kind] ?? {}).map(([weight, shape]) => [
    weight,
    { shape, data: getWeightValues([...path, layer.name], weight, shape) },
  ]);
}

/**
 * Returns the weights as Keras 3 stores them. `named`: whether the file contains the layer names, which the
 * first versions of Keras 3 did not write.
 */
export function toContainerWeights(
  model: RandomModel,
  named: boolean,
  order = inOrder,
  path: readonly string[] = [],
): Hdf5Group {
  const counts = new Map<string, number>();
  const groups: { [key: string]: Hdf5Group } = {};
  for (const layer of isChain(model) ? model.layers : order(model.layers)) {
    const kind = toSnakeCase(KERAS_CLASSES[layer.kind]);
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    const weights = getLayerWeights(layer, path).map(([, array], i) => [String(i), array] as const);
    const inside = layer.inner
      ? toContainerWeights(layer.inner, named, order, [...path, layer.name]).groups
      : {};
    groups[count === 0 ? kind : `${kind}_${count}`] = {
      attributes: {},
      groups: {
        ...inside,
        vars: {
          attributes: named ? { name: layer.name } : {},
          groups: {},
          arrays: Object.fromEntries(weights),
        },
      },
      arrays: {},
    };
  }
  return { attributes: {}, groups: { layers: { attributes: {}, groups, arrays: {} } }, arrays: {} };
}

/** Returns the weights as legacy files store them, trained weights first. `suffix` is `:0` in Keras 2. */
export function toLegacyWeights(model: RandomModel, suffix: string): Hdf5Group {
  const groups = model.layers.map((layer) => {
    const weights = listNamedWeights(layer, [], [], layer.trainable).sort(
      (a, b) => Number(b.trained) - Number(a.trained),
    );
    const group: Hdf5Group = {
      attributes: { weight_names: weights.map(({ name }) => name + suffix) },
      groups: {},
      arrays: {},
    };
    for (const { name, array } of weights) addDataset(group, `${name}${suffix}`.split('/'), array);
    return [layer.name, group] as const;
  });
  return {
    attributes: { layer_names: groups.map(([name]) => name), backend: 'tensorflow', keras_version: '2.9.0' },
    groups: Object.fromEntries(groups),
    arrays: {},
  };
}

/**
 * Lists the weights of a layer with their full names. Keras only adds the names of sequential models, but it
 * cannot save two weights with the same name, so the names of all nested models are added here.
 */
function listNamedWeights(
  layer: RandomLayer,
  path: readonly string[],
  models: readonly string[],
  trainable: boolean,
): { name: string; array: Hdf5Dataset; trained: boolean }[] {
  if (layer.inner) {
    const below = trainable && layer.inner.trainable;
    return layer.inner.layers.flatMap((inner) =>
      listNamedWeights(inner, [...path, layer.name], [...models, layer.name], below && inner.trainable),
    );
  }
  return getLayerWeights(layer, path).map(([weight, array]) => ({
    name: [...models, layer.name, weight].join('/'),
    array,
    trained: trainable && !weight.startsWith('moving'),
  }));
}

function addDataset(group: Hdf5Group, [first, ...rest]: readonly string[], array: Hdf5Dataset): void {
  if (rest.length === 0) {
    (group.arrays as { [name: string]: Hdf5Dataset })[first!] = array;
    return;
  }
  const groups = group.groups as { [name: string]: Hdf5Group };
  groups[first!] ??= { attributes: {}, groups: {}, arrays: {} };
  addDataset(groups[first!]!, rest, array);
}

/** Computes the outputs of the model from its description, without TensorFlow.js layers. */
export function computeOutputs(
  model: RandomModel,
  image: tf.Tensor,
  path: readonly string[] = [],
): tf.Tensor[] {
  const values = new Map<string, tf.Tensor[]>();
  const tensorAt = ([name, call, output]: Ref): tf.Tensor => {
    const key = `${name} ${call}`;
    const layer = model.layers.find((candidate) => candidate.name === name)!;
    if (!values.has(key)) {
      const inputs = layer.kind === 'input' ? [image] : layer.calls[call]!.map(tensorAt);
      values.set(key, applyLayer(layer, inputs, path));
    }
    return values.get(key)![output]!;
  };
  return model.outputs.map(tensorAt);
}

function applyLayer(layer: RandomLayer, inputs: readonly tf.Tensor[], path: readonly string[]): tf.Tensor[] {
  const [x] = inputs;
  const weight = (name: string) => {
    const shape = WEIGHTS[layer.kind]![name]!;
    return tf.tensor(getWeightValues([...path, layer.name], name, shape), [...shape]);
  };
  switch (layer.kind) {
    case 'conv':
      return [
        tf.tanh(
          tf.add(tf.conv2d(x as tf.Tensor4D, weight('kernel') as tf.Tensor4D, 1, 'valid'), weight('bias')),
        ),
      ];
    case 'norm': {
      const [gamma, beta, mean, variance] = Object.keys(WEIGHTS.norm!).map(weight);
      return [
        tf.batchNorm(
          x!,
          mean as tf.Tensor1D,
          variance as tf.Tensor1D,
          beta as tf.Tensor1D,
          gamma as tf.Tensor1D,
          0.01,
        ),
      ];
    }
    case 'relu':
      return [tf.relu(x!)];
    case 'add':
      return [tf.addN([...inputs])];
    case 'head':
      return [tf.add(tf.matMul(tf.mean(x!, [1, 2]), weight('kernel') as tf.Tensor2D), weight('bias'))];
    default:
      return layer.inner ? computeOutputs(layer.inner, x!, [...path, layer.name]) : [x!];
  }
}

/** Counts the weights that training updates. */
export function countTrainedWeights(model: RandomModel, isOuterTrainable = true): number {
  const trainable = isOuterTrainable && model.trainable;
  return model.layers.reduce((sum, layer) => {
    const isTrainable = trainable && layer.trainable;
    if (layer.inner) return sum + countTrainedWeights(layer.inner, isTrainable);
    const trainableWeights = Object.keys(WEIGHTS[layer.kind] ?? {}).filter(
      (name) => !name.startsWith('moving'),
    );
    return sum + (isTrainable ? trainableWeights.length : 0);
  }, 0);
}
