import * as checks from '../core/errors/checks.js';
import { escapeText } from '../core/errors/escapeText.js';
import type { Store } from '../core/platform/platform.js';
import { toFileName } from '../core/platform/storeNames.js';
import type { HistoryRow } from '../core/records/history.js';
import type { StatelessCallback } from '../training/callback.js';
import { checkCallbackStore } from './checkCallbackStore.js';

/**
 * Options for {@link csvLogger} and {@link jsonLinesLogger}.
 *
 * @category Callbacks
 */
export interface LoggerOptions {
  /** Name of the log file in the store. Default `history.csv`, or `history.jsonl` for {@link jsonLinesLogger}. */
  readonly name?: string;
}

/**
 * Creates a callback that writes the history as a CSV file after every epoch. The whole file is rewritten each time, so the file of a
 * resumed run has no gaps. The columns are those of {@link HistoryRow}.
 *
 * @param store - Store that the file is written to.
 * @returns A callback for the `callbacks` option of `fit`. `fit` rejects before the first step if the store is not writable, or
 *   contains the file of an earlier run that it may not replace.
 * @example
 * ```ts
 * import { branch, csvLogger, flatten, imagesInMemory, memoryStore, multiTask, regression } from 'tfjs-multitask';
 *
 * const image = { data: new Uint8Array(4 * 4 * 3).fill(90), height: 4, width: 4, channels: 3 };
 * const dataset = imagesInMemory([{ image, labels: { light: 1 } }]);
 * const model = multiTask({ input: [4, 4, 3] })
 *   .task('light', regression({ unit: 'bytes' }), branch([flatten()]))
 *   .build();
 * const store = memoryStore();
 * await model.fit(dataset, { epochs: 1, engine: 'wasm', callbacks: [csvLogger(store)] });
 * const text = new TextDecoder().decode(await store.read('history.csv'));
 * console.log(text.split('\n')[0]); // epoch,loss,light_loss,light_mae,learning_rate,seconds
 * ```
 * @category Callbacks
 */
export function csvLogger(store: Store, options: LoggerOptions = {}): StatelessCallback {
  const name = getLogName('csvLogger', store, options, 'history.csv');
  return {
    name: 'csvLogger',
    outputs: [{ store, name }],
    onEpochEnd: (_, run) => store.write(name, new TextEncoder().encode(toCsv(run.history))),
  };
}

/** Checks the arguments of a logger and returns the normalized name of the log file. */
export function getLogName(
  callback: string,
  store: Store,
  options: LoggerOptions,
  defaultName: string,
): string {
  checkCallbackStore(callback, store, callback === 'jsonLinesLogger');
  checks.options(callback, options, { name: true });
  const { name = defaultName } = options;
  return toFileName(`${callback}.name`, name, { advice: `Omit it to use the default, '${defaultName}'.` });
}

/** Formats history rows as CSV: a header, then one line per row. If a row has no value for a column, the cell is empty. */
function toCsv(rows: readonly HistoryRow[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = rows.map((row) => columns.map((column) => row[column] ?? '').join(','));
  return `${[columns.map(formatName).join(','), ...lines].join('\n')}\n`;
}

/** Formats the name of a column, which can be the name of a user's metric. */
function formatName(column: string): string {
  const name = escapeText(column);
  return /[",]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}
