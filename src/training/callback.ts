import type { TypeErrorMessage } from '../core/inferenceTypes.js';
import type { Json } from '../core/json.js';
import type { Store } from '../core/platform/platform.js';
import type { CheckpointEpoch } from '../core/records/checkpointEpoch.js';
import type { HistoryRow, TaskRecord } from '../core/records/history.js';
import type { EngineChoice } from '../engines/engineChoice.js';
import type { Weights } from '../network/weights.js';
import type { MonitoredColumn, MonitorModes } from './monitor.js';

/**
 * The training run that a callback observes. Every hook receives this object, so that a callback can read the progress of the run and
 * control the run.
 *
 * @example
 * ```ts
 * import type { Callback } from 'tfjs-multitask';
 *
 * const stopEarly: Callback = {
 *   name: 'stopEarly',
 *   onEpochEnd: ({ row }, run) => {
 *     if (row.loss! < 0.01) run.stop('the loss is below 0.01');
 *   },
 * };
 * console.log(stopEarly.name); // stopEarly
 * ```
 * @category Callbacks
 */
export interface Run {
  /** Tasks of the model, in the order of its outputs. */
  readonly tasks: readonly TaskRecord[];
  /** For each column of the history that a callback can monitor, whether smaller (`min`) or larger (`max`) values are better. */
  readonly monitorModes: MonitorModes;
  /** The engine that executes the run, and the reason why it was chosen. */
  readonly engine: EngineChoice;
  /** Number of epochs after which the run ends, as passed to `fit`. */
  readonly epochs: number;
  /** History of the finished epochs, one row per epoch. In `onEpochEnd`, it includes the row of the current epoch. */
  readonly history: readonly HistoryRow[];
  /** Whether the run continues an earlier run from its checkpoint. */
  readonly resumed: boolean;
  /**
   * Column by which the epochs of the run are compared: the column that `bestCheckpoint` monitors, else that of `earlyStopping`, else
   * `val_loss`, or `loss` without validation.
   */
  readonly monitor: MonitoredColumn;
  /** Learning rate of the next weight update. */
  readonly learningRate: number;
  /**
   * Sets the learning rate of all further updates. As in Keras, throws an `argument` error if the optimizer has a learning rate schedule.
   */
  setLearningRate(rate: number): void;
  /** Ends the run after the current step. `reason` becomes the `stopped` property of the history. */
  stop(reason: string): void;
  /** Returns a copy of the current weights of the model. */
  getWeights(): Promise<Weights>;
  /** Replaces the weights of the model with a copy that `getWeights` returned. */
  setWeights(weights: Weights): void;
  /**
   * Saves the model with its current weights to a folder of `store`, in the format of `model.save`. A model in the folder is replaced as one
   * unit, together with `checkpointEpoch`, the epoch that a report describes.
   */
  save(store: Store, folder: string, checkpointEpoch?: CheckpointEpoch): Promise<void>;
}

/**
 * Result of one training step, passed to `onBatchEnd`.
 *
 * @category Callbacks
 */
export interface BatchEvent {
  /** Number of the epoch, counted from 1. */
  readonly epoch: number;
  /** Number of the batch within the epoch, counted from 1. */
  readonly batch: number;
  /** Number of batches in an epoch. */
  readonly batches: number;
  /** Loss of this batch alone: the weighted sum of the task losses, plus the L1 and L2 penalties. */
  readonly loss: number;
  /** Means over all batches of the epoch so far, keyed by history column: `loss`, `age_loss`, `age_mae`, and so on. */
  readonly logs: { readonly [column: string]: number };
}

/**
 * Result of one epoch of training and validation, passed to `onEpochEnd`.
 *
 * @category Callbacks
 */
export interface EpochEvent {
  /** Number of the epoch, counted from 1. */
  readonly epoch: number;
  /** History row of the epoch, with the losses and metrics of training and validation. */
  readonly row: HistoryRow;
}

/**
 * State of a callback that is stored in a checkpoint.
 *
 * @category Callbacks
 */
export interface CallbackState {
  /** State as JSON. Unlike plain JSON, it may contain NaN and infinities. */
  readonly values: Json;
  /** Weights that belong to the state, for example the best weights so far. */
  readonly arrays?: Weights;
}

/**
 * Hooks that a training run calls. Every hook is optional. A hook can be asynchronous: the run waits until the hook has finished. The last
 * argument is always the run. Callbacks are called in the order of the array that is passed to `fit`. If a hook throws an error, the run
 * ends and `fit` rejects with that error. If a hook has not finished 4 seconds after the signal of the run was aborted, `fit` rejects with an
 * `aborted` error.
 *
 * @category Callbacks
 */
export interface CallbackHooks {
  /** Called once before the first step, also when a run is resumed. */
  onTrainBegin?(run: Run): void | Promise<void>;
  /** Called before the first step of an epoch, with the number of the epoch, counted from 1. */
  onEpochBegin?(epoch: number, run: Run): void | Promise<void>;
  /** Called after every training step. */
  onBatchEnd?(event: BatchEvent, run: Run): void | Promise<void>;
  /** Called after every epoch, including its validation. */
  onEpochEnd?(event: EpochEvent, run: Run): void | Promise<void>;
  /**
   * Called once at the end of the run, unless the run fails with an error. `reason` is `finished`, `aborted`, or the reason that was passed
   * to `run.stop`.
   */
  onTrainEnd?(reason: string, run: Run): void | Promise<void>;
}

/**
 * Hooks of a callback with state, created for one run by `create`.
 *
 * @category Callbacks
 */
export interface StatefulHooks extends CallbackHooks {
  /** Returns the state of the callback, which a resumed run passes to `create`. Called whenever the run writes a checkpoint. */
  getState?(): CallbackState;
}

/**
 * A file or a folder that a callback writes. `fit` locks it during the run. A new run is rejected with a `file` error if it contains files,
 * unless the run is resumed, or `overwrite: true` allows to replace them.
 *
 * @category Callbacks
 */
export interface CallbackOutput {
  /** Store of the files. */
  readonly store: Store;
  /**
   * Name of the file or folder in the store, without `./`, `..` and `//`: `history.csv`. Two runs cannot write outputs with the same name at
   * the same time.
   */
  readonly name: string;
  /** Matches the names of all files in the store that belong to the output. Default: only the file `name`. */
  readonly files?: RegExp;
  /**
   * Returns whether an earlier run wrote a file that `files` matches. With `overwrite: true`, `fit` removes only these files at the beginning
   * of a run. Default: an earlier run wrote all of them.
   */
  wasWrittenByRun?(file: string): Promise<boolean>;
}

/**
 * Properties that all callbacks have in common.
 *
 * @typeParam Monitor - Name of the history column that the callback monitors.
 * @category Callbacks
 */
export interface CallbackIdentity<Monitor extends string = never> {
  /** Name of the callback in error messages and checkpoints. The name need not be unique. */
  readonly name: string;
  /** History column that the callback monitors, for example `val_loss`. `fit` throws an error if the run does not have this column. */
  readonly monitor?: Monitor;
  /** Whether a smaller (`min`) or a larger value (`max`) of `monitor` is better. Default `auto`, which depends on the column. */
  readonly mode?: 'auto' | 'min' | 'max';
  /** Files that the callback writes, so that two runs do not mix their files. Default: none. */
  readonly outputs?: readonly CallbackOutput[];
}

/**
 * A callback without state: an object whose methods are hooks.
 *
 * @typeParam Monitor - Name of the history column that the callback monitors.
 * @category Callbacks
 */
export interface StatelessCallback<Monitor extends string = never>
  extends CallbackIdentity<Monitor>,
    CallbackHooks {
  /** Not allowed: a callback has either hooks or `create`, but not both. */
  readonly create?: TypeErrorMessage<'a callback has hooks or create(), not both: return the hooks from create()'>;
  /** Not allowed: only a callback with `create` can have state. */
  readonly getState?: TypeErrorMessage<'getState() needs create(): return it from create(), with the hooks'>;
}

/**
 * A callback with state: its `create` method returns the hooks for one run, which store the state. The callback object itself has no state,
 * so it can be reused in several runs.
 *
 * @typeParam Monitor - Name of the history column that the callback monitors.
 * @category Callbacks
 */
export interface StatefulCallback<Monitor extends string = never> extends CallbackIdentity<Monitor> {
  /**
   * Creates the hooks for one run. Called once per run, before the first step.
   *
   * @param run - The run that is about to start and will call the hooks.
   * @param saved - State from the checkpoint that this run resumes from, as returned by `getState`. Undefined for a new run, and if the
   *   interrupted run did not have this callback: one with the same name, monitor and names of outputs. If several callbacks are equal in
   *   these, their order identifies them. Other callbacks may be added, removed and reordered.
   */
  create(run: Run, saved: CallbackState | undefined): StatefulHooks | Promise<StatefulHooks>;
  /** Not allowed: a callback has either hooks or `create`, but not both. */
  readonly onTrainBegin?: TypeErrorMessage<'a callback has hooks or create(), not both: return the hooks from create()'>;
  /** Not allowed: a callback has either hooks or `create`, but not both. */
  readonly onEpochBegin?: TypeErrorMessage<'a callback has hooks or create(), not both: return the hooks from create()'>;
  /** Not allowed: a callback has either hooks or `create`, but not both. */
  readonly onBatchEnd?: TypeErrorMessage<'a callback has hooks or create(), not both: return the hooks from create()'>;
  /** Not allowed: a callback has either hooks or `create`, but not both. */
  readonly onEpochEnd?: TypeErrorMessage<'a callback has hooks or create(), not both: return the hooks from create()'>;
  /** Not allowed: a callback has either hooks or `create`, but not both. */
  readonly onTrainEnd?: TypeErrorMessage<'a callback has hooks or create(), not both: return the hooks from create()'>;
  /** Not allowed: `getState` must be a method of the object that `create` returns. */
  readonly getState?: TypeErrorMessage<'getState() needs create(): return it from create(), with the hooks'>;
}

/**
 * Object that observes a training run and can control it. A callback without state is an object with hooks. A callback with state is an
 * object with `create(run, saved)`, which returns the hooks for one run. An object with both is invalid.
 *
 * @typeParam Monitor - Name of the history column that the callback monitors. It is a type error to pass a callback to `fit` whose column
 *   does not exist for the tasks of the model.
 * @example
 * ```ts
 * import type { Callback } from 'tfjs-multitask';
 *
 * const logLoss: Callback = {
 *   name: 'logLoss',
 *   onEpochEnd: ({ epoch, row }) => console.log(`epoch ${epoch}: loss ${row.loss}`),
 * };
 * // With state: the number of epochs is part of the checkpoint, so a resumed run continues to count.
 * const countEpochs: Callback = {
 *   name: 'countEpochs',
 *   create: (run, saved) => {
 *     let count = Number(saved?.values ?? 0);
 *     return {
 *       onEpochEnd: () => void (++count === 100 && run.stop('100 epochs')),
 *       getState: () => ({ values: count }),
 *     };
 *   },
 * };
 * console.log(logLoss.name, countEpochs.name); // logLoss countEpochs
 * ```
 * @remarks
 * An object may have other fields, and an instance of a class other methods. `fit` rejects functions that look like hooks but would never
 * be called: in a plain object every other function whose name begins with `on`, in an instance of a class every method whose name is close
 * to that of a hook, such as `onEpochEnded` or `on_epoch_end`.
 * @category Callbacks
 */
export type Callback<Monitor extends string = never> = StatelessCallback<Monitor> | StatefulCallback<Monitor>;

/** Names of all hooks that a callback can have. */
export const HOOK_NAMES = [
  'onTrainBegin',
  'onEpochBegin',
  'onBatchEnd',
  'onEpochEnd',
  'onTrainEnd',
] as const satisfies readonly (keyof CallbackHooks)[];

/** Returns the hooks of a callback for one run: the result of its `create` method, or the callback itself if it has no such method. */
export async function createHooks(
  callback: Callback<string>,
  run: Run,
  saved?: CallbackState,
): Promise<StatefulHooks> {
  return typeof callback.create === 'function' ? callback.create(run, saved) : (callback as CallbackHooks);
}
