import type { Store } from '../core/platform/platform.js';
import type { HistoryRow } from '../core/records/history.js';
import type { StatelessCallback } from '../training/callback.js';
import type { LoggerOptions } from './csvLogger.js';

/**
 * Returns a callback that appends one line of JSON to a file after every epoch, for programs that follow a run. A resumed run
 * first writes the lines of its earlier epochs again, so a killed process leaves no partial line and no epoch twice.
 *
 * @param store - Where the file is written.
 * @returns A callback for the option `callbacks` of `fit`. The run rejects before its first step when the store cannot be
 *   written.
 * @example
 * ```ts
 * import { jsonLinesLogger, memoryStore } from 'tfjs-multitask';
 *
 * console.log(jsonLinesLogger(memoryStore(), { name: 'rows.jsonl' }).name); // jsonLinesLogger
 * ```
 * @category Callbacks
 */
export function jsonLinesLogger(
  store: Store,
  { name = 'history.jsonl' }: LoggerOptions = {},
): StatelessCallback {
  const toBytes = (rows: readonly HistoryRow[]) =>
    new TextEncoder().encode(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return {
    name: 'jsonLinesLogger',
    onTrainBegin: (run) => store.write(name, toBytes(run.history)),
    onEpochEnd: ({ row }) => store.append(name, toBytes([row])),
  };
}
