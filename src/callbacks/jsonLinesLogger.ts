import type { Store } from '../core/platform/platform.js';
import type { HistoryRow } from '../core/records/history.js';
import type { Callback } from '../training/callback.js';

/**
 * Adds one line of JSON after every epoch, for programs that follow a run. A resumed run first writes the lines of the
 * epochs it has, so a killed process leaves no half line and no epoch twice. Default name `history.jsonl`.
 *
 * @example
 * ```ts
 * import { jsonLines, memoryStore } from 'tfjs-multitask';
 *
 * console.log(jsonLines(memoryStore()).name); // jsonLines
 * ```
 * @category Callbacks
 */
export function jsonLinesLogger(
  store: Store,
  { name = 'history.jsonl' }: { readonly name?: string } = {},
): Callback {
  const bytes = (rows: readonly HistoryRow[]) =>
    new TextEncoder().encode(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return {
    name: 'jsonLines',
    create: async (run) => {
      await store.write(name, bytes(run.history));
      return { onEpochEnd: ({ row }) => store.append(name, bytes([row])) };
    },
  };
}
