import type { HostArray } from '../core/arrays.js';
import type { PixelRange } from '../core/images.js';
import { tf } from '../tensor/tf.js';

/** Name of the preprocessing layer. */
export const PREPROCESSING_LAYER_NAME = 'image_preprocess';

/** Preprocessing of a pixel: `output[c] = scale[c] * rgb[channels[c]] + offset[c]` with rgb in 0..255. */
export interface Preprocessing {
  readonly channels: readonly [number, number, number];
  readonly scale: readonly [number, number, number];
  readonly offset: readonly [number, number, number];
}

/**
 * Blue, green and red, each minus its mean over ImageNet, as in the mode `caffe` of Keras 3 `preprocess_input`
 * (applications/imagenet_utils.py).
 */
export const CAFFE: Preprocessing = {
  channels: [2, 1, 0],
  scale: [1, 1, 1],
  offset: [-103.939, -116.779, -123.68],
};

/** Scaling to -1..1, as in the mode `tf` of Keras 3 `preprocess_input`. */
export const MINUS_ONE_TO_ONE: Preprocessing = {
  channels: [0, 1, 2],
  scale: [1 / 127.5, 1 / 127.5, 1 / 127.5],
  offset: [-1, -1, -1],
};

/** Computes the kernel `[1, 1, inputs, 3]` and the bias `[3]` of the preprocessing for grayscale or color pixels in a given range. */
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

/** Computes the preprocessing of 0..255 pixels from the weights of a preprocessing layer in a network with any pixel range. */
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

/** Creates the preprocessing layer, a frozen 1x1 convolution that is part of every saved and exported model. */
export function createPreprocessingLayer(): tf.layers.Layer {
  return tf.layers.conv2d({
    name: PREPROCESSING_LAYER_NAME,
    filters: 3,
    kernelSize: 1,
    kernelInitializer: 'zeros',
    trainable: false,
  });
}
