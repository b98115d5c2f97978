/** Backbones here and the fixture of `keras/make_backbones.py`. */
import type { Backbone } from '../../src/backbones/backbone.js';
import { efficientNetB0Backbone } from '../../src/backbones/efficientNetB0.js';
import { mobileNetV2Backbone } from '../../src/backbones/mobileNetV2.js';
import { resnet50Backbone } from '../../src/backbones/resnet50.js';
import type { ImageShape } from '../../src/core/images.js';
import { branch, dense, flatten, multiTask, type PixelRange, regression } from '../../src/index.js';
import { tf } from '../../src/tensor/tf.js';
import { type FixtureArray, fixture } from './fixture.js';
import { uniform } from './noise.js';

/** What Keras's model with and without its top has in all. */
interface Totals {
  readonly layers: number;
  readonly weights: number;
  readonly parameters: number;
  readonly trainable: number;
}

/** One activation, at places that a hash chose. */
interface Activation {
  readonly shape: readonly number[];
  readonly samples: FixtureArray;
  readonly largest: number;
  readonly 'mean of absolutes': number;
}

interface KerasBackbone {
  readonly totals: { readonly 'with top': Totals; readonly 'without top': Totals };
  /** `conv1_conv Conv2D 9472 | 7x7/2, valid, … | conv1_pad`. */
  readonly layers: readonly string[];
  /** Output shapes of all layers for an image of `97x131`. */
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

export type Make = (options: { weights: null; top?: boolean; trainable?: boolean }) => Promise<Backbone>;

/** `before`: layers and weights of Keras's model that are the image's input and preprocessing. */
export const backbones: readonly {
  readonly name: keyof typeof keras & ('resnet50' | 'mobileNetV2' | 'efficientNetB0');
  readonly make: Make;
  readonly before: Totals;
}[] = [
  {
    name: 'resnet50',
    make: resnet50Backbone,
    before: { layers: 1, weights: 0, parameters: 0, trainable: 0 },
  },
  {
    name: 'mobileNetV2',
    make: mobileNetV2Backbone,
    before: { layers: 1, weights: 0, parameters: 0, trainable: 0 },
  },
  {
    name: 'efficientNetB0',
    make: efficientNetB0Backbone,
    before: { layers: 3, weights: 3, parameters: 7, trainable: 0 },
  },
];

/** A network of a backbone and as little else as there can be. */
export async function networkOf(make: Make, input: ImageShape, top: boolean, range: PixelRange = [0, 255]) {
  return multiTask({ input, range })
    .trunk(await make({ weights: null, top }))
    .task('age', regression({ unit: 'years' }), branch(top ? [dense(1)] : [flatten()]))
    .build();
}

/** The layers of the backbone, from after the preprocessing to the last of its own. */
export function bodyOf({ layersModel }: { layersModel: tf.LayersModel }): tf.layers.Layer[] {
  return layersModel.layers.filter(({ name }) => !/^(image|age)/.test(name));
}

/** What the weights of `keras/make_backbones.py` are: He's bounds for kernels, around 1 for scales and variances. */
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

/** A layer as `line` of `keras/make_backbones.py` writes it. */
export function line(layer: tf.layers.Layer, entry: string): string {
  const c = layer.getConfig() as Config;
  const kind = layer.getClassName();
  const window = c.kernelSize ?? c.poolSize;
  const initializer = c.depthwiseInitializer ?? c.kernelInitializer;
  const detail = [
    ...(window ? [`${window[0]}x${window[1]}/${c.strides![0]}`, c.padding] : []),
    ...(c.useBias === undefined ? [] : [c.useBias ? 'bias' : 'no bias', spelt(initializer!)]),
    ...(c.activation === undefined ? [] : [c.activation]),
    ...(kind === 'BatchNormalization' ? [`epsilon ${exponent(c.epsilon!)}`, `momentum ${c.momentum}`] : []),
    ...(kind === 'ReLU' ? [`up to ${c.maxValue}`] : []),
    ...(kind === 'Dropout' ? [`rate ${c.rate!.toFixed(6)}`, c.noiseShape ? 'per image' : 'per number'] : []),
  ];
  const inputs = layer.inboundNodes.flatMap((node) => node.inboundLayers.map(({ name }) => name));
  const from = inputs.map((name) => (name === 'image_preprocess' ? entry : name)).join(' ');
  return `${layer.name} ${kind} ${layer.countParams()} | ${detail.join(', ')} | ${from}`;
}

function spelt({ config: { scale, mode, distribution } }: Initializer): string {
  const words = { fanIn: 'fan_in', fanOut: 'fan_out', fanAvg: 'fan_avg' }[mode] ?? mode;
  return `${Number(scale.toFixed(6))} ${words} ${distribution.replace('truncatedNormal', 'normal')}`;
}

/** 1.001e-5 as Python's `%g` writes it. */
function exponent(value: number): string {
  return value >= 1e-4 ? String(value) : value.toExponential().replace(/e-(\d)$/, 'e-0$1');
}

/** Output shapes as `shape` of `keras/make_backbones.py` writes them. */
export function shapeOf(layer: tf.layers.Layer): string {
  const text = (layer.outputShape as number[]).slice(1).join('x');
  if (layer.getClassName() !== 'ZeroPadding2D') return text;
  const { padding } = layer.getConfig() as unknown as { padding: number[][] };
  return `${text}(${padding.flat().join(',')})`;
}
