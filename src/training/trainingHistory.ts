import {
  type BestEpoch,
  findBestEpoch,
  type HistoryRecord,
  type HistoryRow,
  type TaskRecord,
} from '../core/records/history.js';
import type { EngineChoice } from '../engines/engineChoice.js';
import type { Tasks } from '../tasks/task.js';
import { checkMonitor, type HistoryColumn, type MonitorModes } from './monitor.js';

/**
 * History row of one epoch for a model with the tasks `T`: a {@link HistoryRow} whose columns are known to the compiler. Every row has
 * `loss`. All other losses and metrics are optional: a column is absent if its value was not measured, for example validation columns in a
 * run without validation.
 *
 * @typeParam T - The model's tasks.
 * @category Train
 */
export type HistoryRowOf<T extends Tasks> = string extends keyof T
  ? HistoryRow
  : {
      /** Number of the epoch, counted from 1. */
      readonly epoch: number;
      /** Training loss: the weighted sum of the task losses, plus the L1 and L2 penalties. */
      readonly loss: number;
      /** Learning rate of the last update in the epoch. */
      readonly learning_rate: number;
      /** Duration of the epoch including validation, in seconds. */
      readonly seconds: number;
    } & { readonly [Column in Exclude<HistoryColumn<T>, 'loss'>]?: number };

/**
 * Result of `fit`: the history of the run, the engine that executed the run, and the reason why the run ended. Its properties are plain
 * data, so you can save a history as JSON and create figures and reports from it later.
 *
 * @typeParam T - The model's tasks.
 * @example
 * ```ts
 * import { branch, flatten, imagesInMemory, multiTask, regression } from 'tfjs-multitask';
 *
 * const gray = (value: number) => ({ data: new Uint8Array(4 * 4 * 3).fill(value), height: 4, width: 4, channels: 3 });
 * const dataset = imagesInMemory([10, 90, 170].map((light) => ({ image: gray(light), labels: { light } })));
 * const model = multiTask({ input: [4, 4, 3] })
 *   .task('light', regression({ unit: 'bytes' }), branch([flatten()]))
 *   .build();
 * const history = await model.fit(dataset, { validation: dataset, epochs: 2, engine: 'wasm' });
 * console.log(history.rows.length, history.stopped, history.engine.name); // 2 finished wasm
 * console.log(history.rows[1]?.val_light_mae); // …
 * console.log(history.bestEpoch('val_light_mae')); // { epoch: …, monitor: 'val_light_mae', value: … }
 * ```
 * @category Train
 */
export interface History<T extends Tasks = Tasks> {
  /** Tasks of the model, in the order of its outputs. */
  readonly tasks: readonly TaskRecord<keyof T & string>[];
  /** One row per finished epoch. The history of a resumed run includes the epochs before the interruption. */
  readonly rows: readonly HistoryRowOf<T>[];
  /** The engine that executed the run, and the reason why it was chosen. */
  readonly engine: EngineChoice;
  /** Reason why the run ended: `finished`, `aborted`, or the reason that a callback passed to `run.stop`. */
  readonly stopped: string;
  /**
   * Returns the epoch with the best value in a column: the smallest value, or the largest value for metrics such as accuracy. If several
   * epochs share the best value, the first of them is returned.
   *
   * @param monitor - Name of the column, for example `val_loss`.
   * @returns The best epoch, or undefined if no row has a number in this column.
   * @throws `argument` error for a column that the history does not have.
   */
  bestEpoch<Monitor extends HistoryColumn<T>>(monitor: Monitor): BestEpoch<Monitor> | undefined;
}

/** Implementation of {@link History}. `bestEpoch` is a prototype method, so that copies of a history and its JSON contain only data. */
export class TrainingHistory implements HistoryRecord {
  readonly #monitorModes: MonitorModes;

  constructor(
    readonly tasks: readonly TaskRecord[],
    readonly rows: readonly HistoryRow[],
    readonly engine: EngineChoice,
    readonly stopped: string,
    monitorModes: MonitorModes,
  ) {
    this.#monitorModes = monitorModes;
  }

  bestEpoch(monitor: string): BestEpoch | undefined {
    checkMonitor('history.bestEpoch', monitor, this.#monitorModes);
    return findBestEpoch(this, monitor, this.#monitorModes[monitor]);
  }
}
