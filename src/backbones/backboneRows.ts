import type { SymbolicTensor } from '@tensorflow/tfjs';
import { tf } from '../tensor/tf.js';

/** Variance-scaling initializer with TensorFlow.js option names, for a layer that does not use Keras's default. */
export interface Initializer {
  readonly scale: number;
  readonly mode: 'fanIn' | 'fanOut';
  readonly distribution: 'truncatedNormal' | 'uniform';
}

/** Type and options of a row's layer. Windows are square. Missing options have Keras's defaults. */
export type RowLayer =
  | {
      readonly kind: 'conv';
      readonly filters: number;
      readonly size: number;
      readonly strides?: number;
      readonly padding?: 'valid' | 'same';
      readonly useBias?: boolean;
      readonly activation?: 'swish' | 'sigmoid';
      readonly initializer?: Initializer;
    }
  | {
      readonly kind: 'depthwise';
      readonly size: number;
      readonly strides: number;
      readonly padding: 'valid' | 'same';
      readonly initializer?: Initializer;
    }
  | { readonly kind: 'batchNorm'; readonly epsilon: number; readonly momentum: number }
  | { readonly kind: 'activation'; readonly activation: 'relu' | 'swish' }
  | { readonly kind: 'relu6' }
  /** Zero padding on all four sides. */
  | { readonly kind: 'pad'; readonly pixels: number }
  /**
   * Zero padding for a `valid` window of `size` with stride 2. For an even image side, the start has one row
   * less, so that the windows cover the same pixels as with TensorFlow's `same` padding. Matches Keras 3
   * `correct_pad` (applications/imagenet_utils.py).
   */
  | { readonly kind: 'halvingPad'; readonly size: number }
  | { readonly kind: 'maxPool'; readonly size: number; readonly strides: number }
  | { readonly kind: 'globalAveragePool' }
  /** Reshapes `[channels]` to `[1, 1, channels]`. */
  | { readonly kind: 'onePixel' }
  | { readonly kind: 'add' }
  | { readonly kind: 'multiply' }
  /** With `perImage`, either all values of an image are dropped or none. */
  | { readonly kind: 'dropout'; readonly rate: number; readonly perImage: boolean }
  | {
      readonly kind: 'dense';
      readonly units: number;
      readonly activation: 'softmax';
      readonly initializer?: Initializer;
    };

/** One layer of a backbone: its name in Keras, its type and options, and the names of its input rows. */
export interface BackboneRow {
  readonly name: string;
  readonly layer: RowLayer;
  /** Names of the input rows. An empty list means the previous row, or the image for the first row. */
  readonly from: readonly string[];
}

/** Creates a row of a table. Its input is the previous row unless `from` lists others. */
export function row(name: string, layer: RowLayer, ...from: string[]): BackboneRow {
  return { name, layer, from };
}

/** Creates the layer of a row without connecting it. `input` is the shape of its input. */
export function createRowLayer(
  { name, layer }: BackboneRow,
  input: readonly (number | null)[],
  trainable: boolean,
): tf.layers.Layer {
  const common = { name, trainable };
  switch (layer.kind) {
    case 'conv':
      return tf.layers.conv2d({
        ...common,
        filters: layer.filters,
        kernelSize: layer.size,
        strides: layer.strides ?? 1,
        padding: layer.padding ?? 'valid',
        useBias: layer.useBias ?? true,
        activation: layer.activation ?? 'linear',
        kernelInitializer: createInitializer(layer.initializer),
      });
    case 'depthwise':
      return tf.layers.depthwiseConv2d({
        ...common,
        kernelSize: layer.size,
        strides: layer.strides,
        padding: layer.padding,
        useBias: false,
        depthwiseInitializer: createInitializer(layer.initializer),
      });
    case 'batchNorm':
      return tf.layers.batchNormalization({ ...common, epsilon: layer.epsilon, momentum: layer.momentum });
    case 'activation':
      return tf.layers.activation({ ...common, activation: layer.activation });
    case 'relu6':
      return tf.layers.reLU({ ...common, maxValue: 6 });
    case 'pad':
      return tf.layers.zeroPadding2d({ ...common, padding: [layer.pixels, layer.pixels] });
    case 'halvingPad':
      return tf.layers.zeroPadding2d({
        ...common,
        padding: [computeHalvingPad(input[1]!, layer.size), computeHalvingPad(input[2]!, layer.size)],
      });
    case 'maxPool':
      return tf.layers.maxPooling2d({ ...common, poolSize: layer.size, strides: layer.strides });
    case 'globalAveragePool':
      return tf.layers.globalAveragePooling2d(common);
    case 'onePixel':
      return tf.layers.reshape({ ...common, targetShape: [1, 1, input.at(-1)!] });
    case 'add':
      return tf.layers.add(common);
    case 'multiply':
      return tf.layers.multiply(common);
    case 'dropout':
      // Keras calls a frozen base with `training=False`, which disables dropout.
      return tf.layers.dropout({
        ...common,
        rate: trainable ? layer.rate : 0,
        ...(layer.perImage ? { noiseShape: [null, 1, 1, 1] as unknown as number[] } : {}),
      });
    case 'dense':
      return tf.layers.dense({
        ...common,
        units: layer.units,
        activation: layer.activation,
        kernelInitializer: createInitializer(layer.initializer),
      });
  }
}

const createInitializer = (initializer: Initializer | undefined) =>
  initializer ? tf.initializers.varianceScaling(initializer) : 'glorotUniform';

function computeHalvingPad(side: number, size: number): [number, number] {
  const half = Math.floor(size / 2);
  return [half - (1 - (side % 2)), half];
}

/** Options of {@link applyRows}: how to connect a layer, and whether a row is trained. */
export interface ApplyRowsOptions {
  connect(layer: tf.layers.Layer, input: SymbolicTensor | SymbolicTensor[]): SymbolicTensor;
  isTrainable(row: BackboneRow): boolean;
}

/** Creates and connects the layers of `rows` after `image`. Returns the output of the last layer. */
export function applyRows(
  rows: readonly BackboneRow[],
  image: SymbolicTensor,
  { connect, isTrainable }: ApplyRowsOptions,
) {
  const outputs = new Map<string, SymbolicTensor>();
  return rows.reduce<SymbolicTensor>((previous, each) => {
    const inputs = each.from.length > 0 ? each.from.map((name) => outputs.get(name)!) : [previous];
    const layer = createRowLayer(each, inputs[0]!.shape, isTrainable(each));
    const output = connect(layer, inputs.length === 1 ? inputs[0]! : inputs);
    outputs.set(each.name, output);
    return output;
  }, image);
}
