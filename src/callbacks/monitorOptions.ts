import * as checks from '../core/errors/checks.js';
import { getOwnValue } from '../core/lookup.js';
import type { HistoryRow } from '../core/records/history.js';
import type { Run } from '../training/callback.js';

/**
 * Options for callbacks that monitor one history column.
 *
 * @category Callbacks
 */
export interface MonitorOptions<Monitor extends string> {
  /** History column to monitor, for example `val_age_mae`. Default `val_loss`. */
  readonly monitor?: Monitor;
  /**
   * Whether smaller (`min`) or larger (`max`) values are better. Default `auto`: `min` for a loss, and the mode of the metric for any other
   * column.
   */
  readonly mode?: 'auto' | 'min' | 'max';
}

/** Throws an `argument` error for an invalid monitor or mode. */
export function checkMonitorOptions(
  callback: string,
  { monitor, mode }: { readonly monitor?: unknown; readonly mode?: unknown },
): void {
  if (monitor !== undefined) {
    checks.string(`${callback}.monitor`, monitor, {
      noun: 'the name of a history column',
      advice: "Write monitor: 'val_loss'.",
    });
  }
  if (mode !== undefined)
    checks.oneOf(`${callback}.mode`, mode, ['auto', 'min', 'max'], {
      advice: "Omit it to use the default, 'auto'.",
    });
}

/**
 * Returns whether smaller or larger values of the monitored column are better. If `mode` is `auto`, the answer depends on the metric in
 * that column.
 */
export function resolveMode(run: Run, monitor: string, mode: 'auto' | 'min' | 'max' = 'auto'): 'min' | 'max' {
  return mode === 'auto' ? run.monitorModes[monitor]! : mode;
}

/**
 * Returns the value of the monitored column in a history row. If the row has no value, returns NaN, which never counts as an improvement.
 */
export function getMonitorValue(row: HistoryRow, monitor: string): number {
  return getOwnValue(row as { readonly [column: string]: number }, monitor) ?? Number.NaN;
}
