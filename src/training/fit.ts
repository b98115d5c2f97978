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
  /** The last epoch, counted from 1. */
  readonly epochs: number;
  /** Images in a step; the last batch of an epoch may be smaller. Default 32. */
  readonly batchSize?: number;
  /** Names the order of the images, the augmentation plans and the dropout masks. Default 0. */
  readonly seed?: number;
  /** Judged after every epoch; its columns begin with `val_`. Augmented if the dataset is. */
  readonly validation?: Dataset<LabelsOf<T>>;
  /** Judge `validation` a second time without its augmentation; these columns begin with `val_unaugmented_`. Default false. */
  readonly evaluateUnaugmented?: boolean;
  /** Default: every task counts 1. */
  readonly loss?: WeightedLoss<W, C> & ValidLossWeights<T, W> & ValidClassWeights<T, C>;
  /** Default `adam()`. */
  readonly optimizer?: Optimizer;
  /** Told in this order. */
  readonly callbacks?: readonly Callback<HistoryColumn<T>>[];
  /** Engine to train on; a named engine never falls back to another. Default: that of `useEngine`, else `auto`. */
  readonly engine?: EngineName | 'auto';
  /** Where the state of the run is kept after every epoch, and when it is stopped. */
  readonly checkpoint?: Store;
  /** Go on from the state in `checkpoint`, if there is one. Default false: begin anew. */
  readonly resume?: boolean;
  /**
   * Where the outputs of the layers before the first trained one are kept: for images that are the same in every epoch (not
   * augmented, or with `fixed: true`) they are computed once, and an epoch costs the trained layers alone. Known again by
   * pixels, layers, weights and engine, also in later runs. Up to 2 GiB of them serve a run.
   */
  readonly featureCache?: Store;
  /** Stops the run after the step in progress. */
  readonly signal?: AbortSignal;
  /** Shuffle the training images in every epoch. Default true. */
  readonly shuffle?: boolean;
  /**
   * How task losses are averaged over an epoch: over `examples` (default), or over `batches`, as Keras's graph mode
   * logs them. They differ when the last batch is short.
   */
  readonly lossAverage?: LossAverage;
  /** Default `performance.now`. */
  readonly clock?: Clock;
}

/** Trains a network. `MultiTaskModel.fit` documents the behavior. */
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
  const { validation, evaluateUnaugmented = false, checkpoint, resume = false, log = () => {} } = options;
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
  acquireTrainingLock(network);
  const frozenSplit = splitFrozen(network.graph);
  const { frozenGraph, trainableGraph } = frozenSplit;
  let executor: Executor | undefined;
  let run: TrainingRun | undefined;
  let lease: EngineLease | undefined;
  try {
    // The engine comes first: of two runs that start at the same time, the first one gets the engine it asked for.
    lease = await acquireEngine(platform, options.engine, options);
    const { engine, choice, compileCache } = lease;
    const digest = await computeFrozenDigest(frozenSplit, network.input.range);
    const fingerprint = {
      ...(await computeRunFingerprint(config)),
      ...(digest && { [FROZEN_WEIGHTS_PART]: digest }),
    };
    const saved = checkpoint && resume ? await readCheckpoint(checkpoint, fingerprint) : undefined;
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
      log(`${name} images change in every epoch: what frozen layers make of them is not kept`);
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
    await run.start(saved);
    if (saved) log(`resumed after ${run.progressText}, made by ${saved.state.engine}`);
    while (run.shouldContinue) await run.runEpoch();
    const stopped = await run.finish();
    const history = new TrainingHistory(run.tasks, run.history, choice, stopped, monitors);
    return history as unknown as History<T>; // the columns of its rows follow from the tasks
  } finally {
    if (run) await run.dispose();
    else executor?.dispose();
    for (const graph of frozenGraph ? [frozenGraph, trainableGraph] : []) releaseGraph(graph);
    lease?.release();
    releaseTrainingLock(network);
  }
}
