import type { Clock, Platform, Store } from '../core/platform/platform.js';
import type { ColumnPrefix } from '../core/records/history.js';
import type { Dataset } from '../data/dataset.js';
import type { EngineName } from '../engines/engineChoice.js';
import type { Executor } from '../engines/executor.js';
import { acquireEngine, type EngineLease, type EngineOptions, releaseGraph } from '../engines/select.js';
import { FeatureCache } from '../inference/featureCache.js';
import { InputPipeline } from '../inference/inputPipeline.js';
import { computeFrozenDigest, FROZEN_WEIGHTS_PART } from '../network/frozenDigest.js';
import { splitFrozen } from '../network/frozenSplit.js';
import type { Network } from '../network/network.js';
import { adam } from '../optimizers/adam.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import type { LossAverage } from '../steps/metricAccumulator.js';
import {
  type ClassWeights,
  type ValidClassWeights,
  type ValidLossWeights,
  type WeightedLoss,
  weightedLoss,
} from '../steps/weightedLoss.js';
import type { LabelsOf, Tasks } from '../tasks/task.js';
import type { Callback } from './callback.js';
import { readCheckpoint } from './checkpoint.js';
import { computeRunFingerprint } from './fingerprint.js';
import { checkMonitor, getMonitorModes, type HistoryColumn } from './monitor.js';
import { createMissingCheckpointError, RunOutputs } from './runOutputs.js';
import { type History, TrainingHistory } from './trainingHistory.js';
import { acquireTrainingLock, releaseTrainingLock } from './trainingLock.js';
import { type FitConfig, TrainingRun } from './trainingRun.js';
import { validateFitArguments, validateFitConfig } from './validateFit.js';

/**
 * Options of `model.fit`.
 *
 * @category Train
 */
export interface FitOptions<
  T extends Tasks,
  W extends { readonly [task: string]: number },
  C extends ClassWeights = ClassWeights,
> extends EngineOptions {
  /** Number of epochs to train. A resumed run continues until it has completed this number in total. */
  readonly epochs: number;
  /** Number of images per training step. The last batch of an epoch can be smaller. Default 32. */
  readonly batchSize?: number;
  /** Seed for the order of the images, the augmentation and the dropout masks. Default 0. */
  readonly seed?: number;
  /**
   * Validation dataset, evaluated after every epoch. If it is augmented, the evaluation uses its augmentation. Its history columns begin
   * with `val_`.
   */
  readonly validation?: Dataset<LabelsOf<T>>;
  /**
   * If true, `validation` is also evaluated without its augmentation after every epoch. The history columns begin with `val_unaugmented_`.
   * Default false.
   */
  readonly evaluateUnaugmented?: boolean;
  /** Loss to minimize, with a weight for each task. Default: the sum of all task losses. */
  readonly loss?: WeightedLoss<W, C> & ValidLossWeights<T, W> & ValidClassWeights<T, C>;
  /** Optimizer that updates the trainable weights. Default `adam()`. */
  readonly optimizer?: Optimizer;
  /** Callbacks of the run. Their hooks are called in the order of this array. */
  readonly callbacks?: readonly Callback<HistoryColumn<T>>[];
  /** Engine to train on. A named engine never falls back to another. Default: the engine of `useEngine`, else `auto`. */
  readonly engine?: EngineName | 'auto';
  /** Store for the checkpoint of the run, from which it can be resumed. It is written after every epoch, and when the run is stopped. */
  readonly checkpoint?: Store;
  /**
   * Whether the run continues from the checkpoint in `checkpoint`. Default false.
   *
   * - `true`: yes. It is an error if there is no checkpoint.
   * - `auto`: yes if there is a checkpoint, otherwise the run starts with the first epoch.
   * - `false`: the run starts with the first epoch.
   */
  readonly resume?: boolean | 'auto';
  /**
   * Whether a run that starts with the first epoch replaces the files of an earlier run: the checkpoint, and the files of the callbacks.
   * They are removed before the first step. Default false: `fit` rejects with a `file` error if there are such files.
   */
  readonly overwrite?: boolean;
  /**
   * Store that caches the outputs of the frozen layers. For images that are the same in every epoch (not augmented, or augmented with
   * `fixed: true`), the frozen layers before the first trainable layer then run only once per image. Later runs can use the cache too: the
   * features are identified by pixels, layers, weights and engine. A run keeps up to 2 GiB of features in memory.
   */
  readonly featureCache?: Store;
  /** Signal that aborts the run. The run stops after the current step. */
  readonly signal?: AbortSignal;
  /** If true, the training images are shuffled in every epoch. Default true. */
  readonly shuffle?: boolean;
  /**
   * How task losses are averaged over an epoch: over `examples` (default), or over `batches`, like the logs of Keras in graph mode. The
   * averages differ if the last batch is smaller.
   */
  readonly lossAverage?: LossAverage;
  /** Function that returns the time in milliseconds, used to measure the duration of an epoch. Default `performance.now`. */
  readonly clock?: Clock;
}

/** Trains a network. This is the implementation of `MultiTaskModel.fit`, which documents the behavior. */
export async function fitNetwork<
  T extends Tasks,
  W extends { readonly [task: string]: number },
  C extends ClassWeights,
>(
  platform: Platform,
  network: Network<T>,
  train: Dataset<LabelsOf<T>>,
  options: FitOptions<T, W, C>,
): Promise<History<T>> {
  const { validation, evaluateUnaugmented = false, checkpoint, log = () => {} } = options;
  const { resume = false, overwrite = false } = options;
  validateFitArguments(train, options as unknown as { readonly [option: string]: unknown });
  const config: FitConfig = {
    network,
    train,
    validation,
    evaluateUnaugmented,
    epochs: options.epochs,
    batchSize: options.batchSize ?? 32,
    seed: options.seed ?? 0,
    shuffle: options.shuffle ?? true,
    loss:
      options.loss ?? weightedLoss(Object.fromEntries(Object.keys(network.tasks).map((name) => [name, 1]))),
    optimizer: options.optimizer ?? adam(),
    callbacks: (options.callbacks ?? []) as readonly Callback<string>[],
    lossAverage: options.lossAverage ?? 'examples',
    checkpoint,
    featureCache: options.featureCache,
    signal: options.signal,
    clock: options.clock ?? (() => performance.now()),
  };
  validateFitConfig(config);
  const prefixes: ColumnPrefix[] = validation
    ? evaluateUnaugmented
      ? ['', 'val_', 'val_unaugmented_']
      : ['', 'val_']
    : [''];
  const monitors = getMonitorModes(network.tasks, prefixes);
  for (const { name, monitor } of config.callbacks) {
    if (monitor !== undefined) checkMonitor(name, monitor, monitors);
  }
  const outputs = new RunOutputs({ checkpoint, callbacks: config.callbacks, overwrite });
  acquireTrainingLock(network);
  const frozenSplit = splitFrozen(network.graph);
  const { frozenGraph, trainableGraph } = frozenSplit;
  let executor: Executor | undefined;
  let run: TrainingRun | undefined;
  let lease: EngineLease | undefined;
  try {
    // Acquire the engine before any other asynchronous work. Otherwise, if two runs start at the same time, the second one could acquire
    // its engine first.
    lease = await acquireEngine(platform, options.engine, options);
    const { engine, choice, compileCache } = lease;
    await outputs.lock();
    if (!resume) await outputs.checkUnused();
    const digest = await computeFrozenDigest(frozenSplit, network.input.range);
    const fingerprint = {
      ...(await computeRunFingerprint(config)),
      ...(digest && { [FROZEN_WEIGHTS_PART]: digest }),
    };
    const saved = checkpoint && resume ? await readCheckpoint(checkpoint, fingerprint) : undefined;
    if (resume && !saved) {
      if (resume !== 'auto') throw createMissingCheckpointError(checkpoint!);
      await outputs.checkUnused();
    }
    const trainedNetwork = network.withGraph(trainableGraph);
    engine.checkMemory(trainedNetwork, config.batchSize);
    executor = engine.createExecutor(trainedNetwork, config.optimizer, config.loss.weights, {
      compileCache,
      log,
    });
    const featureCache =
      config.featureCache &&
      new FeatureCache(config.featureCache, `${digest}-${engine.name}`, trainableGraph.inputs, log);
    await featureCache?.load();
    for (const [name, dataset] of Object.entries({ training: train, validation })) {
      if (!featureCache || !dataset || FeatureCache.isCacheable(dataset)) continue;
      log(`${name} images change in every epoch, so the feature cache does not store their features`);
    }
    const inputPipeline = new InputPipeline(engine, frozenSplit, network.input.range, featureCache);
    run = new TrainingRun(
      { ...config, network: trainedNetwork },
      monitors,
      fingerprint,
      executor,
      inputPipeline,
      choice,
    );
    await outputs.checkWritable();
    if (!saved) await outputs.clear();
    const { loss, lossAverage, seed } = config;
    network.lastFit.defaults = { lossWeights: loss.weights, lossAverage, seed };
    network.lastFit.run = undefined;
    await run.start(saved);
    if (saved)
      log(`resumed after ${run.progressText}, from a checkpoint of the engine ${saved.state.engine}`);
    while (run.shouldContinue) await run.runEpoch();
    const stopped = await run.finish();
    network.lastFit.run = { rows: run.history, weightsEpoch: run.weightsEpoch };
    const history = new TrainingHistory(run.tasks, run.history, choice, stopped, monitors);
    return history as unknown as History<T>; // The tasks determine the columns of the rows.
  } finally {
    if (run) await run.dispose();
    else executor?.dispose();
    for (const graph of frozenGraph ? [frozenGraph, trainableGraph] : []) releaseGraph(graph);
    lease?.release();
    await outputs.release();
    releaseTrainingLock(network);
  }
}
