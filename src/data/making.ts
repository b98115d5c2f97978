import { change, type Plan } from '../augment/change.js';
import { recipeOf } from '../augment/mark.js';
import { changesOf, type Recipe } from '../augment/recipe.js';
import { fault } from '../core/errors.js';
import type { ImageBytes } from '../core/images.js';
import type { Spawner } from '../core/outside.js';
import { rng } from '../core/rng.js';
import type { Crew } from './crew.js';
import type { Batch, Dataset } from './dataset.js';

/** What the batches of one epoch have in common. */
export interface MakerOptions {
  readonly batchSize: number;
  readonly epoch: number;
  readonly seed: number;
  readonly crew: Crew;
}

/** A batch in the making. */
export interface Making {
  readonly batch: Promise<Batch>;
  /** Frees what it lies in: it is not looked at any more. */
  release(): void;
}

/** Makes batches of the images at `indices`. */
export interface Maker {
  /** How many batches to have in the making. */
  readonly ahead: number;
  make(indices: readonly number[]): Making;
}

/**
 * Who makes an epoch's batches: the dataset's workers, when its augmentation is one that they can be told; else this
 * thread, which also does what is not augmented, a copy and no more.
 */
export function makerOf(dataset: Dataset<unknown>, options: MakerOptions): Maker {
  const { spawner, augmenting } = dataset;
  const recipe = augmenting ? (recipeOf(augmenting.look) as Recipe | undefined) : undefined;
  return augmenting && recipe && spawner
    ? inWorkers(dataset, options, recipe, spawner)
    : onThisThread(dataset, options, recipe);
}

function onThisThread(dataset: Dataset<unknown>, options: MakerOptions, recipe: Recipe | undefined): Maker {
  const length = lengthOf(dataset);
  const look = dataset.augmenting?.look;
  const changes = recipe && changesOf(recipe);
  const make = async (indices: readonly number[]) => {
    const pixels = new Float32Array(indices.length * length);
    for (const [row, index] of indices.entries()) {
      const image = await imageOf(dataset, index);
      const to = pixels.subarray(row * length, (row + 1) * length);
      const plan = look && planOf(dataset, index, options);
      if (plan && changes) change(image, plan, changes, to);
      else to.set(plan ? look.apply(image, plan as never).data : image.data);
    }
    return { pixels, count: indices.length, indices };
  };
  // The second is made while an engine runs that leaves this thread free.
  return { ahead: 2, make: (indices) => ({ batch: make(indices), release: () => {} }) };
}

/** The batch's bytes and its plans go to a worker, its pixels come back; no image is copied otherwise. */
function inWorkers(
  dataset: Dataset<unknown>,
  options: MakerOptions,
  recipe: Recipe,
  spawner: Spawner,
): Maker {
  const { shape } = dataset;
  const { batchSize, crew } = options;
  const length = lengthOf(dataset);
  const fill = async (indices: readonly number[]) => {
    const plans = indices.map((index) => planOf(dataset, index, options));
    const images = await Promise.all(indices.map((index) => imageOf(dataset, index)));
    const { bytes, pixels } = crew.take(Math.min(batchSize, dataset.size) * length);
    images.forEach((image, row) => void bytes.set(image.data, row * length));
    return crew.do(spawner, { shape, recipe, plans, bytes: bytes.buffer, pixels: pixels.buffer });
  };
  const make = (indices: readonly number[]): Making => {
    const filled = fill(indices);
    return {
      batch: filled.then(({ pixels }) => ({
        pixels: new Float32Array(pixels, 0, indices.length * length),
        count: indices.length,
        indices,
      })),
      release: () =>
        void filled.then(
          (buffers) => crew.giveBack(buffers),
          () => {},
        ),
    };
  };
  // Each worker has a batch to do while one is used, and one is ready whenever the next is asked for.
  return { ahead: spawner.count + 1, make };
}

/** Drawn on this thread: it takes microseconds, and any part may draw as it likes, a user's own as well. */
function planOf(dataset: Dataset<unknown>, index: number, { seed, epoch }: MakerOptions): Plan {
  const { look, fixed } = dataset.augmenting!;
  const random = rng(seed, 'plan', fixed ? 'fixed' : epoch, dataset.place(index));
  return look.draw(random, dataset.shape) as unknown as Plan;
}

function lengthOf({ shape: [height, width, channels] }: Dataset<unknown>): number {
  return height * width * channels;
}

async function imageOf(dataset: Dataset<unknown>, index: number): Promise<ImageBytes> {
  const image = await dataset.read(index);
  if (image.data.length === lengthOf(dataset)) return image;
  throw fault({
    kind: 'data',
    path: dataset.id(index),
    expected: `${dataset.shape.join('x')} bytes`,
    received: `${image.data.length} bytes`,
    advice:
      'The bytes changed after the dataset was made, or its decoder gives another size than it was asked for.',
  });
}
