import { createError } from '../core/errors/errors.js';
import type { ImageBytes } from '../core/images.js';
import { Dataset, type SampleWeight } from './dataset.js';

/**
 * An image in memory with its labels.
 *
 * @category Data
 */
export interface LabeledImage<L> {
  /** Its bytes; the array is kept, not copied. */
  readonly image: ImageBytes;
  /** One entry a task; a task without one is masked. */
  readonly labels: L;
  /** Default: its place, from 0. */
  readonly id?: string;
  /** In the loss; default 1. */
  readonly weight?: SampleWeight;
}

/**
 * A dataset from images that are already decoded. All have one shape; bytes are 0..255, channels interleaved.
 *
 * @throws `data` fault for an empty list, and for an image of another shape or with the wrong number of bytes.
 * @example
 * ```ts
 * import { imagesInMemory } from 'tfjs-multitask';
 *
 * const grey = (value: number) => ({ data: new Uint8Array(8 * 8 * 3).fill(value), height: 8, width: 8, channels: 3 });
 * const dataset = imagesInMemory([
 *   { image: grey(10), labels: { brightness: 10 } },
 *   { image: grey(200), labels: { brightness: 200 } },
 * ]);
 * console.log(dataset.size, dataset.shape); // 2 [ 8, 8, 3 ]
 * ```
 * @category Data
 */
export function imagesInMemory<L>(images: readonly LabeledImage<L>[]): Dataset<L> {
  const first = images[0]?.image;
  if (!first) {
    throw createError({
      kind: 'data',
      path: 'images',
      expected: 'at least one image',
      received: 'an empty array',
      advice: 'Pass at least one image: it determines the image size of the dataset.',
    });
  }
  const { height, width, channels } = first;
  const items = images.map(({ image, labels, id, weight }, index) => {
    const name = id ?? String(index);
    const same = image.height === height && image.width === width && image.channels === channels;
    if (!same || image.data.length !== height * width * channels) {
      throw createError({
        kind: 'data',
        path: name,
        expected: `an image of ${height}x${width}x${channels} with ${height * width * channels} bytes, like the first image`,
        received: `an image of ${image.height}x${image.width}x${image.channels} with ${image.data.length} bytes`,
        advice: 'Resize all images to one size first.',
      });
    }
    return {
      id: name,
      labels,
      read: () => Promise.resolve(image),
      ...(weight === undefined ? {} : { weight }),
    };
  });
  return new Dataset([height, width, channels], items);
}
