import type { HostArray } from '../core/arrays.js';
import type { PixelRange } from '../core/images.js';
import { tf } from '../tensor/tf.js';

/** Name of the layer that preprocesses the image for a backbone. */
export const PREPROCESSING_LAYER_NAME = 'image_preprocess';

/**
 * Preprocessing that a backbone applies to each pixel: `output[c] = scale[c] * rgb[channels[c]] + offset[c]`, where `rgb` contains red,
 * green and blue in 0..255.
 */
export interface Preprocessing {
  readonly channels: readonly [number, number, number];
  readonly scale: readonly [number, number, number];
  readonly offset: readonly [number, number, number];
}

/**
 * Preprocessing of ResNet50: the channels are in the order blue, green, red, and the mean of each channel over ImageNet is subtracted.
 * Matches the `caffe` mode of `preprocess_input` in Keras 3 (applications/imagenet_utils.py).
 */
export const CAFFE: Preprocessing = {
  channels: [2, 1, 0],
  scale: [1, 1, 1],
  offset: [-103.939, -116.779, -123.68],
};

/** Preprocessing of MobileNetV2: pixel values are scaled to -1..1. Matches the `tf` mode of `preprocess_input` in Keras 3. */
export const MINUS_ONE_TO_ONE: Preprocessing = {
  channels: [0, 1, 2],
  scale: [1 / 127.5, 1 / 127.5, 1 / 127.5],
  offset: [-1, -1, -1],
};

/**
 * Computes the weights of the preprocessing layer, a 1x1 convolution, for a model with a given input range. The kernel has the shape `[1,
 * 1, inputs, 3]`, where `inputs` is 1 for grayscale and 3 for color images. The bias has the shape `[3]`.
 */
export function computePreprocessingWeights(
  { channels, scale, offset }: Preprocessing,
  [black, white]: PixelRange,
  inputs: number,
): [kernel: Float32Array, bias: Float32Array] {
  const stretch = 255 / (white - black);
  const kernel = new Float32Array(inputs * 3);
  channels.forEach((channel, output) => {
    kernel[(inputs === 1 ? 0 : channel) * 3 + output] = scale[output]! * stretch;
  });
  return [kernel, Float32Array.from(offset, (value, output) => value - scale[output]! * stretch * black)];
}

/**
 * Reverses {@link computePreprocessingWeights}: computes the preprocessing of 0..255 pixels from the weights of a preprocessing layer and
 * the input range of its model.
 */
export function readPreprocessing(
  kernel: HostArray,
  bias: HostArray,
  [black, white]: PixelRange,
): Preprocessing {
  const inputs = kernel.shape[2]!;
  const stretch = 255 / (white - black);
  const largest = (output: number) => {
    const column = Array.from({ length: inputs }, (_, input) => Math.abs(kernel.data[input * 3 + output]!));
    return column.indexOf(Math.max(...column));
  };
  const channels = [0, 1, 2].map(largest);
  const scale = channels.map((input, output) => kernel.data[input * 3 + output]! / stretch);
  const offset = scale.map((factor, output) => bias.data[output]! + factor * stretch * black);
  return { channels, scale, offset } as unknown as Preprocessing;
}

/**
 * Creates the preprocessing layer of a backbone. The layer is a frozen 1x1 convolution rather than a custom layer, so that saved and
 * exported models contain the preprocessing.
 */
export function createPreprocessingLayer(): tf.layers.Layer {
  return tf.layers.conv2d({
    name: PREPROCESSING_LAYER_NAME,
    filters: 3,
    kernelSize: 1,
    kernelInitializer: 'zeros',
    trainable: false,
  });
}
