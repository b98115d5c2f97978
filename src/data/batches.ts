import { change, type Plan } from '../augment/change.js';
import { recipeOf } from '../augment/mark.js';
import { changesOf, type Recipe } from '../augment/recipe.js';
import { fault } from '../core/errors.js';
import type { Spawner } from '../core/outside.js';
import { rng } from '../core/rng.js';
import { Crew } from './crew.js';
import type { Augmenting, Batch, Dataset } from './dataset.js';

/** How an epoch is cut into batches. */
export interface BatchOptions {
  readonly batchSize: number;
  /** Counts from 0; names the order and the plans. */
  readonly epoch: number;
  readonly seed: number;
  readonly shuffle: boolean;
  /** First batch, counted from 0: where a resumed epoch goes on. Default 0. */
  readonly from?: number;
  /** Workers that stay when the epoch is over; their owner closes them. Default: the epoch's own. */
  readonly crew?: Crew;
}

/** A batch in the making. */
interface Making {
  readonly batch: Promise<Batch>;
  /** Frees what it lies in: it is not looked at any more. */
  release(): void;
}

/** Batches in the making on the main thread, which serve an engine that runs beside it. */
const AHEAD = 2;

/**
 * The batches of one epoch; the last may be smaller. Order and augmentation follow from seed, epoch and image alone,
 * so an epoch that begins in its middle sees what it would have seen, and workers change nothing but who does it.
 *
 * **A batch is good until the next is asked for**: its memory is then used again.
 */
export async function* batches<L>(dataset: Dataset<L>, options: BatchOptions): AsyncGenerator<Batch, void> {
  const { batchSize, epoch, seed, shuffle, from = 0 } = options;
  const order = shuffle
    ? rng(seed, 'order', epoch).permutation(dataset.size)
    : Array.from({ length: dataset.size }, (_, i) => i);
  const count = Math.ceil(dataset.size / batchSize);
  const crew = options.crew ?? new Crew();
  const { spawner, augmenting } = dataset;
  const recipe = augmenting ? (recipeOf(augmenting.look) as Recipe | undefined) : undefined;
  const elsewhere = spawner && recipe ? { spawner, recipe, crew } : undefined;
  // Each worker has a batch to do while one is used, and one is ready whenever the next is asked for.
  const ahead = elsewhere ? elsewhere.spawner.count + 1 : AHEAD;
  const making: Making[] = [];
  let next = from;
  const begin = () => {
    while (next < count && making.length < ahead) {
      const indices = order.slice(next * batchSize, (next + 1) * batchSize);
      const plans = augmenting && plansOf(dataset, augmenting, indices, seed, epoch);
      const begun =
        elsewhere && plans
          ? inWorker(dataset, indices, plans, batchSize, elsewhere)
          : { batch: here(dataset, indices, plans, recipe), release: () => {} };
      begun.batch.catch(() => {}); // told when its turn comes; nobody may be waiting yet
      making.push(begun);
      next++;
    }
  };
  try {
    begin();
    while (making.length > 0) {
      const { batch, release } = making.shift()!;
      try {
        const ready = await batch;
        begin();
        yield ready;
      } finally {
        release();
      }
    }
  } finally {
    for (const { batch, release } of making) batch.then(release, () => {});
    if (!options.crew) crew.close();
  }
}

/** Drawn here, where the order is known: a plan costs microseconds, and any part may draw, a user's own as well. */
function plansOf(
  dataset: Dataset<unknown>,
  { look, fixed }: Augmenting,
  indices: readonly number[],
  seed: number,
  epoch: number,
): Plan[] {
  return indices.map((index) => {
    const random = rng(seed, 'plan', fixed ? 'fixed' : epoch, dataset.place(index));
    return look.draw(random, dataset.shape) as unknown as Plan;
  });
}

/** On this thread: what is not augmented, what a user wrote, and everything where there are no workers. */
async function here(
  dataset: Dataset<unknown>,
  indices: readonly number[],
  plans: readonly Plan[] | null,
  recipe: Recipe | undefined,
): Promise<Batch> {
  const [height, width, channels] = dataset.shape;
  const length = height * width * channels;
  const pixels = new Float32Array(indices.length * length);
  const look = dataset.augmenting?.look;
  const changes = recipe && changesOf(recipe);
  for (const [row, index] of indices.entries()) {
    const image = await imageOf(dataset, index);
    const to = pixels.subarray(row * length, (row + 1) * length);
    const plan = plans?.[row];
    if (plan && changes) change(image, plan, changes, to);
    else to.set(plan && look ? look.apply(image, plan as never).data : image.data);
  }
  return { pixels, count: indices.length, indices };
}

/** In a worker: the batch's bytes and its plans go there, its pixels come back, and no image is copied otherwise. */
function inWorker(
  dataset: Dataset<unknown>,
  indices: readonly number[],
  plans: readonly Plan[],
  batchSize: number,
  { spawner, recipe, crew }: { readonly spawner: Spawner; readonly recipe: Recipe; readonly crew: Crew },
): Making {
  const { shape } = dataset;
  const length = shape[0] * shape[1] * shape[2];
  const filled = (async () => {
    const images = await Promise.all(indices.map((index) => imageOf(dataset, index)));
    const { bytes, pixels } = crew.take(Math.min(batchSize, dataset.size) * length);
    images.forEach((image, row) => void bytes.set(image.data, row * length));
    return crew.do(spawner, { shape, recipe, plans, bytes: bytes.buffer, pixels: pixels.buffer });
  })();
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
}

async function imageOf(dataset: Dataset<unknown>, index: number) {
  const [height, width, channels] = dataset.shape;
  const image = await dataset.read(index);
  if (image.data.length === height * width * channels) return image;
  throw fault({
    kind: 'data',
    path: dataset.id(index),
    expected: `${height}x${width}x${channels} bytes`,
    received: `${image.data.length} bytes`,
    advice:
      'The bytes changed after the dataset was made, or its decoder gives another size than it was asked for.',
  });
}
