import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { checkImageBytes, type ImageBytes } from '../core/images.js';
import { Dataset, type SampleWeight } from './dataset.js';

/**
 * A decoded image with its labels, for {@link imagesInMemory}.
 *
 * @category Data
 */
export interface LabeledImage<L> {
  /** The image as bytes. The array is not copied, so do not modify it afterwards. */
  readonly image: ImageBytes;
  /** One label for each task. A task without a label is masked: the image does not count in the loss and metrics of that task. */
  readonly labels: L;
  /** Identifier of the image in messages and checkpoints. Default: the index of the image, counted from 0. */
  readonly id?: string;
  /** Weight of the image in the loss. Default 1. */
  readonly weight?: SampleWeight;
}

/**
 * Creates a dataset from images that are already decoded.
 *
 * @param images - At least one image. All images must have the same shape. Pixel values are bytes, and channels are interleaved.
 * @returns A dataset in the order of the list, without workers. See {@link Dataset.withWorkers}.
 * @throws A `data` error for an empty list, or for an image with a different shape or an incorrect number of bytes.
 * @example
 * ```ts
 * import { imagesInMemory } from 'tfjs-multitask';
 *
 * const gray = (value: number) => ({ data: new Uint8Array(8 * 8 * 3).fill(value), height: 8, width: 8, channels: 3 });
 * const dataset = imagesInMemory([
 *   { image: gray(10), labels: { brightness: 10 } },
 *   { image: gray(200), labels: { brightness: 200 } },
 * ]);
 * console.log(dataset.size, dataset.shape); // 2 [ 8, 8, 3 ]
 * ```
 * @category Data
 */
export function imagesInMemory<L>(images: readonly LabeledImage<L>[]): Dataset<L> {
  checks.list('imagesInMemory', images, { noun: 'an array of images', advice: IMAGES_ADVICE });
  if (images.length === 0) {
    throw createError({
      kind: 'data',
      path: 'images',
      expected: 'at least one image',
      received: 'an empty array',
      advice: 'Pass at least one image. The first image determines the image size of the dataset.',
    });
  }
  images.forEach((entry: unknown, i) => {
    checkLabeledImage(`imagesInMemory[${i}]`, entry);
  });
  const { height, width, channels } = images[0]!.image;
  const items = images.map(({ image, labels, weight, ...rest }, index) => {
    const id = rest.id ?? String(index);
    const hasSameShape = image.height === height && image.width === width && image.channels === channels;
    if (!hasSameShape || image.data.length !== height * width * channels) {
      throw createError({
        kind: 'data',
        path: id,
        expected: `an image of ${height}x${width}x${channels} with ${height * width * channels} bytes, like the first image`,
        received: `an image of ${image.height}x${image.width}x${image.channels} with ${image.data.length} bytes`,
        advice: 'Resize all images to the same size first.',
      });
    }
    return {
      id,
      labels,
      read: () => Promise.resolve(image),
      ...(weight === undefined ? {} : { weight }),
    };
  });
  return new Dataset([height, width, channels], items);
}

const IMAGES_ADVICE =
  'Write imagesInMemory([{ image: { data, height, width, channels }, labels: { age: 31 } }]).';

function checkLabeledImage(path: string, entry: unknown): void {
  checks.options(
    path,
    entry as LabeledImage<unknown>,
    { image: true, labels: true, id: true, weight: true },
    {
      advice: IMAGES_ADVICE,
    },
  );
  const { image, labels, id } = entry as { readonly [name: string]: unknown };
  checkImageBytes(`${path}.image`, image);
  checks.record(`${path}.labels`, labels, {
    noun: 'an object with a label for each task',
    advice: IMAGES_ADVICE,
  });
  if (id !== undefined) checks.text(`${path}.id`, id, { advice: 'Omit it to use the index of the image.' });
}
