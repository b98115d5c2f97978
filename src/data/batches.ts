import { fault } from '../core/errors.js';
import { rng } from '../core/rng.js';
import type { Batch, Dataset } from './dataset.js';

/** How an epoch is cut into batches. */
export interface BatchOptions {
  readonly batchSize: number;
  /** Counts from 0; names the order and the plans. */
  readonly epoch: number;
  readonly seed: number;
  readonly shuffle: boolean;
  /** First batch, counted from 0: where a resumed epoch goes on. Default 0. */
  readonly from?: number;
  /** Batches made ready before they are asked for. Default 2. */
  readonly prefetch?: number;
}

/**
 * The batches of one epoch; the last may be smaller. Order and augmentation follow from seed, epoch and image alone,
 * so an epoch that begins in its middle sees what it would have seen.
 */
export async function* batches<L>(dataset: Dataset<L>, options: BatchOptions): AsyncGenerator<Batch, void> {
  const { batchSize, epoch, seed, shuffle, from = 0, prefetch = 2 } = options;
  const order = shuffle
    ? rng(seed, 'order', epoch).permutation(dataset.size)
    : Array.from({ length: dataset.size }, (_, i) => i);
  const count = Math.ceil(dataset.size / batchSize);
  const ready: Promise<Batch>[] = [];
  let next = from;
  const fill = () => {
    while (next < count && ready.length < prefetch) {
      const batch = read(dataset, order.slice(next * batchSize, (next + 1) * batchSize), seed, epoch);
      batch.catch(() => {}); // told when its turn comes; nobody may be waiting yet
      ready.push(batch);
      next++;
    }
  };
  fill();
  while (ready.length > 0) {
    const batch = await ready.shift()!;
    fill();
    yield batch;
  }
}

async function read<L>(
  dataset: Dataset<L>,
  indices: readonly number[],
  seed: number,
  epoch: number,
): Promise<Batch> {
  const [height, width, channels] = dataset.shape;
  const length = height * width * channels;
  const pixels = new Float32Array(indices.length * length);
  const { augmenting } = dataset;
  for (const [row, index] of indices.entries()) {
    const image = await dataset.read(index);
    if (image.data.length !== length) {
      throw fault({
        kind: 'data',
        path: dataset.ids[index]!,
        expected: `${height}x${width}x${channels} bytes`,
        received: `${image.data.length} bytes`,
        advice:
          'The bytes changed after the dataset was made, or its decoder gives another size than it was asked for.',
      });
    }
    if (augmenting) {
      const random = rng(seed, 'plan', augmenting.fixed ? 'fixed' : epoch, dataset.place(index));
      pixels.set(
        augmenting.look.apply(image, augmenting.look.draw(random, dataset.shape)).data,
        row * length,
      );
    } else pixels.set(image.data, row * length);
  }
  return { pixels, count: indices.length, indices };
}
