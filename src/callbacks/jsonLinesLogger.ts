import { stringifySafely } from '../core/errors/escapeText.js';
import type { Store } from '../core/platform/platform.js';
import type { HistoryRow } from '../core/records/history.js';
import type { StatelessCallback } from '../training/callback.js';
import { getLogName, type LoggerOptions } from './csvLogger.js';

/**
 * Creates a callback that appends one line of JSON to a file after every epoch, for programs that monitor a run. A resumed run first
 * rewrites the lines of the earlier epochs. This removes repeated epochs, and lines that are incomplete because the process was killed.
 *
 * @param store - Store that the file is written to.
 * @returns A callback for the `callbacks` option of `fit`. `fit` rejects before the first step if the store is not writable, or
 *   contains the file of an earlier run that it may not replace.
 * @example
 * ```ts
 * import { jsonLinesLogger, memoryStore } from 'tfjs-multitask';
 *
 * console.log(jsonLinesLogger(memoryStore(), { name: 'rows.jsonl' }).name); // jsonLinesLogger
 * ```
 * @category Callbacks
 */
export function jsonLinesLogger(store: Store, options: LoggerOptions = {}): StatelessCallback {
  const name = getLogName('jsonLinesLogger', store, options, 'history.jsonl');
  const toBytes = (rows: readonly HistoryRow[]) =>
    new TextEncoder().encode(rows.map((row) => `${stringifySafely(row)}\n`).join(''));
  return {
    name: 'jsonLinesLogger',
    outputs: [{ store, name }],
    onTrainBegin: async (run) => {
      if (run.resumed) await store.write(name, toBytes(run.history));
    },
    onEpochEnd: ({ row }) => store.append(name, toBytes([row])),
  };
}
