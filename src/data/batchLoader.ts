import { type AugmentationPlan, applyPlan } from '../augment/applyPlan.js';
import { type AugmentationSpec, resolveAugmentationSpec } from '../augment/augmentationSpec.js';
import { getSpec } from '../augment/serializable.js';
import { createError } from '../core/errors/errors.js';
import type { ImageBytes } from '../core/images.js';
import type { Spawner } from '../core/platform/platform.js';
import { createRng } from '../core/rng.js';
import type { Batch, Dataset } from './dataset.js';
import type { WorkerPool } from './workerPool.js';

/** Options of a batch loader, which apply to all batches of one epoch. */
export interface BatchLoaderOptions {
  readonly batchSize: number;
  readonly epoch: number;
  readonly seed: number;
  readonly workerPool: WorkerPool;
}

/** Batch that is being prepared, and the function that frees its memory. */
export interface PendingBatch {
  readonly batch: Promise<Batch>;
  /** Returns the memory of the batch to the worker pool. The pixels are invalid afterwards. */
  release(): void;
}

/** Object that prepares batches of images. The caller requests a batch by the indices of its images in the dataset. */
export interface BatchLoader {
  /** Number of batches to prepare in advance. */
  readonly prefetchCount: number;
  load(indices: readonly number[]): PendingBatch;
}

/**
 * Creates the loader for the batches of an epoch. Workers prepare the batches if the dataset has workers and its augmentation can be sent
 * to them. Otherwise, the main thread prepares the batches.
 */
export function createBatchLoader(dataset: Dataset<unknown>, options: BatchLoaderOptions): BatchLoader {
  const { spawner, augmentation } = dataset;
  const spec = augmentation ? (getSpec(augmentation.pipeline) as AugmentationSpec | undefined) : undefined;
  return spec && spawner
    ? createWorkerLoader(dataset, options, spec, spawner)
    : createMainThreadLoader(dataset, options, spec);
}

function createMainThreadLoader(
  dataset: Dataset<unknown>,
  options: BatchLoaderOptions,
  spec: AugmentationSpec | undefined,
): BatchLoader {
  const length = computeImageLength(dataset);
  const pipeline = dataset.augmentation?.pipeline;
  const augmentation = spec && resolveAugmentationSpec(spec);
  const load = async (indices: readonly number[]) => {
    const pixels = new Float32Array(indices.length * length);
    for (const [row, index] of indices.entries()) {
      const image = await readImage(dataset, index);
      const output = pixels.subarray(row * length, (row + 1) * length);
      const plan = pipeline && drawPlan(dataset, index, options);
      if (plan && augmentation) applyPlan(image, plan, augmentation, output);
      else output.set(plan ? pipeline.apply(image, plan as never).data : image.data);
    }
    return { pixels, count: indices.length, indices };
  };
  // While an engine that does not use this thread runs a step, this thread can prepare the second batch.
  return { prefetchCount: 2, load: (indices) => ({ batch: load(indices), release: () => {} }) };
}

/** Creates a loader that sends the images of each batch and their augmentation plans to a worker, and receives the pixels. */
function createWorkerLoader(
  dataset: Dataset<unknown>,
  options: BatchLoaderOptions,
  spec: AugmentationSpec,
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
    return workerPool.run(spawner, { shape, spec, plans, bytes: bytes.buffer, pixels: pixels.buffer });
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
  // While each worker prepares one batch, one more batch is ready for the next step.
  return { prefetchCount: spawner.maxWorkers + 1, load };
}

/**
 * Draws the augmentation plan of one image. Plans are drawn on the main thread, because drawing takes only microseconds and custom
 * transforms cannot be sent to a worker.
 */
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
    expected: `an image of ${dataset.shape.join('x')} bytes`,
    received: `an image of ${image.data.length} bytes`,
    advice:
      'Check that the decoder returns images of the requested size, and do not modify images after creating the dataset.',
  });
}
