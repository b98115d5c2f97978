import type { TypeErrorMessage } from '../core/inferenceTypes.js';
import type { Json } from '../core/json.js';
import type { Store } from '../core/platform/platform.js';
import type { HistoryRow, TaskRecord } from '../core/records/history.js';
import type { EngineChoice } from '../engines/engineChoice.js';
import type { Weights } from '../network/weights.js';
import type { MonitorModes } from './monitor.js';

/**
 * A training run, as its callbacks see it. Every hook of a callback receives it.
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
  /** Columns that the rows of this run have, and whether a smaller or a larger value is better. */
  readonly monitorModes: MonitorModes;
  /** Engine of the run, and why it was chosen. */
  readonly engine: EngineChoice;
  /** Number of the last epoch, counted from 1. */
  readonly epochs: number;
  /** Rows of the finished epochs. In `onEpochEnd` the epoch that has just ended is included. */
  readonly history: readonly HistoryRow[];
  /** Learning rate of the next update. */
  readonly learningRate: number;
  /** Sets the learning rate. Throws an `argument` error when the optimizer has a schedule, as Keras does. */
  setLearningRate(rate: number): void;
  /** Ends the run after the current step. `reason` becomes `stopped` in the history. */
  stop(reason: string): void;
  /** Returns a copy of the current weights. */
  getWeights(): Promise<Weights>;
  /** Replaces the weights of the model with a copy that `getWeights` returned. */
  setWeights(weights: Weights): void;
  /** Saves the model in its current state to `folder` of `store`, in the format of `model.save`. */
  save(store: Store, folder: string): Promise<void>;
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
  /** Weighted loss of this batch alone, with the L2 penalties. */
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
 * State of a callback, as a checkpoint stores it.
 *
 * @category Callbacks
 */
export interface CallbackState {
  /** Numbers and text. NaN and infinities are allowed. */
  readonly values: Json;
  /** Weights that the callback holds, such as the best so far. */
  readonly arrays?: Weights;
}

/**
 * Hooks that a run calls. Each may be left out, and each may be asynchronous: the run awaits it. The last argument is always
 * the run. With several callbacks, a hook is called in the order of the list that `fit` receives. An error that a hook throws
 * ends the run, and `fit` rejects with it.
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
  /** Called once, when the run ends without an error, with `finished`, `aborted`, or the reason of `run.stop`. */
  onTrainEnd?(reason: string, run: Run): void | Promise<void>;
}

/**
 * Hooks of a callback with state, for one run.
 *
 * @category Callbacks
 */
export interface StatefulHooks extends CallbackHooks {
  /** Returns what `create` needs to continue in a resumed run. Called whenever the run writes a checkpoint. */
  getState?(): CallbackState;
}

/**
 * Properties that every callback has.
 *
 * @typeParam Monitor - The column that the callback watches.
 * @category Callbacks
 */
export interface CallbackIdentity<Monitor extends string = never> {
  /** Name of the callback in errors and checkpoints. Two callbacks of one run may share a name. */
  readonly name: string;
  /** Column that the callback watches, for example `val_loss`. `fit` rejects a column that the run does not have. */
  readonly monitor?: Monitor;
}

/**
 * A callback without state: an object whose properties are the hooks.
 *
 * @typeParam Monitor - The column that the callback watches.
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
 * A callback with state: `create` returns the hooks of one run. The callback itself holds no state, so it can be passed to
 * several runs.
 *
 * @typeParam Monitor - The column that the callback watches.
 * @category Callbacks
 */
export interface StatefulCallback<Monitor extends string = never> extends CallbackIdentity<Monitor> {
  /**
   * Returns the hooks of one run. Called once, before the first step.
   *
   * @param run - The run that calls the hooks.
   * @param saved - What `getState` returned when the checkpoint was written that this run resumes from; undefined for a new
   *   run, and for a callback that the earlier run did not have at this position of its list.
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
 * An object that watches a training run and may steer it. It is either an object with hooks, or, where it has state, an object
 * with `create(run, saved)`, which returns the hooks of one run. An object with both is rejected.
 *
 * @typeParam Monitor - The column that the callback watches. `fit` rejects a column that the model's tasks do not have.
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

/** Returns the hooks of `callback` for one run: the callback itself, or what its `create` returns. */
export async function createHooks(
  callback: Callback<string>,
  run: Run,
  saved?: CallbackState,
): Promise<StatefulHooks> {
  return typeof callback.create === 'function' ? callback.create(run, saved) : (callback as CallbackHooks);
}
