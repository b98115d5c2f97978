import type { WriteStream } from 'node:tty';
import { findBestTrialNumbers } from '../../tuner/results/bestTrials.js';
import { resultsTable } from '../../tuner/results/resultsTable.js';
import { sortByNumber, type TrialRecord } from '../../tuner/results/trialRecord.js';
import type { Study } from '../../tuner/study.js';

/** The last trials that are shown while it runs, and the best of those before. */
const MAX_ROWS = 20;
const MAX_BEST_ROWS = 4;

/**
 * A table of trials that is drawn over itself.
 *
 * @category Tuner
 */
export interface LiveTable {
  /** Draws the trials as they are now; for `onChange` of `runStudy`. */
  show(trials: readonly TrialRecord[], study: Study): void;
  /** Takes the table away. */
  clear(): void;
}

/**
 * Shows a search while it runs: on a terminal a table that is drawn over itself, with the time left; elsewhere a line for every trial
 * that ends.
 *
 * @param out - `process.stdout`.
 * @param options - `trials` in all, for the time left.
 * @example
 * ```typescript
 * import { liveTable, runStudy } from 'tfjs-multitask/node';
 *
 * const table = liveTable(process.stdout, { trials: 20 });
 * await runStudy('my-study.js', { folder: 'out/study', trials: 20, onChange: table.show });
 * table.end();
 * ```
 * @category Tuner
 */
export function liveTable(out: WriteStream, { trials: most }: { readonly trials?: number } = {}): LiveTable {
  let drawn = 0;
  const ended = new Set<number>();
  const clear = () => {
    if (drawn > 0) out.write(`\u001b[${drawn}F\u001b[J`);
    drawn = 0;
  };
  return {
    show: (trials: readonly TrialRecord[], study: Study) => {
      const sorted = sortByNumber(trials); // as the table is
      if (out.isTTY) {
        const lines = resultsTable(study, trials, out.columns).split('\n');
        const rows = lines.slice(1);
        // What is taller than the terminal could not be drawn over.
        const last = Math.max(1, Math.min(MAX_ROWS, out.rows - MAX_BEST_ROWS - 4));
        const marked = findBestTrialNumbers(trials, study.objectives);
        const best = rows
          .slice(0, -last)
          .filter((_, i) => marked.has(sorted[i]!.number))
          .slice(-MAX_BEST_ROWS);
        const text = [lines[0]!, ...best, ...rows.slice(-last), '', formatProgress(trials, most)];
        clear();
        out.write(`${text.join('\n')}\n`);
        drawn = text.length;
        return;
      }
      if (sorted.every(({ number, state }) => state === 'running' || ended.has(number))) return;
      const [, ...lines] = resultsTable(study, trials, 10_000).split('\n');
      for (const [i, { number, state }] of sorted.entries()) {
        if (state === 'running' || ended.has(number)) continue;
        ended.add(number);
        out.write(`${lines[i]!.trim()}\n`);
      }
    },
    clear: clear,
  };
}

/** How much is done, and how long the rest takes if it takes as long, with as many at a time as now. */
function formatProgress(trials: readonly TrialRecord[], most: number | undefined): string {
  const over = trials.filter(({ state }) => state !== 'running');
  const seconds = over.map(({ rows }) => rows.reduce((sum, { seconds: own = 0 }) => sum + own, 0));
  const words = `${over.length}${most === undefined ? '' : ` of ${most}`} trials ended`;
  if (most === undefined || seconds.every((own) => own === 0)) return words;
  const mean = seconds.reduce((sum, own) => sum + own, 0) / over.length;
  const rest = Math.round(
    (mean * Math.max(0, most - over.length)) / Math.max(1, trials.length - over.length),
  );
  return `${words}, about ${rest < 120 ? `${rest} s` : `${Math.round(rest / 60)} min`} left`;
}
