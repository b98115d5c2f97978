import { rng } from '../core/rng.js';
import { Crew } from './crew.js';
import type { Batch, Dataset } from './dataset.js';
import { type Making, makerOf } from './making.js';

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
  /** Whether nobody will look at the pixels of these images: they are not made then. */
  readonly known?: (dataset: Dataset<any>, indices: readonly number[]) => boolean;
}

/**
 * The batches of one epoch; the last may be smaller. Order and augmentation follow from seed, epoch and image alone,
 * so an epoch that begins in its middle sees what it would have seen, and workers change nothing but who does it.
 *
 * **A batch is good until the next is asked for**: its memory is then used again.
 */
export async function* batches<L>(dataset: Dataset<L>, options: BatchOptions): AsyncGenerator<Batch, void> {
  const { batchSize, epoch, seed, shuffle, from = 0, known = () => false } = options;
  const order = shuffle
    ? rng(seed, 'order', epoch).permutation(dataset.size)
    : Array.from({ length: dataset.size }, (_, i) => i);
  const count = Math.ceil(dataset.size / batchSize);
  const crew = options.crew ?? new Crew();
  const maker = makerOf(dataset, { batchSize, epoch, seed, crew });
  const making: Making[] = [];
  let next = from;
  const begin = () => {
    while (next < count && making.length < maker.ahead) {
      const indices = order.slice(next * batchSize, (next + 1) * batchSize);
      const begun = known(dataset, indices) ? withoutPixels(indices) : maker.make(indices);
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

const withoutPixels = (indices: readonly number[]): Making => ({
  batch: Promise.resolve({ pixels: new Float32Array(0), count: indices.length, indices }),
  release: () => {},
});
