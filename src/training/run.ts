import type { HistoryRow, TaskRecord } from '../core/history.js';
import type { Clock, Store } from '../core/outside.js';
import { pause } from '../core/pause.js';
import { type BatchOptions, batches } from '../data/batches.js';
import { Crew } from '../data/crew.js';
import type { Batch, Dataset } from '../data/dataset.js';
import type { EngineName } from '../engines/choose.js';
import { writeModelFolder } from '../io/modelFolder.js';
import type { Network } from '../models/network.js';
import { settle } from '../models/settle.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { taskRecord } from '../tasks/task.js';
import { batchArrays, maskArrays } from './batch.js';
import type { Callback, CallbackState, Listener, Run, StepEvent, Weights } from './callback.js';
import { type Checkpoint, type Contract, type RunState, writeCheckpoint } from './checkpoint.js';
import type { Door } from './door.js';
import { judgeDataset, type PassOptions } from './evaluate.js';
import type { Monitors } from './monitor.js';
import type { Steps } from './steps.js';
import { type LossAverage, tally } from './tally.js';
import { Updater } from './updater.js';
import type { WeightedLoss } from './weightedLoss.js';
import { readWeights, writeWeights } from './weights.js';

/** A run's settings with every default filled in. */
export interface RunPlan {
  readonly network: Network;
  readonly train: Dataset<any>;
  readonly validation: Dataset<any> | undefined;
  readonly clean: boolean;
  readonly epochs: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly shuffle: boolean;
  readonly loss: WeightedLoss<{ readonly [task: string]: number }>;
  readonly optimizer: Optimizer;
  readonly callbacks: readonly Callback<string>[];
  readonly lossAverage: LossAverage;
  readonly checkpoint: Store | undefined;
  readonly features: Store | undefined;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
}

/** The place between two epochs. */
const BETWEEN = { step: 0, sums: [], seconds: 0, lastRate: null } as const;

/** Why a run that was told to stop from outside stopped; such a run may go on. */
export const ABORTED = 'aborted';

/**
 * A training run: the one object of the library with a life. It knows where it stands, can be written down after
 * every step, and goes on from what was written.
 */
export class TrainingRun implements Run {
  readonly tasks: readonly TaskRecord[];
  readonly history: HistoryRow[] = [];
  readonly #updater: Updater;
  /** Its workers, if the datasets have any: they serve every epoch. */
  readonly #crew = new Crew();
  /** The validation images as they are: one object, so that what is known of them stays known. */
  readonly #bare: Dataset<any> | undefined;
  readonly #listeners: { readonly key: string; readonly listener: Listener }[] = [];
  /** Epochs finished. */
  #epoch = 0;
  /** Where the epoch that has begun stands. */
  #place: Pick<RunState, 'step' | 'sums' | 'seconds' | 'lastRate'> = BETWEEN;
  #reason: string | null = null;

  constructor(
    readonly plan: RunPlan,
    readonly monitors: Monitors,
    readonly contract: Contract,
    steps: Steps,
    readonly door: Door,
    readonly engine: EngineName,
  ) {
    const { network, optimizer, validation, clean } = plan;
    this.#bare = clean ? validation?.augment(null) : undefined;
    this.tasks = Object.entries(network.tasks).map(([name, task]) => taskRecord(name, task));
    this.#updater = new Updater(optimizer, steps);
  }

  get epochs(): number {
    return this.plan.epochs;
  }

  get learningRate(): number {
    return this.#updater.learningRate;
  }

  get goesOn(): boolean {
    return this.#reason === null && this.#epoch < this.plan.epochs;
  }

  /** `epoch 3`, or `epoch 3 and 17 steps`. */
  get progress(): string {
    const { step } = this.#place;
    return `epoch ${this.#epoch}${step > 0 ? ` and ${step} steps` : ''}`;
  }

  setLearningRate(rate: number): void {
    this.#updater.setLearningRate(rate);
  }

  stop(reason: string): void {
    this.#reason ??= reason;
  }

  async weights(): Promise<Weights> {
    settle(this.plan.network.layersModel);
    return readWeights(this.door.halves.trained);
  }

  setWeights(weights: Weights): void {
    writeWeights(this.door.halves.trained, weights);
  }

  async save(store: Store, folder: string): Promise<void> {
    settle(this.plan.network.layersModel);
    return writeModelFolder(this.plan.network, store, folder);
  }

  /** Takes its place: at the beginning, or where `saved` stands. */
  async begin(saved: Checkpoint | undefined): Promise<void> {
    if (saved) {
      const { state } = saved;
      this.setWeights(saved.weights);
      this.#updater.restore(saved.slots, state.iterations, state.learningRate);
      this.history.push(...state.rows);
      this.#epoch = state.epoch;
      this.#place = state;
      this.#reason = state.stopped;
    }
    for (const [i, callback] of this.plan.callbacks.entries()) {
      const key = `${i}:${callback.name}`;
      this.#listeners.push({ key, listener: await callback.begin(this, saved?.callbacks[key]) });
    }
    // A folder that cannot be written is told now, not after an hour.
    if (!saved) await this.#keep();
  }

  /** Trains and judges the rest of one epoch, or as much of it as comes before a stop. */
  async epoch(): Promise<void> {
    const { clock, signal } = this.plan;
    if (this.#place.step === 0) await this.#tell((listener) => listener.epochBegin?.(this.#epoch + 1));
    const began = clock() - this.#place.seconds * 1000;
    const trained = await this.#trainEpoch();
    const judged = trained && (await this.#judgeEpoch());
    const seconds = (clock() - began) / 1000;
    if (signal?.aborted) this.stop(ABORTED);
    if (!judged) {
      this.#place = { ...this.#place, seconds };
    } else {
      const epoch = this.#epoch + 1;
      const row: HistoryRow = { epoch, ...trained, ...judged, learning_rate: this.#place.lastRate!, seconds };
      this.history.push(row);
      await this.door.features?.write();
      settle(this.plan.network.layersModel); // whoever listens may look at the model
      await this.#tell((listener) => listener.epochEnd?.({ epoch, row }));
      this.#epoch = epoch;
      this.#place = BETWEEN;
    }
    await this.#keep();
  }

  /** Tells every callback that the run is over, and returns why. */
  async end(): Promise<string> {
    const reason = this.#reason ?? 'finished';
    await this.#tell((listener) => listener.end?.(reason));
    return reason;
  }

  async dispose(): Promise<void> {
    this.#crew.close();
    this.#updater.steps.dispose();
    await this.door.features?.write();
  }

  /** The steps of the epoch that are left. Returns its training columns, or undefined when stopped before the last. */
  async #trainEpoch(): Promise<Record<string, number> | undefined> {
    const { network, train, batchSize, seed, shuffle, lossAverage, signal } = this.plan;
    const steps = Math.ceil(train.size / batchSize);
    const place = this.#place;
    const means = tally(network, lossAverage, place.step > 0 ? place.sums : undefined);
    const [epoch, from, crew, known] = [this.#epoch, place.step, this.#crew, this.door.known];
    const order: BatchOptions = { batchSize, epoch, seed, shuffle, from, crew, known };
    for await (const batch of batches(train, order)) {
      const lastRate = this.learningRate;
      const sums = await this.#step(batch);
      means.add(sums, batch.count);
      const step = this.#place.step + 1;
      this.#place = { ...this.#place, step, sums: means.state(), lastRate };
      const event: StepEvent = { epoch: this.#epoch + 1, step, steps, loss: sums[0]!, logs: means.logs() };
      await this.#tell((listener) => listener.step?.(event));
      await pause();
      if (signal?.aborted) this.stop(ABORTED);
      if (this.#reason !== null) break;
    }
    return this.#place.step < steps ? undefined : means.logs();
  }

  async #step(batch: Batch): Promise<Float32Array> {
    const { network, train, seed, loss } = this.plan;
    return this.#updater.step({
      ...batchArrays(network, train, batch, loss.classWeights, await this.door.inputs(train, batch)),
      ...maskArrays(network, batch.count, seed, this.#epoch, this.#place.step),
    });
  }

  /** The validation columns of the epoch, or undefined when aborted on the way: they are then made on resuming. */
  async #judgeEpoch(): Promise<Record<string, number> | undefined> {
    const { network, validation, loss, batchSize, seed, lossAverage: average, signal } = this.plan;
    const [crew, door] = [this.#crew, this.door];
    const pass: PassOptions = {
      weights: loss.weights,
      batchSize,
      seed,
      epoch: this.#epoch,
      average,
      signal,
      crew,
      door,
    };
    const judged = validation && (await judgeDataset(network, validation, pass));
    const bare = this.#bare && (await judgeDataset(network, this.#bare, pass));
    return signal?.aborted && validation ? undefined : { ...judged?.logs('val_'), ...bare?.logs('clean_') };
  }

  async #tell(hook: (listener: Listener) => void | Promise<void> | undefined): Promise<void> {
    for (const { listener } of this.#listeners) await hook(listener);
  }

  async #keep(): Promise<void> {
    const { checkpoint, optimizer } = this.plan;
    if (!checkpoint) return;
    const callbacks: Record<string, CallbackState> = {};
    for (const { key, listener } of this.#listeners) {
      const state = listener.state?.();
      if (state) callbacks[key] = state;
    }
    await writeCheckpoint(checkpoint, this.contract, {
      state: {
        epoch: this.#epoch,
        ...this.#place,
        iterations: this.#updater.iterations,
        learningRate: optimizer.adjustable ? this.learningRate : null,
        rows: this.history,
        stopped: this.#reason === ABORTED ? null : this.#reason,
        engine: this.engine,
      },
      weights: await this.weights(),
      slots: await this.#updater.steps.slots(),
      callbacks,
    });
  }
}
