import type { Store } from '../core/platform/platform.js';
import type { HistoryRow } from '../core/records/history.js';
import type { Callback } from '../training/callback.js';
import { checkWritable } from './checkWritable.js';

/**
 * Writes the history as CSV after every epoch, whole each time, so a resumed run leaves one file without gaps. Columns:
 * epoch, loss, the tasks', the same with `val_`, learning_rate, seconds. Default name `history.csv`.
 *
 * @example
 * ```ts
 * import { csvLog, memoryStore } from 'tfjs-multitask';
 *
 * console.log(csvLog(memoryStore()).name); // csvLog
 * ```
 * @category Callbacks
 */
export function csvLogger(store: Store, { name = 'history.csv' }: { readonly name?: string } = {}): Callback {
  return {
    name: 'csvLog',
    create: async (run) => {
      await checkWritable(store);
      return { onEpochEnd: () => store.write(name, new TextEncoder().encode(toCsv(run.history))) };
    },
  };
}

/** A header and one line a row; a column that a row lacks is empty. */
function toCsv(rows: readonly HistoryRow[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = rows.map((row) => columns.map((column) => row[column] ?? '').join(','));
  return `${[columns.join(','), ...lines].join('\n')}\n`;
}
