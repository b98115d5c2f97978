import type { HistoryRow } from '../core/records/history.js';
import type { Run } from '../training/callback.js';

/**
 * What a callback that watches one column is told.
 *
 * @category Callbacks
 */
export interface MonitorOptions<Monitor extends string> {
  /** The column to watch, `val_loss` or `val_age_mae`. Default `val_loss`. */
  readonly monitor?: Monitor;
  /** Which way is better. Default `auto`: losses and errors down, accuracies up, known for every column of a run. */
  readonly mode?: 'auto' | 'min' | 'max';
}

/** Which way is better for `monitor` in this run. */
export function resolveMode(run: Run, monitor: string, mode: 'auto' | 'min' | 'max' = 'auto'): 'min' | 'max' {
  return mode === 'auto' ? run.monitorModes[monitor]! : mode;
}

/** The watched value of an epoch; NaN where the epoch has none (a batch without labels, say): it never improves. */
export function getMonitorValue(row: HistoryRow, monitor: string): number {
  return row[monitor] ?? Number.NaN;
}
