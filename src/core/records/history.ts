/**
 * One epoch, as a row of `history.csv`: `epoch` counts from 1; then `loss`, `age_loss`, `age_mae`, …, the same with
 * `val_` (and, when asked for, `val_unaugmented_`: validation without augmentation), `learning_rate` (the rate of the epoch's
 * last update) and `seconds` (wall-clock time of the epoch). A value that was not measured is absent.
 *
 * @category Figures
 */
export interface HistoryRow {
  /** Counts from 1. */
  readonly epoch: number;
  readonly [column: string]: number;
}

/**
 * What a figure or a table needs to know of a task.
 *
 * @category Figures
 */
export interface TaskRecord {
  /** As given to `.task()`. */
  readonly name: string;
  /** What kind of question it is. */
  readonly kind: 'regression' | 'binary' | 'categorical';
  /** Unit of a regression's target, `years`. */
  readonly unit?: string;
  /** Labels of a classification, in the order of the network's outputs. */
  readonly labels?: readonly string[];
  /** Metric names without prefix, `mae`. */
  readonly metrics: readonly string[];
}

/**
 * The epoch that a monitor calls best.
 *
 * @category Figures
 */
export interface BestEpoch {
  /** Counts from 1. */
  readonly epoch: number;
  /** The column it is the best of, `val_loss`. */
  readonly monitor: string;
  /** The column's value there. */
  readonly value: number;
}

/**
 * A whole run as plain numbers: what figures, tables and reports read.
 *
 * @category Figures
 */
export interface HistoryRecord {
  /** In the order of the network's outputs. */
  readonly tasks: readonly TaskRecord[];
  /** One for each finished epoch, in order. */
  readonly rows: readonly HistoryRow[];
}

/**
 * The epoch whose value of a column is best: the smallest, or for an accuracy the largest; of equal ones the first.
 * Undefined when no row holds a number there.
 *
 * @example
 * ```ts
 * import { bestEpoch } from 'tfjs-multitask';
 *
 * const rows = [{ epoch: 1, val_loss: 3 }, { epoch: 2, val_loss: 2 }, { epoch: 3, val_loss: 2 }];
 * console.log(bestEpoch({ tasks: [], rows }, 'val_loss')?.epoch); // 2
 * ```
 * @category Figures
 */
export function findBestEpoch({ rows }: HistoryRecord, monitor: string): BestEpoch | undefined {
  const sign = monitor.endsWith('accuracy') ? -1 : 1;
  let best: BestEpoch | undefined;
  for (const { epoch, [monitor]: value } of rows) {
    if (value === undefined || Number.isNaN(value)) continue;
    if (best === undefined || sign * value < sign * best.value) best = { epoch, monitor, value };
  }
  return best;
}
