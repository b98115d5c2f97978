import type { TypeErrorMessage } from '../core/inferenceTypes.js';
import type { Json } from '../core/json.js';
import type { Store } from '../core/platform/platform.js';
import type { CheckpointEpoch } from '../core/records/checkpointEpoch.js';
import type { HistoryRow, TaskRecord } from '../core/records/history.js';
import type { EngineChoice } from '../engines/engineChoice.js';
import type { Weights } from '../network/weights.js';
import type { MonitorModes } from './monitor.js';

/**
 * The interface of a training run for its callbacks. It is passed to every hook.
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
  /** Columns of the rows of this run, and whether a smaller or a larger value of each column is better. */
  readonly monitorModes: MonitorModes;
  /** Engine of the run, and why it was chosen. */
  readonly engine: EngineChoice;
  /** Number of the last epoch, counted from 1. */
  readonly epochs: number;
  /** Rows of the finished epochs. In `onEpochEnd`, the row of the current epoch is included. */
  readonly history: readonly HistoryRow[];
  /** Learning rate of the next update. */
  readonly learningRate: number;
  /** Sets the learning rate. As in Keras, throws an error (`argument`) if the optimizer has a schedule. */
  setLearningRate(rate: number): void;
  /** Ends the run after the current step. `reason` becomes `stopped` in the history. */
  stop(reason: string): void;
  /** Returns a copy of the current weights. */
  getWeights(): Promise<Weights>;
  /** Sets the weights of the model to a copy that `getWeights` returned. */
  setWeights(weights: Weights): void;
  /**
   * Saves the model in its current state to `folder` of `store`, in the format of `model.save`. A model in the folder is replaced as one
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
  /** Number of the batch in its epoch, counted from 1. */
  readonly batch: number;
  /** Number of batches in an epoch. */
  readonly batches: number;
  /** Weighted loss of this batch only, including the L2 penalties. */
  readonly loss: number;
  /** Running means of the epoch: `loss`, `age_loss`, `age_mae`, and so on. */
  readonly logs: { readonly [column: string]: number };
}

/**
 * Result of one epoch, passed to `onEpochEnd`. Validation is included.
 *
 * @category Callbacks
 */
export interface EpochEvent {
  /** Number of the epoch, counted from 1. */
  readonly epoch: number;
  /** Row that the epoch adds to the history. */
  readonly row: HistoryRow;
}

/**
 * State of a callback that is stored in a checkpoint.
 *
 * @category Callbacks
 */
export interface CallbackState {
  /** State as JSON values. NaN and infinities are also allowed. */
  readonly values: Json;
  /** Weights that the callback stores, for example the best weights so far. */
  readonly arrays?: Weights;
}

/**
 * Hooks that a run calls. All hooks are optional and can be asynchronous, because the run awaits them. The last argument is always the run.
 * With several callbacks, hooks are called in the order of the array that is passed to `fit`. If a hook throws an error, the run ends and
 * `fit` rejects with that error.
 *
 * @category Callbacks
 */
export interface CallbackHooks {
  /** Called once, before the first step. A resumed run calls it too. */
  onTrainBegin?(run: Run): void | Promise<void>;
  /** Called before the first step of an epoch, with the number of the epoch, counted from 1. */
  onEpochBegin?(epoch: number, run: Run): void | Promise<void>;
  /** Called after every training step. */
  onBatchEnd?(event: BatchEvent, run: Run): void | Promise<void>;
  /** Called after every epoch, when validation is complete. */
  onEpochEnd?(event: EpochEvent, run: Run): void | Promise<void>;
  /** Called once if the run ends without an error. `reason` is `finished`, `aborted`, or the reason that was passed to `run.stop`. */
  onTrainEnd?(reason: string, run: Run): void | Promise<void>;
}

/**
 * Hooks of a callback with state. They belong to one run.
 *
 * @category Callbacks
 */
export interface StatefulHooks extends CallbackHooks {
  /** Returns the state that `create` needs to continue in a resumed run. Called whenever the run writes a checkpoint. */
  getState?(): CallbackState;
}

/**
 * Properties that every callback has.
 *
 * @typeParam Monitor - Name of the column that the callback monitors.
 * @category Callbacks
 */
export interface CallbackIdentity<Monitor extends string = never> {
  /** Name of the callback in errors and checkpoints. Several callbacks of a run can have the same name. */
  readonly name: string;
  /** Column that the callback monitors, for example `val_loss`. `fit` throws if the run does not have this column. */
  readonly monitor?: Monitor;
}

/**
 * A callback without state: an object whose properties are the hooks.
 *
 * @typeParam Monitor - Name of the column that the callback monitors.
 * @category Callbacks
 */
export interface StatelessCallback<Monitor extends string = never>
  extends CallbackIdentity<Monitor>,
    CallbackHooks {
  /** Not allowed here: a callback has either hooks or `create`. */
  readonly create?: TypeErrorMessage<'a callback has hooks or create(), not both: return the hooks from create()'>;
  /** Not allowed here: only the hooks that `create` returns can have state. */
  readonly getState?: TypeErrorMessage<'getState() needs create(): return it from create(), with the hooks'>;
}

/**
 * A callback with state: `create` returns the hooks for one run. The callback object itself has no state, so it can be passed to several
 * runs.
 *
 * @typeParam Monitor - Name of the column that the callback monitors.
 * @category Callbacks
 */
export interface StatefulCallback<Monitor extends string = never> extends CallbackIdentity<Monitor> {
  /**
   * Returns the hooks of one run. Called once, before the first step.
   *
   * @param run - The run that calls the hooks.
   * @param saved - State that `getState` returned for the checkpoint from which this run resumes. Undefined for a new run, and if the
   *   earlier run did not have this callback at the same position in its array.
   */
  create(run: Run, saved: CallbackState | undefined): StatefulHooks | Promise<StatefulHooks>;
  /** Not allowed here: a callback has either hooks or `create`. */
  readonly onTrainBegin?: TypeErrorMessage<'a callback has hooks or create(), not both: return the hooks from create()'>;
  /** Not allowed here: a callback has either hooks or `create`. */
  readonly onEpochBegin?: TypeErrorMessage<'a callback has hooks or create(), not both: return the hooks from create()'>;
  /** Not allowed here: a callback has either hooks or `create`. */
  readonly onBatchEnd?: TypeErrorMessage<'a callback has hooks or create(), not both: return the hooks from create()'>;
  /** Not allowed here: a callback has either hooks or `create`. */
  readonly onEpochEnd?: TypeErrorMessage<'a callback has hooks or create(), not both: return the hooks from create()'>;
  /** Not allowed here: a callback has either hooks or `create`. */
  readonly onTrainEnd?: TypeErrorMessage<'a callback has hooks or create(), not both: return the hooks from create()'>;
  /** Not allowed here: `create` returns `getState`, with the hooks. */
  readonly getState?: TypeErrorMessage<'getState() needs create(): return it from create(), with the hooks'>;
}

/**
 * An object that observes and can control a training run. A callback without state is an object with hooks. A callback with state is an
 * object with `create(run, saved)`, which returns the hooks for one run. An object with both is invalid.
 *
 * @typeParam Monitor - Name of the column that the callback monitors. `fit` rejects a callback for a column that the model's tasks do not
 *   have.
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
 * @category Callbacks
 */
export type Callback<Monitor extends string = never> = StatelessCallback<Monitor> | StatefulCallback<Monitor>;

/** Names of the hooks. */
export const HOOK_NAMES = [
  'onTrainBegin',
  'onEpochBegin',
  'onBatchEnd',
  'onEpochEnd',
  'onTrainEnd',
] as const satisfies readonly (keyof CallbackHooks)[];

/** Returns the hooks of `callback` for one run: the callback itself, or the result of its `create` method. */
export async function createHooks(
  callback: Callback<string>,
  run: Run,
  saved?: CallbackState,
): Promise<StatefulHooks> {
  return typeof callback.create === 'function' ? callback.create(run, saved) : (callback as CallbackHooks);
}
