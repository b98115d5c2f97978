import type { Tensor } from '@tensorflow/tfjs';
import { yieldToEventLoop } from '../core/yieldToEventLoop.js';
import { iterateBatches } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import type { WorkerPool } from '../data/workerPool.js';
import type { Engine } from '../engines/engine.js';
import type { Network } from '../network/network.js';
import { computeLosses } from '../steps/lossesAndMetrics.js';
import {
  createMetricAccumulator,
  type LossAverage,
  type MetricAccumulator,
} from '../steps/metricAccumulator.js';
import { computeRegularizationLoss } from '../steps/regularizationLoss.js';
import { createTargetArrays, getTaskTargets, toTensors } from '../steps/stepArrays.js';
import { tf } from '../tensor/tf.js';
import { InputPipeline } from './inputPipeline.js';

/** Settings of {@link evaluateDataset}. */
export interface EvaluationConfig {
  readonly lossWeights: { readonly [task: string]: number };
  readonly batchSize: number;
  readonly seed: number;
  /** Epoch whose augmentation plans are used, counted from 0. */
  readonly epoch: number;
  readonly lossAverage: LossAverage;
  readonly signal?: AbortSignal | undefined;
  /** Workers of the run that calls the evaluation. Default: new workers, which end with the evaluation. */
  readonly workerPool?: WorkerPool;
  /** Input pipeline of the run that calls the evaluation. Default: the whole network runs on the images, without cached features. */
  readonly inputPipeline?: InputPipeline;
}

/** Computes losses and metrics of a dataset with the current weights, in inference mode. Losses include L2 penalties, as in Keras. */
export async function evaluateDataset(
  engine: Engine,
  network: Network,
  dataset: Dataset<any>,
  options: EvaluationConfig,
): Promise<MetricAccumulator> {
  const { lossWeights, batchSize, seed, epoch, lossAverage, signal, workerPool } = options;
  const wholeGraph = { frozenGraph: undefined, trainableGraph: network.lossGraph };
  const inputPipeline = options.inputPipeline ?? new InputPipeline(engine, wholeGraph, network.input.range);
  const { trainableGraph } = inputPipeline.frozenSplit;
  const result = createMetricAccumulator(network, lossAverage);
  for await (const batch of iterateBatches(dataset, {
    batchSize,
    epoch,
    seed,
    shuffle: false,
    shouldSkipPixels: inputPipeline.isCached,
    ...(workerPool && { workerPool }),
  })) {
    if (signal?.aborted) break;
    const inputs = await inputPipeline.computeInputs(dataset, batch);
    const targets = toTensors(createTargetArrays(network, dataset, batch, {}));
    let predictions: Tensor[] = [];
    let sums: Tensor | undefined;
    try {
      predictions = await engine.forward(trainableGraph, inputs);
      sums = tf.tidy(
        () =>
          computeLosses(
            network,
            trainableGraph,
            lossWeights,
            predictions,
            getTaskTargets(network, targets),
            computeRegularizationLoss(network),
          ).sums,
      );
      result.add(await sums.data(), batch.count);
    } finally {
      tf.dispose([...Object.values(targets), ...predictions, ...(sums ? [sums] : [])]);
    }
    await yieldToEventLoop();
  }
  return result;
}
