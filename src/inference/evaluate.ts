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

/**
 * Options for {@link evaluateDataset}. Unlike the options of `model.evaluate`, most of these options are required. They can also contain
 * resources of a training run, which the evaluation reuses.
 */
export interface EvaluationConfig {
  readonly lossWeights: { readonly [task: string]: number };
  readonly batchSize: number;
  readonly seed: number;
  /** Epoch, counted from 0, whose augmentation is applied if the dataset is augmented. */
  readonly epoch: number;
  readonly lossAverage: LossAverage;
  readonly signal?: AbortSignal | undefined;
  /** Worker pool of the training run, to be reused for validation. Default: new workers, which stop at the end of the evaluation. */
  readonly workerPool?: WorkerPool;
  /** Input pipeline of the training run, to be reused for validation. Default: a pipeline without a feature cache. */
  readonly inputPipeline?: InputPipeline;
}

/**
 * Evaluates a dataset in inference mode with the current weights. Returns its losses and metrics. As in Keras, the loss includes the L1 and
 * L2 penalties.
 */
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
