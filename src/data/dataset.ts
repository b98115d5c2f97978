import type { FillMode } from '../augment/affine.js';
import { type AugmentationPipeline, createAugmentationPipeline } from '../augment/augmentationPipeline.js';
import type { ImageTransform } from '../augment/transform.js';
import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import type { ImageBytes, ImageShape } from '../core/images.js';
import type { Json } from '../core/json.js';
import type { Spawner } from '../core/platform/platform.js';
import { type SplitOptions, splitIndices } from './split.js';

/** Labeled image of a dataset. Its pixels are read on demand. */
export interface DatasetItem<L> {
  /** Identifier of the image in messages and checkpoints: its path, or its index as text. */
  readonly id: string;
  /** One label for each task. A task without a label is masked: the image does not count in the loss and metrics of that task. */
  readonly labels: L;
  /** Weight of the image in the loss: one number for all tasks, or one number for each task. Default 1. */
  readonly weight?: SampleWeight;
  /** Reads the image and returns it in the shape of the dataset. */
  read(): Promise<ImageBytes>;
}

/**
 * Weight of an image in the loss: one number for all tasks, or one number for each task.
 *
 * @category Data
 */
export type SampleWeight = number | { readonly [task: string]: number };

/**
 * Image file that was skipped because it could not be used.
 *
 * @category Data
 */
export interface SkippedFile {
  /** Path of the file relative to the folder, with `/` as the separator. */
  readonly path: string;
  /** Reason why the file cannot be used, as a clause about the file, for example `it cannot be decoded (…)`. */
  readonly reason: string;
}

/**
 * Options for {@link Dataset.augment}.
 *
 * @category Augment
 */
export interface AugmentOptions {
  /** Fill mode for pixels outside the image. Default `nearest`. */
  readonly fillMode?: FillMode;
  /** Pixel value for the `constant` fill mode, 0..255. Default 0. */
  readonly fillValue?: number;
  /** Whether an image is augmented in the same way in every epoch. Default false: each epoch draws new random parameters. */
  readonly fixed?: boolean;
  /**
   * Center of rotations, shears and zooms. `keras` uses the same center as Keras's `ImageDataGenerator`, which is the center of the image
   * only if the image is square. Default: the center of the image.
   */
  readonly compat?: 'keras';
}

/** Augmentation of a dataset: the transforms, and whether their random parameters change in each epoch. */
export interface AugmentationSettings {
  readonly pipeline: AugmentationPipeline;
  /** Whether an image is augmented in the same way in every epoch. */
  readonly fixed: boolean;
}

/**
 * Labeled images of one size in a fixed order. A dataset is immutable: its methods return new datasets that share the images. It stores
 * images as bytes and contains no tensors.
 *
 * @typeParam L - Labels of an image: one entry for each task.
 * @example
 * ```ts
 * import { imagesInMemory, randomFlip } from 'tfjs-multitask';
 *
 * const gray = (value: number) => ({ data: new Uint8Array(8 * 8 * 3).fill(value), height: 8, width: 8, channels: 3 });
 * const dataset = imagesInMemory([10, 90, 170, 250].map((age) => ({ image: gray(age), labels: { age } })));
 * const { train, validation } = dataset
 *   .withSampleWeights(({ age }) => (age > 100 ? 2 : 1))
 *   .split({ validation: 0.25, by: 'last' });
 * console.log(train.size, validation.labels(0), validation.sampleWeight(0)); // 3 { age: 250 } 2
 * console.log(train.augment([randomFlip('horizontal')]).size); // 3
 * ```
 * @category Data
 */
export class Dataset<L> {
  /** Number of images. */
  readonly size: number;

  /** @internal */
  constructor(
    /** Height, width and channels of every image. */
    readonly shape: ImageShape,
    private readonly items: readonly DatasetItem<L>[],
    /** Image files that could not be used. {@link Dataset.split} and {@link Dataset.select} copy this list to the new datasets. */
    readonly skipped: readonly SkippedFile[] = [],
    /**
     * Index of each image in the original dataset. This index determines the augmentation of the image, so an image is augmented in the
     * same way in every split.
     */
    private readonly sourceIndices: readonly number[] = items.map((_, i) => i),
    /** @internal */
    readonly augmentation: AugmentationSettings | null = null,
    /** @internal */
    readonly spawner: Spawner | null = null,
  ) {
    this.size = items.length;
  }

  /** Identifiers of all images, in order. */
  get ids(): readonly string[] {
    return this.items.map((item) => item.id);
  }

  /** Returns the identifier of an image. Throws an `argument` error for an index outside the dataset. */
  id(index: number): string {
    return this.#getItem(index).id;
  }

  /** Returns the labels of an image. Throws an `argument` error for an index outside the dataset. */
  labels(index: number): L {
    return this.#getItem(index).labels;
  }

  /**
   * Returns the weight of an image in the loss. The weight is 1 unless `imagesInMemory` or {@link Dataset.withSampleWeights} has set
   * another weight.
   */
  sampleWeight(index: number): SampleWeight {
    return this.#getItem(index).weight ?? 1;
  }

  /** Returns the index of an image in the original dataset, before splitting or selecting. */
  sourceIndex(index: number): number {
    return this.sourceIndices[index]!;
  }

  /** Reads an image, without augmentation. */
  read(index: number): Promise<ImageBytes> {
    return this.#getItem(index).read();
  }

  /**
   * Splits the dataset into two datasets that share no images. See {@link SplitOptions}. Throws an `argument` error for invalid options,
   * and a `data` error if one of the datasets would be empty.
   */
  split(options: SplitOptions<L>): {
    /** Dataset of the images that are not in `validation`. */
    readonly train: Dataset<L>;
    /** Dataset with the requested fraction of the images. */
    readonly validation: Dataset<L>;
  } {
    const { train, validation } = splitIndices(
      this.items.map((item) => item.labels),
      options,
    );
    return { train: this.select(train), validation: this.select(validation) };
  }

  /** Returns a dataset of the images at `indices`, in that order. */
  select(indices: readonly number[]): Dataset<L> {
    checks.noOptions('select', arguments[1]);
    checks.list('select', indices, { noun: 'an array of indices', advice: 'Write dataset.select([0, 1]).' });
    const items = indices.map((index) => this.#getItem(index));
    const sourceIndices = indices.map((index) => this.sourceIndex(index));
    return new Dataset(this.shape, items, this.skipped, sourceIndices, this.augmentation, this.spawner);
  }

  /** Returns a dataset of the first `count` images, or of all images if there are fewer. */
  take(count: number): Dataset<L> {
    checks.noOptions('take', arguments[1]);
    checks.integer('take.count', count, { min: 0, advice: 'Pass the number of images, for example 100.' });
    return this.select(Array.from({ length: Math.min(count, this.size) }, (_, i) => i));
  }

  /**
   * Returns a dataset whose images are augmented during training. Each epoch draws new random parameters, which depend only on the run's
   * seed, the epoch and the image. A second call replaces the transforms of the first.
   *
   * - The affine transforms are combined into one warp, which produces the same pixels as Keras's `ImageDataGenerator`. Flips follow, then
   *   the pixel transforms in the order of the list.
   * - `evaluate` also augments the images, and so does `fit` if you pass this dataset as `validation`. `predict` never augments images.
   *
   * Throws an `argument` error for a transform that appears twice, or an invalid option.
   */
  augment(transforms: readonly ImageTransform[], options: AugmentOptions = {}): Dataset<L> {
    checks.options('augment', options, { fillMode: true, fillValue: true, fixed: true, compat: true });
    const { fixed = false, ...sampling } = options;
    checks.boolean('augment.fixed', fixed, { advice: 'Omit it to use new random numbers in every epoch.' });
    return this.withAugmentation({ pipeline: createAugmentationPipeline(transforms, sampling), fixed });
  }

  /** Returns the dataset without the transforms of {@link Dataset.augment}. */
  withoutAugmentation(): Dataset<L> {
    checks.noOptions('withoutAugmentation', arguments[0]);
    return this.withAugmentation(null);
  }

  /** @internal Returns the dataset with different augmentation settings. */
  withAugmentation(augmentation: AugmentationSettings | null): Dataset<L> {
    return new Dataset(this.shape, this.items, this.skipped, this.sourceIndices, augmentation, this.spawner);
  }

  /**
   * Returns a dataset whose images are augmented by worker threads while an engine runs. Pass `null` to augment on the main thread. Results
   * are identical bit for bit in both cases. Datasets from `imageFolder` and `imageFiles` have workers by default; datasets from
   * `imagesInMemory` do not. A custom {@link PixelTransform} always runs on the main thread.
   */
  withWorkers(spawner: Spawner | null): Dataset<L> {
    if (spawner !== null) {
      checks.callable('withWorkers.spawn', (spawner as Spawner | undefined)?.spawn, {
        noun: 'workers with a method spawn()',
        advice: 'Pass workerThreads() or webWorkers(), or null to augment on the main thread.',
      });
    }
    return new Dataset(this.shape, this.items, this.skipped, this.sourceIndices, this.augmentation, spawner);
  }

  /**
   * Returns a dataset whose images have new weights in the loss. The function `weight` computes the weight of an image from its labels and
   * its identifier.
   */
  withSampleWeights(weight: (labels: L, id: string) => SampleWeight): Dataset<L> {
    checks.noOptions('withSampleWeights', arguments[1]);
    checks.callable('withSampleWeights', weight, {
      advice: 'Write dataset.withSampleWeights(({ age }) => (age > 60 ? 2 : 1)).',
    });
    const items = this.items.map((item) => ({
      ...item,
      weight: checkWeight(weight(item.labels, item.id), item.id),
      read: () => item.read(),
    }));
    return new Dataset(this.shape, items, this.skipped, this.sourceIndices, this.augmentation, this.spawner);
  }

  /**
   * Description of the dataset as plain data, from which fingerprints are computed. The description depends on the shape, identifiers,
   * labels, weights and transforms of the images, but not on their pixels.
   */
  get description(): {
    /** Shape, identifiers, labels and weights of the images. */
    readonly data: Json;
    /** Transforms and their options, or null for a dataset without augmentation. */
    readonly augmentation: Json;
  } {
    const { augmentation } = this;
    return {
      data: {
        shape: this.shape,
        items: this.items.map(({ id, labels, weight = 1 }, i) => [
          id,
          this.sourceIndices[i]!,
          labels as Json,
          weight,
        ]),
      },
      augmentation: augmentation && {
        pipeline: augmentation.pipeline.description,
        fixed: augmentation.fixed,
      },
    };
  }

  #getItem(index: number): DatasetItem<L> {
    const item = typeof index === 'number' ? this.items[index] : undefined;
    if (item) return item;
    throw createError({
      kind: 'argument',
      path: 'dataset',
      expected: `an index from 0 to ${this.size - 1}`,
      received: typeof index === 'number' ? `the index ${index}` : describeType(index),
      advice: 'Pass an index that is less than `dataset.size`.',
    });
  }
}

/**
 * Throws a `data` error if a function of sample weights returns no weight, because the default weight 1 would hide the error. Training
 * checks the value.
 */
function checkWeight(weight: SampleWeight, id: string): SampleWeight {
  checks.valid(`weight of ${id}`, weight, weight !== undefined && weight !== null, {
    kind: 'data',
    noun: 'a number of at least 0, or an object with a number for each task',
    advice: 'Return 1 for the default weight.',
  });
  return weight;
}

/** Batch of images for one step. The pixels are valid until the next batch is requested. */
export interface Batch {
  /**
   * Pixel values from 0 to 255 with the shape `[count, height, width, channels]`, in row-major order. Empty if the caller does not need the
   * pixels of this batch.
   */
  readonly pixels: Float32Array;
  readonly count: number;
  /** Index of each image in the dataset. */
  readonly indices: readonly number[];
}
