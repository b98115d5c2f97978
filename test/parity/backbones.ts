/** Backbones of this library, and the fixture of `keras/make_backbones.py`. */

import type { SymbolicTensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import type { HostArray } from '../../src/core/arrays.js';
import type { ImageShape } from '../../src/core/images.js';
import {
  type Backbone,
  branch,
  dense,
  efficientNetB0Backbone,
  flatten,
  type MultiTaskModel,
  mobileNetV2Backbone,
  multiTask,
  type PixelRange,
  regression,
  resnet50Backbone,
} from '../../src/entries/node.js';
import { createNetwork } from '../../src/network/buildNetwork.js';
import type { AnyTask, Tasks } from '../../src/tasks/task.js';
import { getActiveEngine } from '../engines/getActiveEngine.js';
import { expectClose, largest as largestOf } from './close.js';
import { type FixtureArray, fixture, numbers } from './fixture.js';
import { hashes, imageBytes, uniform } from './noise.js';

/** Totals of the Keras model. */
interface Totals {
  readonly layers: number;
  readonly weights: number;
  readonly parameters: number;
  readonly trainable: number;
}

/** Samples of one activation, at indices that are chosen by a hash. */
interface Activation {
  readonly shape: readonly number[];
  readonly samples: FixtureArray;
  readonly largest: number;
  readonly 'mean of absolutes': number;
}

interface KerasBackbone {
  readonly totals: { readonly 'with top': Totals; readonly 'without top': Totals };
  /** One line for each layer: `conv1_conv Conv2D 9472 | 7x7/2, valid, … | conv1_pad`. */
  readonly layers: readonly string[];
  /** Output shapes of all layers for an image of 97x131 pixels. */
  readonly shapes: { readonly [size: string]: string };
  readonly forward: {
    readonly size: readonly [number, number];
    readonly 'gain of predictions': number;
    readonly activations: { readonly [layer: string]: Activation };
  };
}

export const keras = fixture<
  {
    readonly [name in 'resnet50' | 'mobileNetV2' | 'efficientNetB0']: KerasBackbone;
  } & { readonly 'caffe of 10, 20, 30': readonly number[] }
>('backbones');

export type Make = (options: {
  weights: null;
  includeTop?: boolean;
  trainable?: boolean;
}) => Promise<Backbone>;

export const makes = {
  resnet50: resnet50Backbone as Make,
  mobileNetV2: mobileNetV2Backbone as Make,
  efficientNetB0: efficientNetB0Backbone as Make,
};

/** Builds the smallest network that contains a backbone. */
export async function backboneModel(
  make: Make,
  input: ImageShape,
  top: boolean,
  range: PixelRange = [0, 255],
) {
  return multiTask({ input, range })
    .trunk(await make({ weights: null, includeTop: top }))
    .task('age', regression({ unit: 'years' }), branch(top ? [dense(1)] : [flatten()]))
    .build();
}

/** Returns the layers of the backbone, without the preprocessing. */
export function bodyOf({ layersModel }: { layersModel: tf.LayersModel }): tf.layers.Layer[] {
  return layersModel.layers.filter(({ name }) => !/^(image|age)/.test(name));
}

/** Sets the same weights as `keras/make_backbones.py`: kernels within the bounds of He initialization, scales and variances around 1. */
export function hashed(name: string, layers: readonly tf.layers.Layer[], gain: number): void {
  for (const layer of layers) {
    for (const weight of layer.weights) {
      const shape = weight.shape as number[];
      const [low, high] = bounds(weight.originalName, shape, gain);
      const values = tf.tensor(uniform(`${name}/${weight.originalName}`, shape, low, high), shape);
      weight.write(values);
      values.dispose();
    }
  }
}

function bounds(name: string, shape: readonly number[], gain: number): [low: number, high: number] {
  const [layer, kind] = name.split('/') as [string, string];
  if (kind === 'gamma' || kind === 'moving_variance') return [0.5, 1.5];
  if (!kind.endsWith('kernel')) return [-0.1, 0.1];
  const fan = kind === 'depthwise_kernel' ? shape.slice(0, 2) : shape.slice(0, -1);
  const fanIn = fan.reduce((product, size) => product * size, 1);
  const limit = Math.sqrt(6 / fanIn) * (layer === 'predictions' ? gain : 1);
  return [-limit, limit];
}

interface Config {
  readonly kernelSize?: readonly number[];
  readonly poolSize?: readonly number[];
  readonly strides?: readonly number[];
  readonly padding?: string;
  readonly useBias?: boolean;
  readonly activation?: string;
  readonly epsilon?: number;
  readonly momentum?: number;
  readonly maxValue?: number;
  readonly rate?: number;
  readonly noiseShape?: unknown;
  readonly kernelInitializer?: Initializer;
  readonly depthwiseInitializer?: Initializer;
}

interface Initializer {
  readonly config: { readonly scale: number; readonly mode: string; readonly distribution: string };
}

/** Formats a layer like the function `line` in `keras/make_backbones.py`. */
export function line(layer: tf.layers.Layer, entry: string): string {
  const c = layer.getConfig() as Config;
  const kind = layer.getClassName();
  const window = c.kernelSize ?? c.poolSize;
  const initializer = c.depthwiseInitializer ?? c.kernelInitializer;
  const detail = [
    ...(window ? [`${window[0]}x${window[1]}/${c.strides![0]}`, c.padding] : []),
    ...(c.useBias === undefined ? [] : [c.useBias ? 'bias' : 'no bias', formatInitializer(initializer!)]),
    ...(c.activation === undefined ? [] : [c.activation]),
    ...(kind === 'BatchNormalization' ? [`epsilon ${exponent(c.epsilon!)}`, `momentum ${c.momentum}`] : []),
    ...(kind === 'ReLU' ? [`up to ${c.maxValue}`] : []),
    ...(kind === 'Dropout' ? [`rate ${c.rate!.toFixed(6)}`, c.noiseShape ? 'per image' : 'per number'] : []),
  ];
  const inputs = layer.inboundNodes.flatMap((node) => node.inboundLayers.map(({ name }) => name));
  const from = inputs.map((name) => (name === 'image_preprocess' ? entry : name)).join(' ');
  return `${layer.name} ${kind} ${layer.countParams()} | ${detail.join(', ')} | ${from}`;
}

function formatInitializer({ config: { scale, mode, distribution } }: Initializer): string {
  const words = { fanIn: 'fan_in', fanOut: 'fan_out', fanAvg: 'fan_avg' }[mode] ?? mode;
  return `${Number(scale.toFixed(6))} ${words} ${distribution.replace('truncatedNormal', 'normal')}`;
}

/** Formats a number such as 1.001e-5 like Python's `%g`. */
function exponent(value: number): string {
  return value >= 1e-4 ? String(value) : value.toExponential().replace(/e-(\d)$/, 'e-0$1');
}

/** Formats the output shape of a layer like the function `shape` in `keras/make_backbones.py`. */
export function shapeOf(layer: tf.layers.Layer): string {
  const text = (layer.outputShape as number[]).slice(1).join('x');
  if (layer.getClassName() !== 'ZeroPadding2D') return text;
  const { padding } = layer.getConfig() as unknown as { padding: number[][] };
  return `${text}(${padding.flat().join(',')})`;
}

/** Returns the outputs of some layers in inference on the current engine, for one batch of images in the network's range. */
export async function activationsOf(
  model: MultiTaskModel<Tasks>,
  layers: readonly string[],
  images: HostArray,
): Promise<HostArray[]> {
  const taps = layers.map((name) => model.layersModel.getLayer(name).output as SymbolicTensor);
  const flat = taps.map((tap) => (tap.rank === 2 ? tap : (tf.layers.flatten().apply(tap) as SymbolicTensor)));
  // An engine returns only the outputs of tasks, so each layer becomes a task.
  const tasks = flat.map(({ shape }, i): [string, AnyTask] => [
    `task${i}`,
    { ...regression({ unit: 'none' }), units: shape[1]! },
  ]);
  const tapped = tf.model({ inputs: model.layersModel.inputs, outputs: flat });
  const network = createNetwork(tapped, Object.fromEntries(tasks), model.input);
  const engine = getActiveEngine()!;
  const outputs = await engine.forward(network.graph, [images]);
  const found = outputs.map((output, i) => {
    const data = output.dataSync() as Float32Array;
    output.dispose();
    return { shape: [images.shape[0]!, ...(taps[i]!.shape.slice(1) as number[])], data };
  });
  engine.release(network.graph);
  return found;
}

/**
 * Checks that the activations of a backbone with the fixture's weights and images match Keras on the current engine. The tolerance
 * is 1e-4 of the largest value: the longest chain of 50 layers adds some 400,000 products in a different order.
 */
export async function expectForward(name: keyof typeof makes): Promise<void> {
  const { size, activations, 'gain of predictions': gain } = keras[name].forward;
  const [height, width] = size;
  const model = await backboneModel(makes[name], [height, width, 3], true, [0, 1]);
  hashed(name, bodyOf(model), gain);
  const bytes = imageBytes(`${name}/image`, [2, height, width, 3]);
  const images = { shape: [2, height, width, 3], data: Float32Array.from(bytes, (byte) => byte / 255) };
  const layers = Object.keys(activations);
  const found = await activationsOf(model as unknown as MultiTaskModel<Tasks>, layers, images);
  layers.forEach((layer, i) => {
    const { shape, samples, largest, 'mean of absolutes': mean } = activations[layer]!;
    const { data } = found[i]!;
    expect(found[i]!.shape, layer).toEqual(shape);
    const places = hashes(`${name}/${layer}/places`, numbers(samples).length);
    const sampled = Float32Array.from(places, (place) => data[place % data.length]!);
    expectClose(sampled, numbers(samples), 1e-4 * largest, layer);
    expectClose([largestOf(data)], [largest], 1e-4 * largest, `${layer}, the largest`);
    const sum = data.reduce((total, value) => total + Math.abs(value), 0);
    expectClose([sum / data.length], [mean], 1e-4 * largest, `${layer}, the mean of absolutes`);
  });
  model.dispose();
}
