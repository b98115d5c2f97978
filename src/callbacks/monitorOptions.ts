import * as checks from '../core/errors/checks.js';
import type { HistoryRow } from '../core/records/history.js';
import type { Run } from '../training/callback.js';

/**
 * Options of callbacks that monitor one history column.
 *
 * @category Callbacks
 */
export interface MonitorOptions<Monitor extends string> {
  /** History column to monitor, for example `val_age_mae`. Default `val_loss`. */
  readonly monitor?: Monitor;
  /**
   * Whether a smaller value (`min`) or a larger value (`max`) is better. Default `auto`: `min` for a loss, or the direction that
   * a metric declares.
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

/** Returns whether a smaller or a larger value of `monitor` is better. */
export function resolveMode(run: Run, monitor: string, mode: 'auto' | 'min' | 'max' = 'auto'): 'min' | 'max' {
  return mode === 'auto' ? run.monitorModes[monitor]! : mode;
}

/** Returns the value of `monitor` in a row. If the epoch has no such value, returns NaN, which never counts as an improvement. */
export function getMonitorValue(row: HistoryRow, monitor: string): number {
  return row[monitor] ?? Number.NaN;
}
