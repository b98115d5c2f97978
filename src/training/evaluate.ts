import type { Tensor } from '@tensorflow/tfjs';
import { pause } from '../core/pause.js';
import { batches } from '../data/batches.js';
import type { Crew } from '../data/crew.js';
import type { Dataset } from '../data/dataset.js';
import type { Network } from '../models/network.js';
import { settle } from '../models/settle.js';
import { tf } from '../tensor/tf.js';
import { targetArrays, targetsIn, tensorsOf } from './batch.js';
import { Door } from './door.js';
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
  /** Of the run that judges. Default: the whole network sees the images. */
  readonly door?: Door;
}

/** Losses and metrics of a dataset by the weights as they are, in inference mode. L2 counts, as in Keras. */
export async function judgeDataset(
  network: Network,
  dataset: Dataset<any>,
  options: PassOptions,
): Promise<Tally> {
  const { weights, batchSize, seed, epoch, average, signal, crew } = options;
  const door = options.door ?? new Door({ frozen: undefined, trained: network.graph }, network.input.range);
  const result = tally(network, average);
  for await (const batch of batches(dataset, {
    batchSize,
    epoch,
    seed,
    shuffle: false,
    known: door.known,
    ...(crew && { crew }),
  })) {
    if (signal?.aborted) break;
    const given = await door.inputs(dataset, batch);
    const tensors = tensorsOf(targetArrays(network, dataset, batch, {}));
    let predictions: Tensor[] = [];
    let sums: Tensor | undefined;
    try {
      settle(network.layersModel);
      predictions = await forward(door.halves.trained, given);
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
