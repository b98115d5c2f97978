import { createRng } from '../core/rng.js';
import { createBatchLoader, type PendingBatch } from './batchLoader.js';
import type { Batch, Dataset } from './dataset.js';
import { WorkerPool } from './workerPool.js';

/** Options for dividing an epoch into batches. */
export interface BatchOptions {
  readonly batchSize: number;
  /** Index of the epoch, counted from 0. This index determines the order of the images and their augmentation. */
  readonly epoch: number;
  readonly seed: number;
  readonly shuffle: boolean;
  /** Index of the first batch, counted from 0. A resumed epoch continues with this batch. Default 0. */
  readonly firstBatch?: number;
  /** Worker pool that prepares the batches. The caller must close it. Default: a new pool, which is closed at the end of the epoch. */
  readonly workerPool?: WorkerPool;
  /**
   * Returns true if the caller does not need the pixels of these images, for example because their features are cached. In that case, the
   * pixels are not prepared.
   */
  readonly shouldSkipPixels?: (dataset: Dataset<any>, indices: readonly number[]) => boolean;
}

/**
 * Yields the batches of one epoch. The last batch can be smaller. The order and the augmentation of the images depend only on the seed, the
 * epoch and the image, so a resumed epoch yields the same batches as an uninterrupted one, regardless of the number of workers.
 *
 * **A batch is valid only until the next batch is requested**, because its memory is then reused.
 */
export async function* iterateBatches<L>(
  dataset: Dataset<L>,
  options: BatchOptions,
): AsyncGenerator<Batch, void> {
  const { batchSize, epoch, seed, shuffle, firstBatch = 0, shouldSkipPixels = () => false } = options;
  const order = shuffle
    ? createRng(seed, 'order', epoch).permutation(dataset.size)
    : Array.from({ length: dataset.size }, (_, i) => i);
  const count = Math.ceil(dataset.size / batchSize);
  const workerPool = options.workerPool ?? new WorkerPool();
  const loader = createBatchLoader(dataset, { batchSize, epoch, seed, workerPool });
  const pending: PendingBatch[] = [];
  let next = firstBatch;
  const prefetch = () => {
    while (next < count && pending.length < loader.prefetchCount) {
      const indices = order.slice(next * batchSize, (next + 1) * batchSize);
      const pendingBatch = shouldSkipPixels(dataset, indices)
        ? createBatchWithoutPixels(indices)
        : loader.load(indices);
      pendingBatch.batch.catch(() => {}); // Avoids an unhandled rejection: the error is thrown when the batch is awaited.
      pending.push(pendingBatch);
      next++;
    }
  };
  try {
    prefetch();
    while (pending.length > 0) {
      const { batch, release } = pending.shift()!;
      try {
        const ready = await batch;
        prefetch();
        yield ready;
      } finally {
        release();
      }
    }
  } finally {
    for (const { batch, release } of pending) batch.then(release, () => {});
    if (!options.workerPool) workerPool.close();
  }
}

const createBatchWithoutPixels = (indices: readonly number[]): PendingBatch => ({
  batch: Promise.resolve({ pixels: new Float32Array(0), count: indices.length, indices }),
  release: () => {},
});
