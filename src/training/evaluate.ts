import type { Tensor } from '@tensorflow/tfjs';
import { pause } from '../core/pause.js';
import { batches } from '../data/batches.js';
import type { Crew } from '../data/crew.js';
import type { Dataset } from '../data/dataset.js';
import { runGraph } from '../models/graph.js';
import type { Network } from '../models/network.js';
import { tf } from '../tensor/tf.js';
import { imagesOf, targetsOf } from './batch.js';
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
    const images = imagesOf(batch.pixels, [batch.count, ...dataset.shape], network.input.range);
    const targets = targetsOf(network, dataset, batch, {});
    let sums: Tensor | undefined;
    try {
      sums = tf.tidy(() => {
        const predictions = runGraph(network.graph, images, { training: false });
        return judge(network, weights, predictions, targets, penaltyOf(network)).sums;
      });
      result.add(await sums.data(), batch.count);
    } finally {
      tf.dispose([images, sums, targets] as unknown as tf.TensorContainer);
    }
    await pause();
  }
  return result;
}
