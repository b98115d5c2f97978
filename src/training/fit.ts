import type { Platform } from '../core/platform/platform.js';
import type { ColumnPrefix } from '../core/records/history.js';
import type { Dataset } from '../data/dataset.js';
import { markEngineLogged } from '../engines/engineChoice.js';
import { acquireEngine, type EngineLease, releaseGraph } from '../engines/select.js';
import { FeatureCache } from '../inference/featureCache.js';
import { InputPipeline } from '../inference/inputPipeline.js';
import { computeFrozenDigest, FROZEN_WEIGHTS_PART } from '../network/frozenDigest.js';
import { splitFrozen } from '../network/frozenSplit.js';
import type { Network } from '../network/network.js';
import { adam } from '../optimizers/adam.js';
import type { Executor } from '../steps/executor.js';
import { type ClassWeights, weightedLoss } from '../steps/weightedLoss.js';
import type { LabelsOf, Tasks } from '../tasks/task.js';
import type { Callback } from './callback.js';
import { CallGuard } from './callGuard.js';
import { readCheckpoint } from './checkpoint.js';
import { computeRunFingerprint } from './fingerprint.js';
import type { FitOptions } from './fitOptions.js';
import { checkMonitor, getMonitorModes } from './monitor.js';
import { createMissingCheckpointError, RunOutputs } from './runOutputs.js';
import { type History, TrainingHistory } from './trainingHistory.js';
import { acquireTrainingLock, releaseTrainingLock } from './trainingLock.js';
import { type FitConfig, TrainingRun } from './trainingRun.js';
import { type UncheckedFitOptions, validateFitArguments, validateFitConfig } from './validateFit.js';

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
  validateFitArguments(train, options as unknown as UncheckedFitOptions);
  const { validation, evaluateUnaugmented = false, checkpoint, log = () => {} } = options;
  const { resume = false, overwrite = false } = options;
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
    log,
    guard: new CallGuard(options.signal),
  };
  const { guard } = config;
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
  const outputs = new RunOutputs({ checkpoint, callbacks: config.callbacks, overwrite, guard });
  acquireTrainingLock(network);
  const frozenSplit = splitFrozen(network.lossGraph);
  const { frozenGraph, trainableGraph } = frozenSplit;
  let executor: Executor | undefined;
  let run: TrainingRun | undefined;
  let lease: EngineLease | undefined;
  try {
    // Acquire the engine before any other asynchronous work. Otherwise, if two runs start at the same time, the second one could acquire
    // its engine first.
    lease = await acquireEngine(platform, options.engine, options);
    const { engine, compileCache } = lease;
    const choice = { ...lease.choice }; // of this run alone
    if (options.log) markEngineLogged(choice);
    await outputs.lock();
    if (!resume) await outputs.checkUnused();
    const digest = await computeFrozenDigest(frozenSplit, network.input.range);
    const fingerprint = {
      ...(await computeRunFingerprint(config)),
      ...(digest && { [FROZEN_WEIGHTS_PART]: digest }),
    };
    const saved =
      checkpoint && resume ? await readCheckpoint(guard.wrapStore(checkpoint), fingerprint) : undefined;
    if (resume && !saved) {
      if (resume !== 'auto') throw createMissingCheckpointError(checkpoint!);
      await outputs.checkUnused();
    }
    const trainedNetwork = network.withGraph(trainableGraph);
    engine.checkMemory(trainedNetwork, config.batchSize);
    executor = engine.createExecutor(trainedNetwork, config.optimizer, config.loss.weights, {
      compileCache: compileCache && guard.wrapStore(compileCache),
      log,
    });
    const featureCache =
      config.featureCache &&
      new FeatureCache(
        guard.wrapStore(config.featureCache),
        `${digest}-${engine.name}`,
        trainableGraph.inputs,
        log,
      );
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
    try {
      if (run) await run.dispose();
      else executor?.dispose();
    } finally {
      for (const graph of [frozenGraph, trainableGraph]) {
        // predict() uses the session of the whole graph, so it remains open until the model is disposed.
        if (graph && graph !== network.graph) releaseGraph(graph);
      }
      lease?.release();
      // A call that is still in progress could write to a file that the next run has already locked.
      await guard.whenCallsEnded(() => outputs.release());
      releaseTrainingLock(network);
    }
  }
}
