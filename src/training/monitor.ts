import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import { didYouMean } from '../core/errors/suggestions.js';
import type { ColumnPrefix } from '../core/records/history.js';
import type { MetricOf, Tasks } from '../tasks/task.js';

/**
 * Columns of a run with losses and metrics, which a callback can monitor: `val_loss`, `val_age_mae`,
 * `val_unaugmented_gender_accuracy`, and so on.
 *
 * @typeParam T - The model's tasks.
 * @category Train
 */
export type HistoryColumn<T extends Tasks> =
  | `${ColumnPrefix}loss`
  | { [K in keyof T & string]: `${ColumnPrefix}${K}_${'loss' | MetricOf<T[K]>}` }[keyof T & string];

/**
 * For every column of a run, whether a smaller value (`min`) or a larger value (`max`) is better.
 *
 * @category Train
 */
export interface MonitorModes {
  readonly [column: string]: 'min' | 'max';
}

/** Returns the columns that a run with these tasks has, in the order of the history. */
export function getMonitorModes(tasks: Tasks, prefixes: readonly ColumnPrefix[]): MonitorModes {
  const columns: Record<string, 'min' | 'max'> = {};
  for (const prefix of prefixes) {
    columns[`${prefix}loss`] = 'min';
    for (const [name, task] of Object.entries(tasks)) {
      columns[`${prefix}${name}_loss`] = 'min';
      for (const metric of task.metrics) columns[`${prefix}${name}_${metric.name}`] = metric.mode;
    }
  }
  return columns;
}

/** The longer prefix is first, because a column with the longer prefix also starts with the shorter prefix. */
const ADVICE_BY_PREFIX = [
  ['val_unaugmented_', 'Pass a validation dataset and evaluateUnaugmented: true to fit().'],
  ['val_', 'Pass a validation dataset to fit().'],
] as const;

/** Throws an `argument` error if the run has no column `monitor`. */
export function checkMonitor(path: string, monitor: string, monitors: MonitorModes): void {
  if (Object.hasOwn(monitors, monitor)) return;
  const columns = Object.keys(monitors);
  // If another option of fit() would add the column, its name is not a spelling mistake.
  const missing = ADVICE_BY_PREFIX.find(
    ([prefix]) =>
      monitor.startsWith(prefix) &&
      monitor.slice(prefix.length) in monitors &&
      !(`${prefix}loss` in monitors),
  );
  throw createError({
    kind: 'argument',
    path: `${path}.monitor`,
    expected: checks.formatOptions(columns),
    received: formatValue(monitor),
    advice: missing?.[1] ?? didYouMean(monitor, columns) ?? 'Monitor one of these columns.',
  });
}

/**
 * Returns whether `value` is better than `best` by more than `minDelta`. As in Keras, the comparison is strict, so NaN is never better, and
 * no value is better than NaN.
 */
export function isImprovement(mode: 'min' | 'max', value: number, best: number, minDelta = 0): boolean {
  return mode === 'min' ? value + minDelta < best : value - minDelta > best;
}
