import type { SymbolicTensor } from '@tensorflow/tfjs';
import type { PixelRange } from '../core/images.js';
import type { tf } from '../tensor/tf.js';

/**
 * Creates layer names and connects layers while a network is built. {@link Block.build} receives it.
 *
 * @category Compose
 */
export interface BuildContext {
  /** Returns the next unused layer name of a kind in this part of the network: `trunk_conv1`, `age_dense2`. */
  createName(kind: string): string;
  /** Applies `layer` to `input` after checking that the image is still large enough, and returns the output. */
  connect(layer: tf.layers.Layer, input: SymbolicTensor | SymbolicTensor[]): SymbolicTensor;
  /** The image that this part of the network receives. */
  readonly image: SymbolicTensor;
  /** Values that the bytes 0 and 255 have at the network's input. */
  readonly pixelRange: PixelRange;
  /**
   * Sets the weights of a connected layer instead of random initial weights: one row-major array for each of `layer.weights`. The arrays
   * are copied.
   */
  setWeights(layer: tf.layers.Layer, arrays: readonly Float32Array[]): void;
}

/**
 * A part of a trunk or branch: one layer, or a few layers that belong together. A block has no weights: the same block can be in many
 * networks, and each network creates its own layers from it.
 *
 * @category Compose
 */
export interface Block {
  /** @internal Kind of the block. It identifies a block of any copy of the library. */
  readonly '~block': string;
  /** Adds the block's layers after `input` and returns their output. */
  build(input: SymbolicTensor, context: BuildContext): SymbolicTensor;
  /** Computes the height (or width) of the output from that of the input. 0 or less means that the input is too small. */
  computeOutputSize(input: number): number;
}

/**
 * A part of a trunk or branch: a {@link Block}, or any `tf.layers` layer that draws no random numbers.
 *
 * @category Compose
 */
export type LayerLike = Block | tf.layers.Layer;

/** Creates a block of one layer. */
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

/** Advice for an invalid size, stride, or number of filters or units. */
export const SIZE_ADVICE = 'Give a size or stride in pixels, or a number of filters or units.';

/** Advice for an invalid L2 factor. */
export const L2_ADVICE = 'Give a factor such as 0.001, or omit it for no penalty.';
