import type { SymbolicTensor } from '@tensorflow/tfjs';
import type { PixelRange } from '../core/images.js';
import type { tf } from '../tensor/tf.js';

/**
 * Functions that a block uses while a network is built. {@link Block.build} receives this object.
 *
 * @category Compose
 */
export interface BuildContext {
  /** Returns the next unused layer name for a kind of layer in the current trunk or branch, for example `trunk_conv1` or `age_dense2`. */
  createName(kind: string): string;
  /**
   * Applies `layer` to `input` and returns the output. Throws an `argument` error if the layer cannot be applied, for example because the
   * image has become too small.
   */
  connect(layer: tf.layers.Layer, input: SymbolicTensor | SymbolicTensor[]): SymbolicTensor;
  /** Image that the current trunk or branch receives: the input of the network, or the image that an `inputView` computes from it. */
  readonly image: SymbolicTensor;
  /** Range of pixel values that the network receives for the bytes 0 (black) and 255 (white). */
  readonly pixelRange: PixelRange;
  /**
   * Sets the initial weights of a connected layer, instead of random values. Pass one row-major array for each entry of `layer.weights`.
   * The arrays are copied.
   */
  setWeights(layer: tf.layers.Layer, arrays: readonly Float32Array[]): void;
}

/**
 * Building block of a trunk or branch, which creates one or more layers. A block has no weights and can be used in several networks,
 * because each network creates new layers from it.
 *
 * @category Compose
 */
export interface Block {
  /** @hidden Kind of the block. The property identifies blocks, including those from another copy of the library. */
  readonly '~block': string;
  /** Creates the layers of the block, applies them to `input`, and returns their output. */
  build(input: SymbolicTensor, context: BuildContext): SymbolicTensor;
  /**
   * Computes the height or width of the output, in pixels, from the height or width of the input. A result of 0 or less means that the
   * input is too small.
   */
  computeOutputSize(input: number): number;
}

/**
 * Element of a trunk or branch: a {@link Block}, or any `tf.layers` layer that draws no random numbers.
 *
 * @category Compose
 */
export type LayerLike = Block | tf.layers.Layer;

/** Creates a block that consists of one layer. */
export function createLayerBlock(
  kind: string,
  createLayer: (name: string) => tf.layers.Layer,
  computeOutputSize: (input: number) => number = (input) => input,
): Block {
  return {
    '~block': kind,
    computeOutputSize,
    build: (input, context) => context.connect(createLayer(context.createName(kind)), input),
  };
}

/** Advice for an invalid window size, stride, or number of filters or units. */
export const SIZE_ADVICE = 'Pass a whole number, for example 3.';

/** Advice for an invalid L2 factor. */
export const L2_ADVICE = 'Pass a factor such as 0.001, or omit the option to disable the penalty.';
