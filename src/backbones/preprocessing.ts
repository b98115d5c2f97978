import type { PixelRange } from '../core/images.js';
import { tf } from '../tensor/tf.js';

/** What a backbone wants of each pixel: `output[c] = scale[c] * rgb[channels[c]] + offset[c]`, rgb in 0..255. */
export interface Preprocessing {
  readonly channels: readonly [number, number, number];
  readonly scale: readonly [number, number, number];
  readonly offset: readonly [number, number, number];
}

/** Blue, green, red, each minus its mean over ImageNet: `caffe` of Keras 3 `preprocess_input` (applications/imagenet_utils.py). */
export const CAFFE: Preprocessing = {
  channels: [2, 1, 0],
  scale: [1, 1, 1],
  offset: [-103.939, -116.779, -123.68],
};

/** -1 to 1: `tf` of the same. */
export const MINUS_ONE_TO_ONE: Preprocessing = {
  channels: [0, 1, 2],
  scale: [1 / 127.5, 1 / 127.5, 1 / 127.5],
  offset: [-1, -1, -1],
};

/** Kernel `[1, 1, channels, 3]` and bias `[3]` that do it to pixels of `range`, grey or colour. */
export function preprocessingWeights(
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

/** The layer that holds them: pixel by pixel, never trained, part of every saved and exported model. */
export function preprocessingLayer(): tf.layers.Layer {
  return tf.layers.conv2d({
    name: 'image_preprocess',
    filters: 3,
    kernelSize: 1,
    kernelInitializer: 'zeros',
    trainable: false,
  });
}
