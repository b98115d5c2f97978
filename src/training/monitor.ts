import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import { didYouMean } from '../core/errors/suggestions.js';
import type { ColumnPrefix } from '../core/records/history.js';
import type { MetricOf, Tasks } from '../tasks/task.js';

/**
 * Names of the history columns that contain losses and metrics, which a callback can monitor: `val_loss`, `val_age_mae`,
 * `val_unaugmented_gender_accuracy`, and so on.
 *
 * @typeParam T - The model's tasks.
 * @category Train
 */
export type HistoryColumn<T extends Tasks> =
  | `${ColumnPrefix}loss`
  | { [K in keyof T & string]: `${ColumnPrefix}${K}_${'loss' | MetricOf<T[K]>}` }[keyof T & string];

/**
 * For each history column with a loss or metric, whether smaller (`min`) or larger (`max`) values are better.
 *
 * @category Train
 */
export interface MonitorModes {
  readonly [column: string]: 'min' | 'max';
}

/**
 * Returns whether smaller or larger values are better, for each history column with losses or metrics of these tasks, in the order of the
 * history.
 */
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

/**
 * A column of the history, and which of its values are better.
 *
 * @category Train
 */
export interface MonitoredColumn {
  /** Name of the column, for example `val_loss`. */
  readonly column: string;
  /** Whether a smaller (`min`) or a larger value (`max`) is better. */
  readonly mode: 'min' | 'max';
}

/** Properties of a callback by which {@link getMonitoredColumn} finds the column. */
interface MonitoringCallback {
  readonly name: string;
  readonly monitor?: string;
  readonly mode?: 'auto' | 'min' | 'max';
}

/** Names of the callbacks that choose the best epoch of a run, in the order of their priority. */
const BEST_EPOCH_CALLBACKS = ['bestCheckpoint', 'earlyStopping'];

/** Returns the column by which the epochs of a run are compared. See `Run.monitor`. */
export function getMonitoredColumn(
  callbacks: readonly MonitoringCallback[],
  modes: MonitorModes,
): MonitoredColumn {
  const callback = BEST_EPOCH_CALLBACKS.flatMap((name) =>
    callbacks.filter((other) => other.name === name && other.monitor !== undefined),
  )[0];
  const column = callback?.monitor ?? (Object.hasOwn(modes, 'val_loss') ? 'val_loss' : 'loss');
  const { mode = 'auto' } = callback ?? {};
  return { column, mode: mode === 'auto' ? modes[column]! : mode };
}

/**
 * Advice for a monitored column that is missing from the history, with one entry for each prefix of column names. The longer prefix must be
 * first, because a column name that starts with the longer prefix also starts with the shorter one.
 */
const ADVICE_BY_PREFIX = [
  ['val_unaugmented_', 'Pass a validation dataset and evaluateUnaugmented: true to fit().'],
  ['val_', 'Pass a validation dataset to fit().'],
] as const;

/** Throws an `argument` error if the history of the run has no column with the name `monitor`. */
export function checkMonitor(path: string, monitor: string, monitors: MonitorModes): void {
  if (Object.hasOwn(monitors, monitor)) return;
  const columns = Object.keys(monitors);
  // If another option of fit() would add this column, advise to set the option instead of suggesting a different name.
  const missing = ADVICE_BY_PREFIX.find(
    ([prefix]) =>
      monitor.startsWith(prefix) &&
      monitor.slice(prefix.length) in monitors &&
      !(`${prefix}loss` in monitors),
  );
  throw createError({
    kind: 'argument',
    path: `${path}.monitor`,
    expected: `a column of the history: ${checks.formatOptions(columns)}`,
    received: formatValue(monitor),
    advice: missing?.[1] ?? didYouMean(monitor, columns) ?? 'Set monitor to one of these columns.',
  });
}

/**
 * Returns whether a monitored value is better than the best value so far by more than `minDelta`. As in Keras, NaN is never better than a
 * number, and no number is better than NaN.
 */
export function isImprovement(mode: 'min' | 'max', value: number, best: number, minDelta = 0): boolean {
  return mode === 'min' ? value + minDelta < best : value - minDelta > best;
}
