import type { SymbolicTensor } from '@tensorflow/tfjs';
import type { PixelRange } from '../core/images.js';
import type { tf } from '../tensor/tf.js';

/**
 * Creates layer names and connects layers while a network is built. It is passed to {@link Block.build}.
 *
 * @category Compose
 */
export interface BuildContext {
  /** Returns the next unused name for a kind of layer in this part of the network: `trunk_conv1`, `age_dense2`. */
  createName(kind: string): string;
  /** Applies `layer` to `input` after checking that the image is still large enough, and returns the output. */
  connect(layer: tf.layers.Layer, input: SymbolicTensor | SymbolicTensor[]): SymbolicTensor;
  /** The image that this part of the network receives. */
  readonly image: SymbolicTensor;
  /** Values at the network's input that the bytes 0 and 255 are mapped to. */
  readonly pixelRange: PixelRange;
  /**
   * Sets the initial weights of a connected layer, which are otherwise random. Pass one row-major array for each entry of `layer.weights`.
   * The arrays are copied.
   */
  setWeights(layer: tf.layers.Layer, arrays: readonly Float32Array[]): void;
}

/**
 * A part of a trunk or branch: one layer, or a few layers that belong together. A block has no weights. It can be used in several networks,
 * because each network creates its own layers from the block.
 *
 * @category Compose
 */
export interface Block {
  /** @internal Kind of the block. The property identifies a block from any copy of the library. */
  readonly '~block': string;
  /** Adds the block's layers after `input` and returns their output. */
  build(input: SymbolicTensor, context: BuildContext): SymbolicTensor;
  /** Computes the height or width of the output from that of the input. A result of 0 or less means that the input is too small. */
  computeOutputSize(input: number): number;
}

/**
 * A part of a trunk or branch: a {@link Block}, or any `tf.layers` layer that draws no random numbers.
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

/** Advice for an invalid size, stride, or number of filters or units. */
export const SIZE_ADVICE = 'Pass a size or stride in pixels, or a number of filters or units.';

/** Advice for an invalid L2 factor. */
export const L2_ADVICE = 'Pass a factor such as 0.001, or omit it for no penalty.';
