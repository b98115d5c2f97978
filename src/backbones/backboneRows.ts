import type { SymbolicTensor } from '@tensorflow/tfjs';
import { tf } from '../tensor/tf.js';

/** Options of a variance-scaling initializer in TensorFlow.js, for a layer that does not use the default initializer of Keras. */
export interface Initializer {
  readonly scale: number;
  readonly mode: 'fanIn' | 'fanOut';
  readonly distribution: 'truncatedNormal' | 'uniform';
}

/** Type and options of a layer in a backbone table. Windows are square. An omitted option has the default value of Keras. */
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
  /** Zero padding of `pixels` pixels on all four sides of the image. */
  | { readonly kind: 'pad'; readonly pixels: number }
  /**
   * Zero padding before a window of `size` with stride 2 and padding `valid`. If the image height or width is even, one fewer row or column
   * is added at the start than at the end, so that the windows cover the same pixels as with padding `same`. Matches Keras 3 `correct_pad`
   * (applications/imagenet_utils.py).
   */
  | { readonly kind: 'halvingPad'; readonly size: number }
  | { readonly kind: 'maxPool'; readonly size: number; readonly strides: number }
  | { readonly kind: 'globalAveragePool' }
  /** Reshape from `[channels]` to an image of one pixel, `[1, 1, channels]`. */
  | { readonly kind: 'onePixel' }
  | { readonly kind: 'add' }
  | { readonly kind: 'multiply' }
  /** Dropout. With `perImage`, either all values of an image are dropped or none. */
  | { readonly kind: 'dropout'; readonly rate: number; readonly perImage: boolean }
  | {
      readonly kind: 'dense';
      readonly units: number;
      readonly activation: 'softmax';
      readonly initializer?: Initializer;
    };

/** Row of a backbone table, which describes one layer: its name in Keras, its type and options, and its inputs. */
export interface BackboneRow {
  readonly name: string;
  readonly layer: RowLayer;
  /**
   * Names of the rows whose outputs are the inputs of this layer. If the list is empty, the input is the output of the previous row or, for
   * the first row, the image.
   */
  readonly from: readonly string[];
}

/** Creates a row of a backbone table. Its input is the output of the previous row, unless `from` names other rows. */
export function row(name: string, layer: RowLayer, ...from: string[]): BackboneRow {
  return { name, layer, from };
}

/** Creates the layer that a row describes, without connecting it. `input` is the shape of its first input. */
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
      // A frozen layer has no dropout, like a Keras base model that is called with `training=False`.
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

/**
 * Functions that {@link applyRows} calls for each row: `connect` connects the layer of the row, and `isTrainable` returns whether the layer
 * is trained.
 */
export interface ApplyRowsOptions {
  connect(layer: tf.layers.Layer, input: SymbolicTensor | SymbolicTensor[]): SymbolicTensor;
  isTrainable(row: BackboneRow): boolean;
}

/** Creates the layers that the rows describe and connects them, beginning with the image. Returns the output of the last layer. */
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
