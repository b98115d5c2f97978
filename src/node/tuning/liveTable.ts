import * as checks from '../../core/errors/checks.js';
import { findBestTrialNumbers } from '../../tuner/results/bestTrials.js';
import { resultsTable } from '../../tuner/results/resultsTable.js';
import { sortByNumber, type TrialRecord } from '../../tuner/results/trialRecord.js';
import type { Study } from '../../tuner/study.js';

/** Maximum number of recent trials that the table shows. */
const MAX_ROWS = 20;
/** Maximum number of best trials that the table shows above the recent trials. */
const MAX_BEST_ROWS = 4;

/** Default width in characters and height in lines of a terminal that does not report its size. */
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

/**
 * Output stream of a terminal or a file, for example `process.stdout`.
 *
 * @category Tuner
 */
export interface TerminalStream {
  /** Whether the stream is a terminal. */
  readonly isTTY?: boolean;
  /** Width of the terminal in characters. */
  readonly columns?: number;
  /** Height of the terminal in lines. */
  readonly rows?: number;
  /** Writes text to the stream. */
  write(text: string): unknown;
}

/**
 * A table of trials that is updated in place.
 *
 * @category Tuner
 */
export interface LiveTable {
  /** Draws the current state of the trials. Pass this method to `runStudy` as `onChange`. */
  show(trials: readonly TrialRecord[], study: Study): void;
  /** Removes the table from the terminal. */
  clear(): void;
}

/**
 * Creates a display for a running search. On a terminal, it updates a table in place and estimates the remaining time. If the
 * output is not a terminal, it prints a line for each trial that ends.
 *
 * @param out - Output stream, usually `process.stdout`.
 * @param options - `trials`: total number of trials, from which the remaining time is estimated.
 * @example
 * ```typescript
 * import { liveTable, runStudy } from 'tfjs-multitask/node';
 *
 * const table = liveTable(process.stdout, { trials: 20 });
 * await runStudy('my-study.js', { folder: 'out/study', trials: 20, onChange: table.show });
 * table.clear();
 * ```
 * @category Tuner
 */
export function liveTable(out: TerminalStream, options: { readonly trials?: number } = {}): LiveTable {
  checks.callable('liveTable.out.write', (out as TerminalStream | null)?.write, {
    noun: 'a terminal with a method write()',
    advice: 'Write liveTable(process.stdout, { trials: 20 }).',
  });
  checks.options('liveTable', options, { trials: true });
  const { trials: trialCount } = options;
  if (trialCount !== undefined)
    checks.number('liveTable.trials', trialCount, {
      min: 1,
      allowInfinity: true,
      advice: 'Omit it if the number is unknown.',
    });
  let drawnLines = 0;
  const ended = new Set<number>();
  const clear = () => {
    if (drawnLines > 0) out.write(`\u001b[${drawnLines}F\u001b[J`);
    drawnLines = 0;
  };
  return {
    show: (trials: readonly TrialRecord[], study: Study) => {
      const sorted = sortByNumber(trials); // The rows of the table are in this order.
      if (out.isTTY) {
        const lines = resultsTable(study, trials, out.columns ?? DEFAULT_COLUMNS).split('\n');
        const rows = lines.slice(1);
        // A table that is taller than the terminal cannot be updated in place.
        const lastCount = Math.max(1, Math.min(MAX_ROWS, (out.rows ?? DEFAULT_ROWS) - MAX_BEST_ROWS - 4));
        const bestNumbers = findBestTrialNumbers(trials, study.objectives);
        const best = rows
          .slice(0, -lastCount)
          .filter((_, i) => bestNumbers.has(sorted[i]!.number))
          .slice(-MAX_BEST_ROWS);
        const text = [lines[0]!, ...best, ...rows.slice(-lastCount), '', formatProgress(trials, trialCount)];
        clear();
        out.write(`${text.join('\n')}\n`);
        drawnLines = text.length;
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
    clear,
  };
}

/**
 * Formats the progress of a search. Estimates the remaining time from the mean duration of ended trials and the number of parallel trials.
 */
function formatProgress(trials: readonly TrialRecord[], trialCount: number | undefined): string {
  const ended = trials.filter(({ state }) => state !== 'running');
  const seconds = ended.map(({ rows }) =>
    rows.reduce((sum, { seconds: rowSeconds = 0 }) => sum + rowSeconds, 0),
  );
  const countText = `${ended.length}${trialCount === undefined ? '' : ` of ${trialCount}`} trials ended`;
  if (trialCount === undefined || seconds.every((trialSeconds) => trialSeconds === 0)) return countText;
  const mean = seconds.reduce((sum, trialSeconds) => sum + trialSeconds, 0) / ended.length;
  const remaining = Math.round(
    (mean * Math.max(0, trialCount - ended.length)) / Math.max(1, trials.length - ended.length),
  );
  return `${countText}, about ${remaining < 120 ? `${remaining} s` : `${Math.round(remaining / 60)} min`} left`;
}
