import { formatItemShape } from '../core/arrays.js';
import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { tf } from '../tensor/tf.js';
import type { Block } from './block.js';

/**
 * Weights of red, green and blue in luma (ITU-R BT.601), rounded as in Keras 3 `rgb_to_grayscale` (backend/tensorflow/image.py). Their sum
 * is 0.9999.
 */
const LUMA = [0.2989, 0.587, 0.114] as const;

/**
 * Creates a block that converts color images to grayscale with the weights of Keras 3 `rgb_to_grayscale`. The result has three equal
 * channels, so that a trunk for color images accepts it. Images with one channel are not changed. The conversion is a frozen 1x1
 * convolution, so that every tool that reads saved models supports it.
 *
 * At the start of a trunk, the block converts the images for all tasks. As the `inputView` of a branch, it converts them for one task only.
 *
 * @returns A block for {@link sharedTrunk}, or for the `inputView` of {@link branch}.
 * @throws An `argument` error at `build()` if the input is not an image with one or three channels.
 * @example
 * ```ts
 * import { branch, conv, flatten, grayscaleImage, multiTask, regression, sharedTrunk } from 'tfjs-multitask';
 *
 * const model = multiTask({ input: [16, 16, 3] })
 *   .trunk(sharedTrunk([conv(8, 3)]))
 *   .task('age', regression({ unit: 'years' }), branch([flatten()], { inputView: grayscaleImage() }))
 *   .build();
 * console.log(model.architecture().layers[1]!.name); // image_grayscale1
 * ```
 * @category Compose
 */
export function grayscaleImage(): Block {
  checks.noOptions('grayscaleImage', arguments[0]);
  return {
    '~block': 'grayscaleImage',
    computeOutputSize: (input) => input,
    build: (input, context) => {
      const channels = input.shape.length === 4 ? input.shape[3] : undefined;
      if (channels === 1) return input;
      if (channels !== 3) {
        throw createError({
          kind: 'argument',
          path: 'grayscaleImage',
          expected: 'an image with 1 or 3 channels',
          received: `an input of shape ${formatItemShape(input.shape)}`,
          advice: 'Place grayscaleImage() before all other layers.',
        });
      }
      const layer = tf.layers.conv2d({
        name: context.createName('grayscale'),
        filters: 3,
        kernelSize: 1,
        kernelInitializer: 'zeros',
        trainable: false,
      });
      const output = context.connect(layer, input);
      // The sum of the weights is not exactly 1. The bias compensates for this, so that black is unchanged if its value is not 0.
      const black = context.pixelRange[0] * (1 - LUMA.reduce((sum, share) => sum + share, 0));
      context.setWeights(layer, [
        Float32Array.from(LUMA.flatMap((share) => [share, share, share])),
        Float32Array.of(black, black, black),
      ]);
      return output;
    },
  };
}

/** Returns whether a layer was created by {@link grayscaleImage}, including layers of a saved model. */
export function isGrayscaleLayer(layer: tf.layers.Layer): boolean {
  if (layer.getClassName() !== 'Conv2D' || !/_grayscale\d+$/.test(layer.name)) return false;
  const { filters, kernelSize } = layer.getConfig();
  return filters === 3 && String(kernelSize) === '1,1';
}
