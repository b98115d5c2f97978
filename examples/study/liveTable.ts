import type { WriteStream } from 'node:tty';
import { bestTrial, paretoFront, resultsTable, type Study, type TrialRecord } from 'tfjs-multitask/tuner';

/** Lines of the table that are shown while it runs. */
const LINES = 20;

/**
 * Shows a search while it runs: on a terminal a table that is drawn over itself, with the time left; elsewhere a line for every trial
 * that ends.
 */
export function liveTable(
  out: WriteStream,
  { trials: most, parallel }: { readonly trials: number; readonly parallel: number },
) {
  let drawn = 0;
  const ended = new Map<number, string>();
  const clear = () => {
    if (drawn > 0) out.write(`\u001b[${drawn}F\u001b[J`);
    drawn = 0;
  };
  return {
    show: (trials: readonly TrialRecord[], study: Study) => {
      const sorted = [...trials].sort((a, b) => a.number - b.number); // as the table is
      if (out.isTTY) {
        const lines = resultsTable(study, trials, out.columns).split('\n');
        const rows = lines.slice(1);
        const marked = new Set(bestOf(trials, study).map(({ number }) => number));
        const best = rows
          .slice(0, -LINES)
          .filter((_, i) => marked.has(sorted[i]!.number))
          .slice(-LINES);
        const text = [lines[0]!, ...best, ...rows.slice(-LINES), '', left(trials, most, parallel)];
        clear();
        out.write(`${text.join('\n')}\n`);
        drawn = text.length;
        return;
      }
      for (const { number, state } of trials) {
        if (state === 'running' || ended.get(number) === state) continue;
        ended.set(number, state);
        const line = resultsTable(study, trials, 10_000).split('\n')[
          sorted.findIndex((one) => one.number === number) + 1
        ]!;
        out.write(`${line.trim()}\n`);
      }
    },
    end: clear,
  };
}

/** The best trial; with several objectives those of the front. */
function bestOf(trials: readonly TrialRecord[], { objectives }: Study): readonly TrialRecord[] {
  if (Array.isArray(objectives) && objectives.length > 1) return paretoFront(trials, objectives);
  const best = bestTrial(trials, objectives);
  return best ? [best] : [];
}

/** How much is done, and how long the rest takes if it takes as long. */
function left(trials: readonly TrialRecord[], most: number, parallel: number): string {
  const over = trials.filter(({ state }) => state !== 'running');
  const seconds = over.map(({ rows }) => rows.reduce((sum, { seconds: own = 0 }) => sum + own, 0));
  const words = `${over.length} of ${most} trials ended`;
  if (seconds.every((own) => own === 0)) return words;
  const mean = seconds.reduce((sum, own) => sum + own, 0) / over.length;
  const rest = Math.round((mean * Math.max(0, most - over.length)) / parallel);
  return `${words}, about ${rest < 120 ? `${rest} s` : `${Math.round(rest / 60)} min`} left`;
}
