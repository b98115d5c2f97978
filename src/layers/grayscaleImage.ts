import { formatItemShape } from '../core/arrays.js';
import { createError } from '../core/errors/errors.js';
import { tf } from '../tensor/tf.js';
import type { Block } from './block.js';

/** Luma of ITU-R BT.601 as Keras 3 `rgb_to_grayscale` rounds it (backend/tensorflow/image.py): 0.9999 in all. */
const LUMA = [0.2989, 0.587, 0.114] as const;

/**
 * The image in grey: colour pixels become three equal channels, so that a trunk for colour takes them, by the weights of Keras 3
 * `rgb_to_grayscale`; grey ones are left as they are. `[batch, height, width, channels]` in, the same out. A frozen 1x1
 * convolution, which every reader of a saved model knows.
 *
 * At the beginning of a trunk all tasks see grey; as what a branch `sees`, its task alone does.
 *
 * @throws `argument` fault at `build()` where it does not stand at an image of one or three channels.
 * @example
 * ```ts
 * import { branch, conv, flatten, grayscaleImage, multiTask, regression, sharedTrunk } from 'tfjs-multitask';
 *
 * const model = multiTask({ input: [16, 16, 3] })
 *   .trunk(sharedTrunk([conv(8, 3)]))
 *   .task('age', regression({ unit: 'years' }), branch([flatten()], { inputView: grayscaleImage() }))
 *   .build();
 * console.log(model.architecture().layers[1]!.name); // image_grey1
 * ```
 * @category Compose
 */
export function grayscaleImage(): Block {
  return {
    '~block': 'grayscaleImage',
    computeOutputSize: (input) => input,
    build: (input, site) => {
      const channels = input.shape.length === 4 ? input.shape[3] : undefined;
      if (channels === 1) return input;
      if (channels !== 3) {
        throw createError({
          kind: 'argument',
          path: 'grayscaleImage',
          expected: 'an image with 1 or 3 channels',
          received: `an input of shape ${formatItemShape(input.shape)}`,
          advice: 'Put grayscaleImage() before all other layers.',
        });
      }
      const layer = tf.layers.conv2d({
        name: site.createName('grey'),
        filters: 3,
        kernelSize: 1,
        kernelInitializer: 'zeros',
        trainable: false,
      });
      const output = site.connect(layer, input);
      // A black that is not zero must stay where it is: the weights do not quite sum to one.
      const black = site.pixelRange[0] * (1 - LUMA.reduce((sum, share) => sum + share, 0));
      site.setWeights(layer, [
        Float32Array.from(LUMA.flatMap((share) => [share, share, share])),
        Float32Array.of(black, black, black),
      ]);
      return output;
    },
  };
}

/** Whether {@link grayscaleImage} made a layer, in this process or before it was saved. */
export function isGrayscaleLayer(layer: tf.layers.Layer): boolean {
  if (layer.getClassName() !== 'Conv2D' || !/_grey\d+$/.test(layer.name)) return false;
  const { filters, kernelSize } = layer.getConfig();
  return filters === 3 && String(kernelSize) === '1,1';
}
