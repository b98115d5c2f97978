import * as checks from '../../core/errors/checks.js';
import { escapeText } from '../../core/errors/escapeText.js';
import type { Json } from '../../core/json.js';
import type { Dimension } from '../space/space.js';
import { findBestTrialNumbers } from './bestTrials.js';
import { checkResultsArguments } from './checkResults.js';
import { toObjectiveList } from './objectives.js';
import type { SearchTarget } from './searchTarget.js';
import { createCells } from './trialCells.js';
import { hasEnded, sortByNumber, type TrialRecord } from './trialRecord.js';

/** Index of the state column, which contains text and is left-aligned. */
const STATE_COLUMN = 1;
/** Number of characters of a long reason that are shown even in a narrow terminal. The params are truncated first. */
const MIN_REASON_WIDTH = 24;

/**
 * Formats trials as a table for a terminal, sorted by number. A row contains the trial's state, number of epochs,
 * objectives at the best epoch, params, and the reason why the trial was pruned or failed. `* best` marks the best trial. With
 * several objectives, `* front` marks the trials on the Pareto front.
 *
 * @param width - Width of the terminal in characters. If a line is longer, its params are truncated. Default: 120.
 * @example
 * ```ts
 * import { float, minimize, random, resultsTable, space, study } from 'tfjs-multitask/tuner';
 *
 * const parabola = study({
 *   space: space({ x: float({ min: -1, max: 1 }) }),
 *   objectives: minimize('y'),
 *   strategy: random(),
 *   run: ({ params, report }) => report({ y: params.x ** 2 }),
 * });
 * const trial = { number: 1, params: { x: 0.5 }, state: 'complete', after: [], rows: [{ epoch: 1, y: 0.25 }] } as const;
 * console.log(resultsTable(parabola, [trial]));
 * // trial  state   epochs     y    x
 * //     1  * best       1  0.25  0.5
 * ```
 * @category Tuner
 */
export function resultsTable(study: SearchTarget, trials: readonly TrialRecord[], width = 120): string {
  checks.noOptions('resultsTable', arguments[3]);
  checkResultsArguments('resultsTable', study, trials);
  checks.number('resultsTable.width', width, { min: 1, allowInfinity: true, defaultValue: 120 });
  const metrics = toObjectiveList(study.objectives).map(({ metric }) => metric);
  const best = findBestTrialNumbers(trials, study.objectives);
  const star = metrics.length > 1 ? '* front' : '* best';
  const paths = study.space.dimensions.map(({ path }: Dimension) => path);
  const head: TableLine = {
    leading: ['trial', 'state', 'epochs', ...metrics.map(escapeText)],
    params: paths,
    reason: '',
  };
  const lines = sortByNumber(trials).map((trial): TableLine => {
    const { params, results } = createCells(trial, study);
    const state = best.has(trial.number) ? star : trial.state === 'complete' ? '' : trial.state;
    const epochs = hasEnded(trial) || trial.rows.length > 0 ? trial.rows.length : undefined;
    return {
      leading: [trial.number, state, epochs, ...results].map(formatCell),
      params: params.map(formatCell),
      reason: escapeText(trial.reason?.split('\n')[0] ?? ''),
    };
  });
  const all = [head, ...lines];
  const alignCells = (part: 'leading' | 'params') => {
    const widths = head[part].map((_, i) => Math.max(...all.map((line) => line[part][i]!.length)));
    return all.map((line) =>
      line[part]
        .map((cell, i) =>
          part === 'leading' && i === STATE_COLUMN ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!),
        )
        .join('  '),
    );
  };
  const [leading, params] = [alignCells('leading'), alignCells('params')];
  return all
    .map(({ reason }, i) => {
      const leadingText = leading[i]!;
      if (reason === '') return truncate(`${leadingText}  ${params[i]}`.trimEnd(), width);
      const reasonWidth = Math.min(
        reason.length,
        Math.max(MIN_REASON_WIDTH, width - leadingText.length - params[i]!.length - 4),
      );
      const paramsWidth = width - leadingText.length - reasonWidth - 4;
      const paramsText = paramsWidth > 0 ? `${truncate(params[i]!, paramsWidth)}  ` : '';
      return truncate(`${leadingText}  ${paramsText}${truncate(reason, reasonWidth)}`, width);
    })
    .join('\n');
}

/** Cells of one line of the table. If the line is too long, the `params` cells are truncated first. */
interface TableLine {
  readonly leading: readonly string[];
  readonly params: readonly string[];
  readonly reason: string;
}

const truncate = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;

const formatCell = (value: Json | undefined): string =>
  value === undefined || value === null
    ? ''
    : typeof value === 'number'
      ? Number.isInteger(value)
        ? String(value)
        : String(Number(value.toPrecision(4)))
      : escapeText(String(value));
