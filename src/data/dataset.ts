import { createError } from '../core/errors/errors.js';
import type { ImageBytes, ImageShape, Pixels } from '../core/images.js';
import type { Json } from '../core/json.js';
import type { Spawner } from '../core/platform/platform.js';
import type { Rng } from '../core/rng.js';
import { type SplitOptions, splitIndices } from './split.js';

/**
 * What a dataset needs of an augmentation; `augment([...])` makes one.
 *
 * @category Data
 */
export interface AugmentationPipeline {
  /** Draws the numbers of one image's change. */
  draw(random: Rng, shape: ImageShape): Json;
  /** The image as the plan says; values stay within 0..255. Pure. */
  apply(image: ImageBytes, plan: Json): Pixels;
  /** What it does, for checkpoints: another description is another run. */
  readonly description: Json;
}

/**
 * One labelled image of a source, before it is read.
 *
 * @category Data
 */
export interface DatasetItem<L> {
  /** Names the image in messages and checkpoints: its path, or a number. */
  readonly id: string;
  /** One entry a task; a task without one is not labelled and never counted. */
  readonly labels: L;
  /** Weight in the loss, for all tasks or for each. Default 1. */
  readonly weight?: SampleWeight;
  /** Bytes of the dataset's shape. */
  read(): Promise<ImageBytes>;
}

/**
 * A weight for every task of an image, or one for each.
 *
 * @category Data
 */
export type SampleWeight = number | { readonly [task: string]: number };

/**
 * A file that could not be used, and why.
 *
 * @category Data
 */
export interface SkippedFile {
  /** Below the folder, with `/`. */
  readonly path: string;
  /** The end of a sentence that begins with the file: `it cannot be decoded (…)`. */
  readonly reason: string;
}

/**
 * What {@link Dataset.augment} takes beside the augmentation.
 *
 * @category Data
 */
export interface AugmentOptions {
  /** The same plan in every epoch. Default false: new plans every epoch. */
  readonly fixed?: boolean;
}

/**
 * How the images of a dataset are changed before they are used.
 *
 * @category Data
 */
export interface AugmentationSettings {
  /** The changes to draw from. */
  readonly pipeline: AugmentationPipeline;
  /** The same plan in every epoch. */
  readonly fixed: boolean;
}

/**
 * Labelled images of one size, in an order that never changes. Immutable: every method returns another dataset over
 * the same images. Bytes and numbers only, no tensors.
 *
 * @typeParam L - Labels of an image: one entry a task.
 * @example
 * ```ts
 * import { augment, horizontalFlip, imagesInMemory } from 'tfjs-multitask';
 *
 * const grey = (value: number) => ({ data: new Uint8Array(8 * 8 * 3).fill(value), height: 8, width: 8, channels: 3 });
 * const dataset = imagesInMemory([10, 90, 170, 250].map((age) => ({ image: grey(age), labels: { age } })));
 * const { train, validation } = dataset
 *   .weigh(({ age }) => (age > 100 ? 2 : 1))
 *   .split({ validation: 0.25, by: 'last' });
 * console.log(train.size, validation.labels(0), validation.weights(0)); // 3 { age: 250 } 2
 * console.log(train.augment(augment([horizontalFlip()])).size); // 3
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
    /** Files of the source that could not be used; the same list for every part of it. */
    readonly skipped: readonly SkippedFile[] = [],
    /** Place of each image in the source: names its augmentation plans, whatever part it is in. */
    private readonly sourceIndices: readonly number[] = items.map((_, i) => i),
    /** @internal */
    readonly augmentation: AugmentationSettings | null = null,
    /** @internal */
    readonly spawner: Spawner | null = null,
  ) {
    this.size = items.length;
  }

  /** Name of every image. */
  get ids(): readonly string[] {
    return this.items.map((item) => item.id);
  }

  /** Name of an image; throws an `argument` fault for an index that is not there. */
  id(index: number): string {
    return this.#getItem(index).id;
  }

  /** The labels of an image; throws an `argument` fault for an index that is not there. */
  labels(index: number): L {
    return this.#getItem(index).labels;
  }

  /** Its weight in the loss: 1 unless the source or {@link Dataset.withSampleWeights} said otherwise. */
  sampleWeight(index: number): SampleWeight {
    return this.#getItem(index).weight ?? 1;
  }

  /** Place of the image in its source. */
  sourceIndex(index: number): number {
    return this.sourceIndices[index]!;
  }

  /** The image as it is, not augmented. */
  read(index: number): Promise<ImageBytes> {
    return this.#getItem(index).read();
  }

  /** Two parts without a common image. See {@link SplitOptions}. */
  split(options: SplitOptions<L>): {
    /** What is left for training. */
    readonly train: Dataset<L>;
    /** The share asked for. */
    readonly validation: Dataset<L>;
  } {
    const { train, validation } = splitIndices(
      this.items.map((item) => item.labels),
      options,
    );
    return { train: this.select(train), validation: this.select(validation) };
  }

  /** The images at `indices`, in that order. */
  select(indices: readonly number[]): Dataset<L> {
    const items = indices.map((index) => this.#getItem(index));
    const places = indices.map((index) => this.sourceIndex(index));
    return new Dataset(this.shape, items, this.skipped, places, this.augmentation, this.spawner);
  }

  /** The first `count` images, or all when there are fewer. */
  take(count: number): Dataset<L> {
    return this.select(Array.from({ length: Math.min(count, this.size) }, (_, i) => i));
  }

  /** Changes every image by a plan drawn from the run's seed, the epoch and the image; `null` for none. */
  augment(pipeline: AugmentationPipeline | null, { fixed = false }: AugmentOptions = {}): Dataset<L> {
    const augmenting: AugmentationSettings | null = pipeline && { pipeline, fixed };
    return new Dataset(this.shape, this.items, this.skipped, this.sourceIndices, augmenting, this.spawner);
  }

  /**
   * Who changes the images: workers, while the step runs, or the main thread for `null`. The same pixels to the bit, and
   * the same checkpoints. What `imageFolder` and `imageFiles` read has workers; images in memory are given them here.
   * Parts of an augmentation that change values and were written by the caller are done on the main thread.
   */
  withWorkers(spawner: Spawner | null): Dataset<L> {
    return new Dataset(this.shape, this.items, this.skipped, this.sourceIndices, this.augmentation, spawner);
  }

  /** Weights in the loss, from the labels. */
  withSampleWeights(weight: (labels: L, id: string) => SampleWeight): Dataset<L> {
    const items = this.items.map((item) => ({
      ...item,
      weight: weight(item.labels, item.id),
      read: () => item.read(),
    }));
    return new Dataset(this.shape, items, this.skipped, this.sourceIndices, this.augmentation, this.spawner);
  }

  /** What a checkpoint remembers: other images, labels, weights or augmentation make another description. */
  get description(): {
    /** Shape, names, labels and weights. */
    readonly data: Json;
    /** Null for none. */
    readonly augmentation: Json;
  } {
    const { augmentation: augmenting } = this;
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
      augmentation: augmenting && { look: augmenting.pipeline.description, fixed: augmenting.fixed },
    };
  }

  #getItem(index: number): DatasetItem<L> {
    const item = this.items[index];
    if (item) return item;
    throw createError({
      kind: 'argument',
      path: 'dataset',
      expected: `an index from 0 to ${this.size - 1}`,
      received: String(index),
      advice: 'Count from 0. The last index is `size - 1`.',
    });
  }
}

/** Some images of an epoch, ready for the step: until the next batch is asked for. */
export interface Batch {
  /** `[count, height, width, channels]`, 0..255, row-major; empty where nobody looks at them. */
  readonly pixels: Float32Array;
  readonly count: number;
  /** Place of each in the dataset. */
  readonly indices: readonly number[];
}
