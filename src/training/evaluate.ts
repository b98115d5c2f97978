import type { Tensor } from '@tensorflow/tfjs';
import { pause } from '../core/pause.js';
import { batches } from '../data/batches.js';
import type { Crew } from '../data/crew.js';
import type { Dataset } from '../data/dataset.js';
import type { Network } from '../models/network.js';
import { tf } from '../tensor/tf.js';
import { batchArrays, IMAGES, targetsIn, tensorsOf } from './batch.js';
import { forward } from './forward.js';
import { penaltyOf } from './step.js';
import { judge, type LossAverage, type Tally, tally } from './tally.js';

/** How a dataset is gone through without training. */
export interface PassOptions {
  readonly weights: { readonly [task: string]: number };
  readonly batchSize: number;
  readonly seed: number;
  /** Counts from 0: which plans an augmented dataset uses. */
  readonly epoch: number;
  readonly average: LossAverage;
  readonly signal?: AbortSignal | undefined;
  /** Of the run that judges. Default: workers for this pass alone. */
  readonly crew?: Crew;
}

/** Losses and metrics of a dataset by the weights as they are, in inference mode. L2 counts, as in Keras. */
export async function judgeDataset(
  network: Network,
  dataset: Dataset<any>,
  options: PassOptions,
): Promise<Tally> {
  const { weights, batchSize, seed, epoch, average, signal, crew } = options;
  const result = tally(network, average);
  for await (const batch of batches(dataset, {
    batchSize,
    epoch,
    seed,
    shuffle: false,
    ...(crew && { crew }),
  })) {
    if (signal?.aborted) break;
    const { [IMAGES]: images, ...labels } = batchArrays(network, dataset, batch, {});
    const tensors = tensorsOf(labels);
    let predictions: Tensor[] = [];
    let sums: Tensor | undefined;
    try {
      predictions = await forward(network, images!);
      sums = tf.tidy(
        () => judge(network, weights, predictions, targetsIn(network, tensors), penaltyOf(network)).sums,
      );
      result.add(await sums.data(), batch.count);
    } finally {
      tf.dispose([...Object.values(tensors), ...predictions, ...(sums ? [sums] : [])]);
    }
    await pause();
  }
  return result;
}
