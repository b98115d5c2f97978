import type { Json } from '../core/json.js';
import type { Store } from '../core/platform/platform.js';
import type { HistoryRow, TaskRecord } from '../core/records/history.js';
import type { EngineChoice } from '../engines/engineChoice.js';
import type { Weights } from '../network/weights.js';
import type { MonitorModes } from './monitor.js';

/**
 * A training run as its callbacks see it.
 *
 * @category Callbacks
 */
export interface Run {
  /** The model's tasks, in the order of its outputs. */
  readonly tasks: readonly TaskRecord[];
  /** The columns that rows of this run have, and which way is better for each. */
  readonly monitorModes: MonitorModes;
  /** The engine that the run uses, and why it was chosen. */
  readonly engine: EngineChoice;
  /** The number of the last epoch, counted from 1. */
  readonly epochs: number;
  /** The finished epochs, the one that just ended included. */
  readonly history: readonly HistoryRow[];
  /** The rate of the next update. */
  readonly learningRate: number;
  /** Changes the rate. Throws an `argument` fault when the optimiser has a schedule, as Keras does. */
  setLearningRate(rate: number): void;
  /** Ends the run after this step, with a reason that the history tells. */
  stop(reason: string): void;
  /** A copy of the weights as they are. */
  getWeights(): Promise<Weights>;
  /** Puts a copy back. */
  setWeights(weights: Weights): void;
  /** Saves the model as it is under `folder` of `store`, as `model.save` does. */
  save(store: Store, folder: string): Promise<void>;
}

/**
 * After each step.
 *
 * @category Callbacks
 */
export interface BatchEvent {
  /** Counts from 1. */
  readonly epoch: number;
  /** Counts from 1 in the epoch. */
  readonly batch: number;
  /** Steps in the epoch. */
  readonly batches: number;
  /** `loss` of this batch alone: weighted, with L2. */
  readonly loss: number;
  /** Running means of the epoch: `loss`, `age_loss`, `age_mae`, …. */
  readonly logs: { readonly [column: string]: number };
}

/**
 * After each epoch, validation included.
 *
 * @category Callbacks
 */
export interface EpochEvent {
  /** Counts from 1. */
  readonly epoch: number;
  /** What the epoch adds to the history. */
  readonly row: HistoryRow;
}

/**
 * What a checkpoint keeps of a callback.
 *
 * @category Callbacks
 */
export interface CallbackState {
  /** Numbers and text. */
  readonly values: Json;
  /** Weights it holds, such as the best so far. */
  readonly arrays?: Weights;
}

/**
 * A callback at work in one run. Every hook may be left out, and may be asynchronous.
 *
 * @category Callbacks
 */
export interface CallbackHooks {
  /** Before the first step of an epoch, which counts from 1. */
  onEpochBegin?(epoch: number): void | Promise<void>;
  /** After each step. */
  onBatchEnd?(event: BatchEvent): void | Promise<void>;
  /** After each epoch, validation included. */
  onEpochEnd?(event: EpochEvent): void | Promise<void>;
  /** Once, however the run ended. */
  onTrainEnd?(reason: string): void | Promise<void>;
  /** What a resumed run needs to go on as if it had not stopped. */
  getState?(): CallbackState;
}

/**
 * Something that watches a run and may steer it. A value without state: `begin` makes what lives for one run, so the
 * same callback can be given to many runs.
 *
 * @typeParam Monitor - The columns it watches; `fit` refuses one that the model's tasks do not have.
 * @example
 * ```ts
 * import type { Callback } from 'tfjs-multitask';
 *
 * const shout: Callback = {
 *   name: 'shout',
 *   begin: () => ({ epochEnd: ({ epoch, row }) => console.log(`epoch ${epoch}: loss ${row.loss}`) }),
 * };
 * console.log(shout.name); // shout
 * ```
 * @category Callbacks
 */
export interface Callback<Monitor extends string = never> {
  /** Names its state in checkpoints; two of one name in a run are told apart by their order. */
  readonly name: string;
  /** The column it watches, checked before the run. */
  readonly monitor?: Monitor;
  /** `saved` is the state of an earlier part of the run, when it is resumed. */
  create(run: Run, saved: CallbackState | undefined): CallbackHooks | Promise<CallbackHooks>;
}
