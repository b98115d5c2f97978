import type { SymbolicTensor } from '@tensorflow/tfjs';
import { createError } from '../core/errors/errors.js';
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

/** Throws an `argument` error unless `value` is a whole number of at least 1. */
export function checkPositiveInteger(path: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw createError({
    kind: 'argument',
    path,
    expected: 'a whole number of at least 1',
    received: String(value),
    advice: 'Sizes and strides are in pixels, filters and units are counted.',
  });
}

/** Throws an `argument` error unless `value` is a number of at least 0 and below 1. */
export function checkFraction(path: string, value: number): void {
  if (value >= 0 && value < 1) return;
  throw createError({
    kind: 'argument',
    path,
    expected: 'a number from 0 up to, not including, 1',
    received: String(value),
    advice: 'It is the share that is dropped: 0.3 for 30 %.',
  });
}

/** Throws an `argument` error unless the factor of a penalty is a number of at least 0. */
export function checkRegularization(path: string, value = 0): void {
  if (Number.isFinite(value) && value >= 0) return;
  throw createError({
    kind: 'argument',
    path,
    expected: 'a number of at least 0',
    received: String(value),
    advice: 'Give 0.001, or leave it out for no penalty.',
  });
}
