import type { Tensor } from '@tensorflow/tfjs';
import { yieldToEventLoop } from '../core/yieldToEventLoop.js';
import { iterateBatches } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import type { WorkerPool } from '../data/workerPool.js';
import type { Network } from '../network/network.js';
import { syncWeights } from '../network/weightSync.js';
import { computeLosses } from '../steps/lossesAndMetrics.js';
import {
  createMetricAccumulator,
  type LossAverage,
  type MetricAccumulator,
} from '../steps/metricAccumulator.js';
import { computeRegularizationLoss } from '../steps/regularizationLoss.js';
import { createTargetArrays, getTaskTargets, toTensors } from '../steps/stepArrays.js';
import { tf } from '../tensor/tf.js';
import { forward } from './forward.js';
import { InputPipeline } from './inputPipeline.js';

/** How a dataset is gone through without training. */
export interface EvaluationConfig {
  readonly lossWeights: { readonly [task: string]: number };
  readonly batchSize: number;
  readonly seed: number;
  /** Counts from 0: which plans an augmented dataset uses. */
  readonly epoch: number;
  readonly lossAverage: LossAverage;
  readonly signal?: AbortSignal | undefined;
  /** Of the run that judges. Default: workers for this pass alone. */
  readonly workerPool?: WorkerPool;
  /** Of the run that judges. Default: the whole network sees the images. */
  readonly inputPipeline?: InputPipeline;
}

/** Losses and metrics of a dataset by the weights as they are, in inference mode. L2 counts, as in Keras. */
export async function evaluateDataset(
  network: Network,
  dataset: Dataset<any>,
  options: EvaluationConfig,
): Promise<MetricAccumulator> {
  const { lossWeights, batchSize, seed, epoch, lossAverage, signal, workerPool } = options;
  const door =
    options.inputPipeline ??
    new InputPipeline({ frozenGraph: undefined, trainableGraph: network.graph }, network.input.range);
  const result = createMetricAccumulator(network, lossAverage);
  for await (const batch of iterateBatches(dataset, {
    batchSize,
    epoch,
    seed,
    shuffle: false,
    shouldSkipPixels: door.isCached,
    ...(workerPool && { workerPool }),
  })) {
    if (signal?.aborted) break;
    const given = await door.computeInputs(dataset, batch);
    const tensors = toTensors(createTargetArrays(network, dataset, batch, {}));
    let predictions: Tensor[] = [];
    let sums: Tensor | undefined;
    try {
      syncWeights(network.layersModel);
      predictions = await forward(door.frozenSplit.trainableGraph, given);
      sums = tf.tidy(
        () =>
          computeLosses(
            network,
            lossWeights,
            predictions,
            getTaskTargets(network, tensors),
            computeRegularizationLoss(network),
          ).sums,
      );
      result.add(await sums.data(), batch.count);
    } finally {
      tf.dispose([...Object.values(tensors), ...predictions, ...(sums ? [sums] : [])]);
    }
    await yieldToEventLoop();
  }
  return result;
}
