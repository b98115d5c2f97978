import { type AugmentationPlan, applyPlan } from '../augment/applyPlan.js';
import { type AugmentationSpec, resolveAugmentationSpec } from '../augment/augmentationSpec.js';
import { getSpec } from '../augment/serializable.js';
import { createError } from '../core/errors/errors.js';
import type { ImageBytes } from '../core/images.js';
import type { Spawner } from '../core/platform/platform.js';
import { createRng } from '../core/rng.js';
import type { Batch, Dataset } from './dataset.js';
import type { WorkerPool } from './workerPool.js';

/** What the batches of one epoch have in common. */
export interface BatchLoaderOptions {
  readonly batchSize: number;
  readonly epoch: number;
  readonly seed: number;
  readonly workerPool: WorkerPool;
}

/** A batch in the making. */
export interface PendingBatch {
  readonly batch: Promise<Batch>;
  /** Frees what it lies in: it is not looked at any more. */
  release(): void;
}

/** Makes batches of the images at `indices`. */
export interface BatchLoader {
  /** How many batches to have in the making. */
  readonly prefetchCount: number;
  load(indices: readonly number[]): PendingBatch;
}

/**
 * Who makes an epoch's batches: the dataset's workers, when its augmentation is one that they can be told; else this
 * thread, which also does what is not augmented, a copy and no more.
 */
export function createBatchLoader(dataset: Dataset<unknown>, options: BatchLoaderOptions): BatchLoader {
  const { spawner, augmentation: augmenting } = dataset;
  const recipe = augmenting ? (getSpec(augmenting.pipeline) as AugmentationSpec | undefined) : undefined;
  return augmenting && recipe && spawner
    ? createWorkerLoader(dataset, options, recipe, spawner)
    : createMainThreadLoader(dataset, options, recipe);
}

function createMainThreadLoader(
  dataset: Dataset<unknown>,
  options: BatchLoaderOptions,
  recipe: AugmentationSpec | undefined,
): BatchLoader {
  const length = computeImageLength(dataset);
  const look = dataset.augmentation?.pipeline;
  const changes = recipe && resolveAugmentationSpec(recipe);
  const make = async (indices: readonly number[]) => {
    const pixels = new Float32Array(indices.length * length);
    for (const [row, index] of indices.entries()) {
      const image = await readImage(dataset, index);
      const to = pixels.subarray(row * length, (row + 1) * length);
      const plan = look && drawPlan(dataset, index, options);
      if (plan && changes) applyPlan(image, plan, changes, to);
      else to.set(plan ? look.apply(image, plan as never).data : image.data);
    }
    return { pixels, count: indices.length, indices };
  };
  // The second is made while an engine runs that leaves this thread free.
  return { prefetchCount: 2, load: (indices) => ({ batch: make(indices), release: () => {} }) };
}

/** The batch's bytes and its plans go to a worker, its pixels come back; no image is copied otherwise. */
function createWorkerLoader(
  dataset: Dataset<unknown>,
  options: BatchLoaderOptions,
  recipe: AugmentationSpec,
  spawner: Spawner,
): BatchLoader {
  const { shape } = dataset;
  const { batchSize, workerPool } = options;
  const length = computeImageLength(dataset);
  const fill = async (indices: readonly number[]) => {
    const plans = indices.map((index) => drawPlan(dataset, index, options));
    const images = await Promise.all(indices.map((index) => readImage(dataset, index)));
    const { bytes, pixels } = workerPool.acquireBuffers(Math.min(batchSize, dataset.size) * length);
    images.forEach((image, row) => void bytes.set(image.data, row * length));
    return workerPool.run(spawner, { shape, recipe, plans, bytes: bytes.buffer, pixels: pixels.buffer });
  };
  const load = (indices: readonly number[]): PendingBatch => {
    const filled = fill(indices);
    return {
      batch: filled.then(({ pixels }) => ({
        pixels: new Float32Array(pixels, 0, indices.length * length),
        count: indices.length,
        indices,
      })),
      release: () =>
        void filled.then(
          (buffers) => workerPool.releaseBuffers(buffers),
          () => {},
        ),
    };
  };
  // Each worker has a batch to do while one is used, and one is ready whenever the next is asked for.
  return { prefetchCount: spawner.maxWorkers + 1, load };
}

/** Drawn on this thread: it takes microseconds, and any part may draw as it likes, a user's own as well. */
function drawPlan(
  dataset: Dataset<unknown>,
  index: number,
  { seed, epoch }: BatchLoaderOptions,
): AugmentationPlan {
  const { pipeline, fixed } = dataset.augmentation!;
  const random = createRng(seed, 'plan', fixed ? 'fixed' : epoch, dataset.sourceIndex(index));
  return pipeline.draw(random, dataset.shape) as unknown as AugmentationPlan;
}

function computeImageLength({ shape: [height, width, channels] }: Dataset<unknown>): number {
  return height * width * channels;
}

async function readImage(dataset: Dataset<unknown>, index: number): Promise<ImageBytes> {
  const image = await dataset.read(index);
  if (image.data.length === computeImageLength(dataset)) return image;
  throw createError({
    kind: 'data',
    path: dataset.id(index),
    expected: `${dataset.shape.join('x')} bytes`,
    received: `${image.data.length} bytes`,
    advice:
      'Check that the decoder returns the size it is passed, and do not change images after creating the dataset.',
  });
}
