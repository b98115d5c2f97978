import { createRng } from '../core/rng.js';
import { createBatchLoader, type PendingBatch } from './batchLoader.js';
import type { Batch, Dataset } from './dataset.js';
import { WorkerPool } from './workerPool.js';

/** How an epoch is cut into batches. */
export interface BatchOptions {
  readonly batchSize: number;
  /** Counts from 0; names the order and the plans. */
  readonly epoch: number;
  readonly seed: number;
  readonly shuffle: boolean;
  /** First batch, counted from 0: where a resumed epoch goes on. Default 0. */
  readonly firstBatch?: number;
  /** Workers that stay when the epoch is over; their owner closes them. Default: the epoch's own. */
  readonly workerPool?: WorkerPool;
  /** Whether nobody will look at the pixels of these images: they are not made then. */
  readonly shouldSkipPixels?: (dataset: Dataset<any>, indices: readonly number[]) => boolean;
}

/**
 * The batches of one epoch; the last may be smaller. Order and augmentation follow from seed, epoch and image alone,
 * so an epoch that begins in its middle sees what it would have seen, and workers change nothing but who does it.
 *
 * **A batch is good until the next is asked for**: its memory is then used again.
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
  const maker = createBatchLoader(dataset, { batchSize, epoch, seed, workerPool });
  const making: PendingBatch[] = [];
  let next = firstBatch;
  const begin = () => {
    while (next < count && making.length < maker.prefetchCount) {
      const indices = order.slice(next * batchSize, (next + 1) * batchSize);
      const begun = shouldSkipPixels(dataset, indices)
        ? createBatchWithoutPixels(indices)
        : maker.load(indices);
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
    if (!options.workerPool) workerPool.close();
  }
}

const createBatchWithoutPixels = (indices: readonly number[]): PendingBatch => ({
  batch: Promise.resolve({ pixels: new Float32Array(0), count: indices.length, indices }),
  release: () => {},
});
