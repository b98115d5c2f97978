import { createError, didYouMean } from '../core/errors/errors.js';
import type { MetricOf, Tasks } from '../tasks/task.js';

/**
 * The columns of a run that a callback may watch: `val_loss`, `val_age_mae`, `val_unaugmented_gender_accuracy`, ….
 *
 * @category Train
 */
export type HistoryColumn<T extends Tasks> =
  | `${ColumnPrefix}loss`
  | { [K in keyof T & string]: `${ColumnPrefix}${K}_${'loss' | MetricOf<T[K]>}` }[keyof T & string];

/**
 * Training as it went; validation; validation without augmentation.
 *
 * @category Train
 */
export type ColumnPrefix = '' | 'val_' | 'val_unaugmented_';

/**
 * Which way is better, for every column of a run.
 *
 * @category Train
 */
export interface MonitorModes {
  readonly [column: string]: 'min' | 'max';
}

/** The columns that a run with these tasks will have. */
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

const ADVICE_BY_PREFIX = [
  ['val_unaugmented_', 'Give fit() a validation dataset and evaluateUnaugmented: true.'],
  ['val_', 'Give fit() a validation dataset.'],
] as const;

/** Throws an `argument` fault when the run will have no column `monitor`. */
export function checkMonitor(path: string, monitor: string, monitors: MonitorModes): void {
  if (monitor in monitors) return;
  const names = Object.keys(monitors);
  // The column exists in a run with validation (or with evaluateUnaugmented): this is not a spelling mistake.
  const missing = ADVICE_BY_PREFIX.find(
    ([prefix]) =>
      monitor.startsWith(prefix) &&
      monitor.slice(prefix.length) in monitors &&
      !(`${prefix}loss` in monitors),
  );
  throw createError({
    kind: 'argument',
    path: `${path}.monitor`,
    expected: `one of ${names.join(', ')}`,
    received: `"${monitor}"`,
    advice: missing?.[1] ?? didYouMean(monitor, names) ?? 'Watch one of these columns.',
  });
}

/** Whether `value` is better than `best`, strictly and by more than `minDelta`, as Keras compares. NaN never is. */
export function isImprovement(mode: 'min' | 'max', value: number, best: number, minDelta = 0): boolean {
  return mode === 'min' ? value + minDelta < best : value - minDelta > best;
}
