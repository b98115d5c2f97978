import * as checks from '../core/errors/checks.js';
import { createArgumentError, isMultitaskError } from '../core/errors/errors.js';
import { toError } from '../core/errors/thrownValue.js';
import { toCheckedStore } from '../core/platform/checkedStore.js';
import type { Clock, Store } from '../core/platform/platform.js';
import { toFolderName } from '../core/platform/storeNames.js';
import type { CheckpointEpoch } from '../core/records/checkpointEpoch.js';
import type { HistoryRow, TaskRecord } from '../core/records/history.js';
import type { TrainedRun } from '../core/records/lastFit.js';
import { yieldToEventLoop } from '../core/yieldToEventLoop.js';
import { type BatchOptions, iterateBatches } from '../data/batches.js';
import type { Batch, Dataset } from '../data/dataset.js';
import { WorkerPool } from '../data/workerPool.js';
import type { EngineChoice } from '../engines/engineChoice.js';
import { type EvaluationConfig, evaluateDataset } from '../inference/evaluate.js';
import type { InputPipeline } from '../inference/inputPipeline.js';
import type { Network } from '../network/network.js';
import { writeModelFolder } from '../network/savedModel/modelFolder.js';
import { readWeights, type Weights, writeWeights } from '../network/weights.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { drawDropoutMasks } from '../steps/dropoutMasks.js';
import type { Executor } from '../steps/executor.js';
import { createMetricAccumulator, type LossAverage } from '../steps/metricAccumulator.js';
import { createBatchArrays } from '../steps/stepArrays.js';
import type { WeightedLoss } from '../steps/weightedLoss.js';
import { createTaskRecord } from '../tasks/task.js';
import {
  type BatchEvent,
  type Callback,
  type CallbackHooks,
  type CallbackState,
  createHooks,
  type Run,
  type StatefulHooks,
} from './callback.js';
import { getCallbackKeys } from './callbackKeys.js';
import type { CallGuard } from './callGuard.js';
import { checkCallbackState, checkHooks } from './checkCallback.js';
import { type Checkpoint, writeCheckpoint } from './checkpoint.js';
import type { Fingerprint } from './fingerprint.js';
import { getMonitoredColumn, type MonitoredColumn, type MonitorModes } from './monitor.js';
import { OptimizerState } from './optimizerState.js';
import type { RunState } from './runState.js';

/** Options of a training run, with all defaults filled in. */
export interface FitConfig {
  readonly network: Network;
  readonly train: Dataset<any>;
  readonly validation: Dataset<any> | undefined;
  readonly evaluateUnaugmented: boolean;
  readonly epochs: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly shuffle: boolean;
  readonly loss: WeightedLoss<{ readonly [task: string]: number }>;
  readonly optimizer: Optimizer;
  readonly callbacks: readonly Callback<string>[];
  readonly lossAverage: LossAverage;
  readonly checkpoint: Store | undefined;
  readonly featureCache: Store | undefined;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** Runs the calls of stores and callbacks. */
  readonly guard: CallGuard;
}

/** Progress within an epoch before its first step. */
const EPOCH_START = { step: 0, sums: [], seconds: 0, lastRate: null } as const;

/**
 * Stop reason of a run that was aborted by its signal. Only such a run can be resumed; a run that stopped for another reason is complete.
 */
export const ABORTED = 'aborted';

/**
 * A training run in progress. It runs the training steps and the validation of each epoch, calls the callbacks, and writes the checkpoints.
 * A checkpoint can be written between any two steps, and a resumed run continues from it bit for bit.
 */
export class TrainingRun implements Run {
  readonly tasks: readonly TaskRecord[];
  readonly history: HistoryRow[] = [];
  readonly #optimizerState: OptimizerState;
  /** Worker pool that loads and augments images, for datasets that use workers. The pool is closed at the end of the run. */
  readonly #workerPool = new WorkerPool();
  /**
   * The validation dataset without its augmentation. This dataset is created only once, because the feature cache identifies a dataset by
   * its object.
   */
  readonly #unaugmentedValidation: Dataset<any> | undefined;
  readonly #hooks: { readonly name: string; readonly key: string; readonly hooks: StatefulHooks }[] = [];
  readonly monitor: MonitoredColumn;
  resumed = false;
  /** Number of epochs that are complete, including validation. */
  #finishedEpochs = 0;
  /** Progress within the current epoch. */
  #position: Pick<RunState, 'step' | 'sums' | 'seconds' | 'lastRate'> = EPOCH_START;
  #stopReason: string | null = null;
  /** Epoch whose weights the model has. See `TrainedRun.weightsEpoch`. */
  #weightsEpoch: TrainedRun['weightsEpoch'];
  /** Epochs of the weights that `getWeights` returned. */
  readonly #epochs = new WeakMap<Weights, TrainedRun['weightsEpoch'] & {}>();
  #hasWarnedOfNaN = false;

  constructor(
    readonly config: FitConfig,
    readonly monitorModes: MonitorModes,
    readonly fingerprint: Fingerprint,
    executor: Executor,
    readonly inputPipeline: InputPipeline,
    readonly engine: EngineChoice,
  ) {
    const { network, optimizer, validation, evaluateUnaugmented } = config;
    this.#unaugmentedValidation = evaluateUnaugmented ? validation?.withoutAugmentation() : undefined;
    this.tasks = Object.entries(network.tasks).map(([name, task]) => createTaskRecord(name, task));
    this.monitor = getMonitoredColumn(config.callbacks, monitorModes);
    this.#optimizerState = new OptimizerState(optimizer, executor);
  }

  get epochs(): number {
    return this.config.epochs;
  }

  get learningRate(): number {
    return this.#optimizerState.learningRate;
  }

  get shouldContinue(): boolean {
    return this.#stopReason === null && this.#finishedEpochs < this.config.epochs;
  }

  /** Progress of the run as text for log lines, for example `epoch 3` or `epoch 3 and 17 steps`. */
  get progressText(): string {
    const { step } = this.#position;
    return `epoch ${this.#finishedEpochs}${step > 0 ? ` and ${step} steps` : ''}`;
  }

  setLearningRate(rate: number): void {
    this.#optimizerState.setLearningRate(rate);
  }

  stop(reason: string): void {
    this.#stopReason ??= reason;
  }

  /** Epoch whose weights the model has. */
  get weightsEpoch(): TrainedRun['weightsEpoch'] {
    return this.#weightsEpoch;
  }

  async getWeights(): Promise<Weights> {
    const weightsEpoch = this.#weightsEpoch;
    const weights = await readWeights(this.config.network);
    if (weightsEpoch !== undefined) this.#epochs.set(weights, weightsEpoch);
    return weights;
  }

  setWeights(weights: Weights): void {
    writeWeights(this.config.network, weights);
    this.#weightsEpoch = this.#epochs.get(weights);
  }

  async save(store: Store, folder: string, checkpointEpoch?: CheckpointEpoch): Promise<void> {
    checks.store('run.save', store, { advice: "Write run.save(folderStore('out'), 'best')." });
    const folderName = toFolderName('run.save', folder, { advice: "Write run.save(store, 'best')." });
    return writeModelFolder(this.config.network, toCheckedStore(store), folderName, checkpointEpoch);
  }

  /** Prepares the run: restores the state of a checkpoint if one is passed, creates the hooks of the callbacks and calls `onTrainBegin`. */
  async start(saved: Checkpoint | undefined): Promise<void> {
    if (saved) {
      const { state } = saved;
      this.resumed = true;
      this.setWeights(saved.weights);
      this.#optimizerState.restore(saved.slots, state.iterations, state.learningRate);
      this.history.push(...state.rows);
      this.#finishedEpochs = state.epoch;
      this.#position = state;
      this.#stopReason = state.stopped;
      this.#weightsEpoch = state.step > 0 ? 'unfinished' : state.epoch;
      for (const [key, { arrays }] of Object.entries(saved.callbacks)) {
        const epoch = state.callbackEpochs?.[key];
        if (arrays && epoch !== undefined) this.#epochs.set(arrays, epoch);
      }
    }
    const keys = getCallbackKeys(this.config.callbacks);
    for (const [i, callback] of this.config.callbacks.entries()) {
      const { name = `callbacks[${i}]` } = callback;
      const key = keys[i]!;
      const hooks = await this.#callHook(name, 'create', () =>
        createHooks(callback, this, saved?.callbacks[key]),
      );
      if (typeof callback.create === 'function') checkHooks(`${name}.create()`, hooks);
      this.#hooks.push({ name, key, hooks });
      await this.#callHook(name, 'onTrainBegin', () => hooks.onTrainBegin?.(this));
    }
    // Write a checkpoint now, so that the run fails before the first epoch, and not after it, if the store is not writable.
    if (!saved) await this.#saveCheckpoint();
  }

  /**
   * Runs the remaining steps of the current epoch and its validation, and adds a row to the history. If the run is stopped in the meantime,
   * no row is added.
   */
  async runEpoch(): Promise<void> {
    const { clock, signal } = this.config;
    if (this.#position.step === 0)
      await this.#notify('onEpochBegin', (hooks) => hooks.onEpochBegin?.(this.#finishedEpochs + 1, this));
    const startTime = clock() - this.#position.seconds * 1000;
    const trainLogs = await this.#trainEpoch();
    const validationLogs = trainLogs && (await this.#validate());
    const seconds = (clock() - startTime) / 1000;
    if (signal?.aborted) this.stop(ABORTED);
    if (!validationLogs) {
      this.#position = { ...this.#position, seconds };
    } else {
      const epoch = this.#finishedEpochs + 1;
      const row: HistoryRow = {
        epoch,
        ...trainLogs,
        ...validationLogs,
        learning_rate: this.#position.lastRate!,
        seconds,
      };
      this.history.push(row);
      this.#weightsEpoch = epoch;
      await this.inputPipeline.featureCache?.flush();
      // Callbacks may read variables directly from a LayersModel that they obtained before the run, which does not trigger this
      // synchronization.
      this.config.network.weightSync.sync();
      await this.#notify('onEpochEnd', (hooks) => hooks.onEpochEnd?.({ epoch, row }, this));
      this.#finishedEpochs = epoch;
      this.#position = EPOCH_START;
    }
    await this.#saveCheckpoint();
  }

  /** Calls the `onTrainEnd` hooks. Returns the reason why the run ended. */
  async finish(): Promise<string> {
    const reason = this.#stopReason ?? 'finished';
    await this.#notify('onTrainEnd', (hooks) => hooks.onTrainEnd?.(reason, this));
    return reason;
  }

  async dispose(): Promise<void> {
    this.#workerPool.close();
    this.#optimizerState.executor.dispose();
    await this.inputPipeline.featureCache?.flush();
  }

  /**
   * Runs the remaining training steps of the epoch. Returns its losses and metrics, or undefined if the run is stopped before the last
   * step.
   */
  async #trainEpoch(): Promise<Record<string, number> | undefined> {
    const { network, train, batchSize, seed, shuffle, lossAverage, signal } = this.config;
    const steps = Math.ceil(train.size / batchSize);
    const start = this.#position;
    const means = createMetricAccumulator(network, lossAverage, start.step > 0 ? start.sums : undefined);
    const [epoch, firstBatch, workerPool, shouldSkipPixels] = [
      this.#finishedEpochs,
      start.step,
      this.#workerPool,
      this.inputPipeline.isCached,
    ];
    const order: BatchOptions = { batchSize, epoch, seed, shuffle, firstBatch, workerPool, shouldSkipPixels };
    for await (const batch of iterateBatches(train, order)) {
      const lastRate = this.learningRate;
      const sums = await this.#trainBatch(batch);
      if (!sums) {
        this.stop(ABORTED);
        break;
      }
      means.add(sums, batch.count);
      const step = this.#position.step + 1;
      this.#position = { ...this.#position, step, sums: means.getState(), lastRate };
      this.#warnOfNaN(sums[0]!);
      const event: BatchEvent = {
        epoch: this.#finishedEpochs + 1,
        batch: step,
        batches: steps,
        loss: sums[0]!,
        logs: means.toLogs(),
      };
      await this.#notify('onBatchEnd', (hooks) => hooks.onBatchEnd?.(event, this));
      await yieldToEventLoop();
      if (signal?.aborted) this.stop(ABORTED);
      if (this.#stopReason !== null) break;
    }
    return this.#position.step < steps ? undefined : means.toLogs();
  }

  /** Logs the first loss that is NaN. Such a loss does not recover, because the next update makes the weights NaN. */
  #warnOfNaN(loss: number): void {
    if (this.#hasWarnedOfNaN || !Number.isNaN(loss)) return;
    this.#hasWarnedOfNaN = true;
    this.config.log(
      `the loss became NaN in epoch ${this.#finishedEpochs + 1}, step ${this.#position.step}; lower the learning rate or set clipNorm of the optimizer; terminateOnNaN() stops such a run`,
    );
  }

  /** Runs a training step on a batch. Returns undefined if the signal was aborted while the engine compiled the step. */
  async #trainBatch(batch: Batch): Promise<Float32Array | undefined> {
    const { network, train, seed, loss, signal } = this.config;
    this.#weightsEpoch = 'unfinished';
    const inputs = await this.inputPipeline.computeInputs(train, batch);
    try {
      return await this.#optimizerState.runStep({
        ...createBatchArrays(network, train, batch, loss.classWeights, inputs),
        ...drawDropoutMasks(network, batch.count, seed, this.#finishedEpochs, this.#position.step),
      });
    } catch (error) {
      if (signal?.aborted && isMultitaskError(error) && error.kind === 'aborted') return undefined;
      throw error;
    }
  }

  /**
   * Evaluates the validation dataset. Returns its losses and metrics, or undefined if the run is aborted during validation. A resumed run
   * then repeats the validation.
   */
  async #validate(): Promise<Record<string, number> | undefined> {
    const { network, validation, loss, batchSize, seed, lossAverage: average, signal } = this.config;
    const [workerPool, inputPipeline] = [this.#workerPool, this.inputPipeline];
    const { engine } = inputPipeline;
    const pass: EvaluationConfig = {
      lossWeights: loss.weights,
      batchSize,
      seed,
      epoch: this.#finishedEpochs,
      lossAverage: average,
      signal,
      workerPool,
      inputPipeline,
    };
    const result = validation && (await evaluateDataset(engine, network, validation, pass));
    const unaugmented =
      this.#unaugmentedValidation &&
      (await evaluateDataset(engine, network, this.#unaugmentedValidation, pass));
    return signal?.aborted && validation
      ? undefined
      : { ...result?.toLogs('val_'), ...unaugmented?.toLogs('val_unaugmented_') };
  }

  async #notify(
    hook: keyof CallbackHooks,
    call: (hooks: StatefulHooks) => void | Promise<void> | undefined,
  ): Promise<void> {
    for (const { name, hooks } of this.#hooks) {
      if (hooks[hook]) await this.#callHook(name, hook, () => call(hooks));
    }
  }

  /** Calls a function of a callback. A thrown value that is not an error is replaced with an error that names the function. */
  async #callHook<R>(name: string, hook: string, call: () => R | Promise<R>): Promise<R> {
    try {
      return await this.config.guard.run(`${hook}() of the callback ${name}`, call);
    } catch (thrown) {
      throw toError(thrown, (description) =>
        createArgumentError(
          `${name}.${hook}`,
          'an Error object from a function that fails',
          description,
          'Find the cause in the callback, and throw an Error there.',
          thrown,
        ),
      );
    }
  }

  async #saveCheckpoint(): Promise<void> {
    const { checkpoint, optimizer } = this.config;
    if (!checkpoint) return;
    const callbacks: Record<string, CallbackState> = {};
    const callbackEpochs: Record<string, number> = {};
    for (const { name, key, hooks } of this.#hooks) {
      const state = await this.#callHook(name, 'getState', () => {
        const result = hooks.getState?.();
        if (result) checkCallbackState(`${name}.getState()`, result);
        return result;
      });
      if (state) callbacks[key] = state;
      const weightsEpoch = state?.arrays && this.#epochs.get(state.arrays);
      if (typeof weightsEpoch === 'number') callbackEpochs[key] = weightsEpoch;
    }
    await writeCheckpoint(this.config.guard.wrapStore(checkpoint), this.fingerprint, {
      state: {
        epoch: this.#finishedEpochs,
        ...this.#position,
        iterations: this.#optimizerState.iterations,
        learningRate: optimizer.isLearningRateAdjustable ? this.learningRate : null,
        rows: this.history,
        stopped: this.#stopReason === ABORTED ? null : this.#stopReason,
        engine: this.engine.name,
        callbackEpochs,
      },
      weights: await this.getWeights(),
      slots: await this.#optimizerState.executor.getSlots(),
      callbacks,
    });
  }
}
