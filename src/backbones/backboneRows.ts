import type { SymbolicTensor } from '@tensorflow/tfjs';
import { tf } from '../tensor/tf.js';

/** A variance-scaling initialiser by TensorFlow.js's words, where a layer has another than Keras's default. */
export interface Initializer {
  readonly scale: number;
  readonly mode: 'fanIn' | 'fanOut';
  readonly distribution: 'truncatedNormal' | 'uniform';
}

/** What a row's layer is. Windows are square; what is left out has Keras's default. */
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
  /** Zeros on all four sides. */
  | { readonly kind: 'pad'; readonly pixels: number }
  /**
   * Zeros so that a window of `size` with stride 2 and no padding stands as TensorFlow's `same` stands on an even side: one
   * row less on top of an even side. Same as Keras 3 `correct_pad` (applications/imagenet_utils.py).
   */
  | { readonly kind: 'halvingPad'; readonly size: number }
  | { readonly kind: 'maxPool'; readonly size: number; readonly strides: number }
  | { readonly kind: 'globalAveragePool' }
  /** `[channels]` to `[1, 1, channels]`. */
  | { readonly kind: 'onePixel' }
  | { readonly kind: 'add' }
  | { readonly kind: 'multiply' }
  /** With `perImage` an image keeps all of its numbers or none. */
  | { readonly kind: 'dropout'; readonly rate: number; readonly perImage: boolean }
  | {
      readonly kind: 'dense';
      readonly units: number;
      readonly activation: 'softmax';
      readonly initializer?: Initializer;
    };

/** One layer of a backbone: its name in Keras, what it is, and the names of the rows that feed it. */
export interface BackboneRow {
  readonly name: string;
  readonly layer: RowLayer;
  /** Empty for the row before; in the first row, the image. */
  readonly from: readonly string[];
}

/** A row of a table, fed by the row before it unless others are named. */
export function row(name: string, layer: RowLayer, ...from: string[]): BackboneRow {
  return { name, layer, from };
}

/** The layer of a row, without connections. `input` is the shape that it will see. */
export function createRowLayer(
  { name, layer }: BackboneRow,
  input: readonly (number | null)[],
  trainable: boolean,
): tf.layers.Layer {
  const own = { name, trainable };
  switch (layer.kind) {
    case 'conv':
      return tf.layers.conv2d({
        ...own,
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
        ...own,
        kernelSize: layer.size,
        strides: layer.strides,
        padding: layer.padding,
        useBias: false,
        depthwiseInitializer: createInitializer(layer.initializer),
      });
    case 'batchNorm':
      return tf.layers.batchNormalization({ ...own, epsilon: layer.epsilon, momentum: layer.momentum });
    case 'activation':
      return tf.layers.activation({ ...own, activation: layer.activation });
    case 'relu6':
      return tf.layers.reLU({ ...own, maxValue: 6 });
    case 'pad':
      return tf.layers.zeroPadding2d({ ...own, padding: [layer.pixels, layer.pixels] });
    case 'halvingPad':
      return tf.layers.zeroPadding2d({
        ...own,
        padding: [computeHalvingPad(input[1]!, layer.size), computeHalvingPad(input[2]!, layer.size)],
      });
    case 'maxPool':
      return tf.layers.maxPooling2d({ ...own, poolSize: layer.size, strides: layer.strides });
    case 'globalAveragePool':
      return tf.layers.globalAveragePooling2d(own);
    case 'onePixel':
      return tf.layers.reshape({ ...own, targetShape: [1, 1, input.at(-1)!] });
    case 'add':
      return tf.layers.add(own);
    case 'multiply':
      return tf.layers.multiply(own);
    case 'dropout':
      // Keras says of a frozen base `base(x, training=False)`: it answers as it was trained to, and nothing in it is drawn.
      return tf.layers.dropout({
        ...own,
        rate: trainable ? layer.rate : 0,
        ...(layer.perImage ? { noiseShape: [null, 1, 1, 1] as unknown as number[] } : {}),
      });
    case 'dense':
      return tf.layers.dense({
        ...own,
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

/** What a table is applied with: how to connect a layer, and whether a row is trained. */
export interface ApplyRowsOptions {
  connect(layer: tf.layers.Layer, input: SymbolicTensor | SymbolicTensor[]): SymbolicTensor;
  isTrainable(row: BackboneRow): boolean;
}

/** The rows as connected layers after `image`; the output of the last. */
export function applyRows(
  rows: readonly BackboneRow[],
  image: SymbolicTensor,
  { connect, isTrainable }: ApplyRowsOptions,
) {
  const made = new Map<string, SymbolicTensor>();
  return rows.reduce<SymbolicTensor>((before, each) => {
    const inputs = each.from.length > 0 ? each.from.map((name) => made.get(name)!) : [before];
    const layer = createRowLayer(each, inputs[0]!.shape, isTrainable(each));
    const output = connect(layer, inputs.length === 1 ? inputs[0]! : inputs);
    made.set(each.name, output);
    return output;
  }, image);
}
