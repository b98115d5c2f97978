import type { Clock, Store } from '../core/platform/platform.js';
import type { HistoryRow, TaskRecord } from '../core/records/history.js';
import { yieldToEventLoop } from '../core/yieldToEventLoop.js';
import { type BatchOptions, iterateBatches } from '../data/batches.js';
import type { Batch, Dataset } from '../data/dataset.js';
import { WorkerPool } from '../data/workerPool.js';
import type { EngineChoice } from '../engines/engineChoice.js';
import type { Executor } from '../engines/executor.js';
import { type EvaluationConfig, evaluateDataset } from '../inference/evaluate.js';
import type { InputPipeline } from '../inference/inputPipeline.js';
import type { Network } from '../network/network.js';
import { writeModelFolder } from '../network/savedModel/modelFolder.js';
import { readWeights, type Weights, writeWeights } from '../network/weights.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { drawDropoutMasks } from '../steps/dropoutMasks.js';
import { createMetricAccumulator, type LossAverage } from '../steps/metricAccumulator.js';
import { createBatchArrays } from '../steps/stepArrays.js';
import type { WeightedLoss } from '../steps/weightedLoss.js';
import { createTaskRecord } from '../tasks/task.js';
import type { BatchEvent, Callback, CallbackHooks, CallbackState, Run } from './callback.js';
import { type Checkpoint, type RunState, writeCheckpoint } from './checkpoint.js';
import type { Fingerprint } from './fingerprint.js';
import type { MonitorModes } from './monitor.js';
import { OptimizerState } from './optimizerState.js';

/** A run's settings with every default filled in. */
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
}

/** The place between two epochs. */
const EPOCH_START = { step: 0, sums: [], seconds: 0, lastRate: null } as const;

/** Why a run that was told to stop from outside stopped; such a run may go on. */
export const ABORTED = 'aborted';

/**
 * A training run: the one object of the library with a life. It knows where it stands, can be written down after
 * every step, and goes on from what was written.
 */
export class TrainingRun implements Run {
  readonly tasks: readonly TaskRecord[];
  readonly history: HistoryRow[] = [];
  readonly #optimizerState: OptimizerState;
  /** Its workers, if the datasets have any: they serve every epoch. */
  readonly #workerPool = new WorkerPool();
  /** The validation images as they are: one object, so that what is known of them stays known. */
  readonly #unaugmentedValidation: Dataset<any> | undefined;
  readonly #hooks: { readonly key: string; readonly hooks: CallbackHooks }[] = [];
  /** Epochs finished. */
  #finishedEpochs = 0;
  /** Where the epoch that has begun stands. */
  #position: Pick<RunState, 'step' | 'sums' | 'seconds' | 'lastRate'> = EPOCH_START;
  #stopReason: string | null = null;

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

  /** `epoch 3`, or `epoch 3 and 17 steps`. */
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

  async getWeights(): Promise<Weights> {
    return readWeights(this.config.network);
  }

  setWeights(weights: Weights): void {
    writeWeights(this.config.network, weights);
  }

  async save(store: Store, folder: string): Promise<void> {
    return writeModelFolder(this.config.network, store, folder);
  }

  /** Takes its place: at the beginning, or where `saved` stands. */
  async start(saved: Checkpoint | undefined): Promise<void> {
    if (saved) {
      const { state } = saved;
      this.setWeights(saved.weights);
      this.#optimizerState.restore(saved.slots, state.iterations, state.learningRate);
      this.history.push(...state.rows);
      this.#finishedEpochs = state.epoch;
      this.#position = state;
      this.#stopReason = state.stopped;
    }
    for (const [i, callback] of this.config.callbacks.entries()) {
      const key = `${i}:${callback.name}`;
      this.#hooks.push({ key, hooks: await callback.create(this, saved?.callbacks[key]) });
    }
    // A folder that cannot be written is told now, not after an hour.
    if (!saved) await this.#saveCheckpoint();
  }

  /** Trains and judges the rest of one epoch, or as much of it as comes before a stop. */
  async runEpoch(): Promise<void> {
    const { clock, signal } = this.config;
    if (this.#position.step === 0)
      await this.#notify((listener) => listener.onEpochBegin?.(this.#finishedEpochs + 1));
    const began = clock() - this.#position.seconds * 1000;
    const trained = await this.#trainEpoch();
    const judged = trained && (await this.#validate());
    const seconds = (clock() - began) / 1000;
    if (signal?.aborted) this.stop(ABORTED);
    if (!judged) {
      this.#position = { ...this.#position, seconds };
    } else {
      const epoch = this.#finishedEpochs + 1;
      const row: HistoryRow = {
        epoch,
        ...trained,
        ...judged,
        learning_rate: this.#position.lastRate!,
        seconds,
      };
      this.history.push(row);
      await this.inputPipeline.featureCache?.flush();
      // Callbacks may read the variables of a LayersModel that they took from the model earlier.
      this.config.network.weightSync.sync();
      await this.#notify((listener) => listener.onEpochEnd?.({ epoch, row }));
      this.#finishedEpochs = epoch;
      this.#position = EPOCH_START;
    }
    await this.#saveCheckpoint();
  }

  /** Tells every callback that the run is over, and returns why. */
  async finish(): Promise<string> {
    const reason = this.#stopReason ?? 'finished';
    await this.#notify((listener) => listener.onTrainEnd?.(reason));
    return reason;
  }

  async dispose(): Promise<void> {
    this.#workerPool.close();
    this.#optimizerState.executor.dispose();
    await this.inputPipeline.featureCache?.flush();
  }

  /** The steps of the epoch that are left. Returns its training columns, or undefined when stopped before the last. */
  async #trainEpoch(): Promise<Record<string, number> | undefined> {
    const { network, train, batchSize, seed, shuffle, lossAverage, signal } = this.config;
    const steps = Math.ceil(train.size / batchSize);
    const place = this.#position;
    const means = createMetricAccumulator(network, lossAverage, place.step > 0 ? place.sums : undefined);
    const [epoch, firstBatch, workerPool, shouldSkipPixels] = [
      this.#finishedEpochs,
      place.step,
      this.#workerPool,
      this.inputPipeline.isCached,
    ];
    const order: BatchOptions = { batchSize, epoch, seed, shuffle, firstBatch, workerPool, shouldSkipPixels };
    for await (const batch of iterateBatches(train, order)) {
      const lastRate = this.learningRate;
      const sums = await this.#trainBatch(batch);
      means.add(sums, batch.count);
      const step = this.#position.step + 1;
      this.#position = { ...this.#position, step, sums: means.getState(), lastRate };
      const event: BatchEvent = {
        epoch: this.#finishedEpochs + 1,
        batch: step,
        batches: steps,
        loss: sums[0]!,
        logs: means.toLogs(),
      };
      await this.#notify((listener) => listener.onBatchEnd?.(event));
      await yieldToEventLoop();
      if (signal?.aborted) this.stop(ABORTED);
      if (this.#stopReason !== null) break;
    }
    return this.#position.step < steps ? undefined : means.toLogs();
  }

  async #trainBatch(batch: Batch): Promise<Float32Array> {
    const { network, train, seed, loss } = this.config;
    return this.#optimizerState.runStep({
      ...createBatchArrays(
        network,
        train,
        batch,
        loss.classWeights,
        await this.inputPipeline.computeInputs(train, batch),
      ),
      ...drawDropoutMasks(network, batch.count, seed, this.#finishedEpochs, this.#position.step),
    });
  }

  /** The validation columns of the epoch, or undefined when aborted on the way: they are then made on resuming. */
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
    const judged = validation && (await evaluateDataset(engine, network, validation, pass));
    const bare =
      this.#unaugmentedValidation &&
      (await evaluateDataset(engine, network, this.#unaugmentedValidation, pass));
    return signal?.aborted && validation
      ? undefined
      : { ...judged?.toLogs('val_'), ...bare?.toLogs('clean_') };
  }

  async #notify(hook: (listener: CallbackHooks) => void | Promise<void> | undefined): Promise<void> {
    for (const { hooks } of this.#hooks) await hook(hooks);
  }

  async #saveCheckpoint(): Promise<void> {
    const { checkpoint, optimizer } = this.config;
    if (!checkpoint) return;
    const callbacks: Record<string, CallbackState> = {};
    for (const { key, hooks } of this.#hooks) {
      const state = hooks.getState?.();
      if (state) callbacks[key] = state;
    }
    await writeCheckpoint(checkpoint, this.fingerprint, {
      state: {
        epoch: this.#finishedEpochs,
        ...this.#position,
        iterations: this.#optimizerState.iterations,
        learningRate: optimizer.isLearningRateAdjustable ? this.learningRate : null,
        rows: this.history,
        stopped: this.#stopReason === ABORTED ? null : this.#stopReason,
        engine: this.engine.name,
      },
      weights: await this.getWeights(),
      slots: await this.#optimizerState.executor.getSlots(),
      callbacks,
    });
  }
}
