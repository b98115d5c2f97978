import * as checks from '../errors/checks.js';
/**
 * Row of the history for one epoch, as in `history.csv`. A column without a value is absent. The columns are, in this order:
 *
 * - `epoch`, counted from 1;
 * - training: `loss`, then `age_loss`, `age_mae`, and so on for each task;
 * - validation: the same columns with the prefix `val_`;
 * - validation without augmentation, if requested: the same columns with the prefix `val_unaugmented_`;
 * - `learning_rate`: the learning rate of the last update in the epoch;
 * - `seconds`: wall-clock time of the epoch.
 *
 * @category Figures
 */
export interface HistoryRow {
  /** Number of the epoch, counted from 1. */
  readonly epoch: number;
  readonly [column: string]: number;
}

/**
 * Prefix of a column of the history: an empty string for training, `val_` for validation, `val_unaugmented_` for validation without
 * augmentation.
 *
 * @category Train
 */
export type ColumnPrefix = '' | 'val_' | 'val_unaugmented_';

/** Returns the prefix of a column. `val_unaugmented_age_loss` has the prefix `val_unaugmented_`, not `val_`. */
export function getColumnPrefix(column: string): ColumnPrefix {
  if (column.startsWith('val_unaugmented_')) return 'val_unaugmented_';
  return column.startsWith('val_') ? 'val_' : '';
}

/**
 * Description of a task for figures and tables.
 *
 * @typeParam Name - Name of the task.
 * @category Figures
 */
export interface TaskRecord<Name extends string = string> {
  /** Name of the task in the model. */
  readonly name: Name;
  /**
   * Kind of value that the task predicts: a number (`regression`), one of two labels (`binary`), or one of several labels (`categorical`).
   */
  readonly kind: 'regression' | 'binary' | 'categorical';
  /** Unit of the target of a regression task, for example `years`. */
  readonly unit?: string;
  /** Labels of a classification task, in the order of the network's outputs. */
  readonly labels?: readonly string[];
  /** Names of the metrics, for example `mae` for the `age_mae` column. */
  readonly metrics: readonly string[];
}

/**
 * The best epoch of a run according to one column.
 *
 * @typeParam Monitor - Name of the column.
 * @category Figures
 */
export interface BestEpoch<Monitor extends string = string> {
  /** Number of the epoch, counted from 1. */
  readonly epoch: number;
  /** Column that determines the best epoch, for example `val_loss`. */
  readonly monitor: Monitor;
  /** Value of the column in that epoch. */
  readonly value: number;
}

/**
 * Tasks and history of a whole run as plain data, from which figures, tables and reports are created.
 *
 * @typeParam Name - Names of the tasks.
 * @category Figures
 */
export interface HistoryRecord<Name extends string = string> {
  /** Tasks, in the order of the network's outputs. */
  readonly tasks: readonly TaskRecord<Name>[];
  /** One row for each finished epoch, in order. */
  readonly rows: readonly HistoryRow[];
}

/**
 * Finds the epoch with the best value of a column in a record, for example a record that was read from a file. The history that `fit`
 * returns has a `bestEpoch` method for this purpose. If several epochs have the best value, the first one is returned. NaN is skipped.
 *
 * @param history - A history from `fit`, or a record of a history that was read from a file.
 * @param monitor - Name of the column.
 * @param mode - Whether the smallest or the largest value is best. Default: `max` for a column whose name ends with `accuracy`, otherwise
 *   `min`.
 * @returns The best epoch, or undefined if no row has a number in this column.
 * @example
 * ```ts
 * import { findBestEpoch } from 'tfjs-multitask/report';
 *
 * const rows = [{ epoch: 1, val_loss: 3 }, { epoch: 2, val_loss: 2 }, { epoch: 3, val_loss: 2 }];
 * console.log(findBestEpoch({ tasks: [], rows }, 'val_loss')?.epoch); // 2
 * ```
 * @category Figures
 */
export function findBestEpoch<Monitor extends string>(
  history: HistoryRecord,
  monitor: Monitor,
  mode: 'min' | 'max' = String(monitor).endsWith('accuracy') ? 'max' : 'min',
): BestEpoch<Monitor> | undefined {
  checks.noOptions('findBestEpoch', arguments[3]);
  const { rows } = (history ?? {}) as HistoryRecord;
  checks.list('findBestEpoch.history.rows', rows, {
    noun: 'the rows of a history',
    advice: 'Pass the history that fit() returned.',
  });
  checks.oneOf('findBestEpoch.mode', mode, ['min', 'max'], {
    advice: 'Omit it to determine the mode from the column.',
  });
  const sign = mode === 'max' ? -1 : 1;
  let best: BestEpoch<Monitor> | undefined;
  for (const { epoch, [monitor as string]: value } of rows) {
    if (value === undefined || Number.isNaN(value)) continue;
    if (best === undefined || sign * value < sign * best.value) best = { epoch, monitor, value };
  }
  return best;
}
