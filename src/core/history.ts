/**
 * One epoch, as a row of `history.csv`: `epoch` counts from 1; then `loss`, `age_loss`, `age_mae`, …, the same with
 * `val_` (and, when asked for, `clean_`: validation without augmentation), `learning_rate` (the rate of the epoch's
 * last update) and `seconds` (wall-clock time of the epoch). A value that was not measured is absent.
 */
export interface HistoryRow {
  readonly epoch: number;
  readonly [column: string]: number;
}

/** What a figure or a table needs to know of a task. */
export interface TaskRecord {
  readonly name: string;
  readonly kind: 'regression' | 'binary' | 'categorical';
  /** Unit of a regression's target, `years`. */
  readonly unit?: string;
  /** Labels of a classification, in the order of the network's outputs. */
  readonly labels?: readonly string[];
  /** Metric names without prefix, `mae`. */
  readonly metrics: readonly string[];
}

/** The epoch that a monitor calls best. */
export interface BestEpoch {
  /** Counts from 1. */
  readonly epoch: number;
  readonly monitor: string;
  readonly value: number;
}

/** A whole run as plain numbers: what figures, tables and reports read. */
export interface HistoryRecord {
  readonly tasks: readonly TaskRecord[];
  readonly rows: readonly HistoryRow[];
  readonly best?: BestEpoch;
}
