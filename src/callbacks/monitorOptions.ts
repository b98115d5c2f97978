import type { HistoryRow } from '../core/records/history.js';
import type { Run } from '../training/callback.js';

/**
 * Options of every callback that watches one column of the history.
 *
 * @category Callbacks
 */
export interface MonitorOptions<Monitor extends string> {
  /** Column to watch, for example `val_age_mae`. Default `val_loss`. */
  readonly monitor?: Monitor;
  /**
   * Whether a smaller value (`min`) or a larger value (`max`) is better. Default `auto`: `min` for losses, and for metrics the
   * direction that the metric declares.
   */
  readonly mode?: 'auto' | 'min' | 'max';
}

/** Returns whether a smaller or a larger value of `monitor` is better. */
export function resolveMode(run: Run, monitor: string, mode: 'auto' | 'min' | 'max' = 'auto'): 'min' | 'max' {
  return mode === 'auto' ? run.monitorModes[monitor]! : mode;
}

/** Returns the value of `monitor` in a row, or NaN, which is never an improvement, when the epoch did not measure it. */
export function getMonitorValue(row: HistoryRow, monitor: string): number {
  return row[monitor] ?? Number.NaN;
}
