import type { SymbolicTensor } from '@tensorflow/tfjs';
import type { PixelRange } from '../core/images.js';
import type { tf } from '../tensor/tf.js';

/**
 * Where a block stands while a network is built: it names layers and connects them.
 *
 * @category Compose
 */
export interface BuildContext {
  /** The next free name of a kind in this part of the network: `trunk_conv1`, `age_dense2`. */
  createName(kind: string): string;
  /** Feeds `input` to `layer`, after checking that the image is still large enough. */
  connect(layer: tf.layers.Layer, input: SymbolicTensor | SymbolicTensor[]): SymbolicTensor;
  /** The image as this part of the network sees it. */
  readonly image: SymbolicTensor;
  /** What the bytes 0 and 255 become at the network's door. */
  readonly pixelRange: PixelRange;
  /**
   * Gives a layer that was connected here its weights, so that the seed draws none for it: an array for each of
   * `layer.weights`, row-major. They are copied.
   */
  setWeights(layer: tf.layers.Layer, arrays: readonly Float32Array[]): void;
}

/**
 * One piece of a trunk or branch: one layer, or a few that belong together. A recipe without weights: the same block
 * may stand in many networks, and each makes its own layers from it.
 *
 * @category Compose
 */
export interface Block {
  /** @internal Its kind; marks a block in any copy of the library. */
  readonly '~block': string;
  /** Adds the block's layers after `input` and returns its output. */
  build(input: SymbolicTensor, site: BuildContext): SymbolicTensor;
  /** Height (or width) of the output for that of the input; 0 or less when nothing would be left. */
  computeOutputSize(input: number): number;
}

/**
 * What a trunk or branch is made of: blocks, and any `tf.layers` layer that draws no random numbers.
 *
 * @category Compose
 */
export type LayerLike = Block | tf.layers.Layer;

/** A block of one layer. */
export function createLayerBlock(
  kind: string,
  make: (name: string) => tf.layers.Layer,
  computeOutputSize: (input: number) => number = (input) => input,
): Block {
  return {
    '~block': kind,
    computeOutputSize,
    build: (input, site) => site.connect(make(site.createName(kind)), input),
  };
}

/** Advice for an invalid size, stride, or number of filters or units. */
export const SIZE_ADVICE = 'Give a size or stride in pixels, or a number of filters or units.';

/** Advice for an invalid L2 factor. */
export const L2_ADVICE = 'Give a factor such as 0.001, or omit it for no penalty.';
