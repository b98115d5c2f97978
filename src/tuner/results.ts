import type { Json } from '../core/json.js';
import { bestRow, objectivesOf } from './objectives.js';
import { bestTrial, inOrder, isOver, type TrialRecord } from './records.js';
import { flattened } from './settings.js';
import type { Dimension } from './space.js';
import type { Study } from './study.js';

/** What a trial was and came to, as cells for a table; absent ones are empty. */
function cellsOf(trial: TrialRecord, { space, objectives }: Pick<Study, 'space' | 'objectives'>) {
  const flat = flattened(space, trial.values, `trial ${trial.number}`);
  const row = bestRow(trial.rows, objectives);
  return {
    values: space.dimensions.map(({ path }: Dimension) => flat.get(path)),
    epoch: row?.epoch,
    results: objectivesOf(objectives).map(({ metric }) => row?.[metric]),
  };
}

/**
 * The trials as CSV: number, state, epochs, the values, the best epoch by the first objective, the objectives there, and the reason where
 * one was pruned or failed.
 *
 * @example
 * ```ts
 * import { float, minimize, random, resultsCsv, space, study } from 'tfjs-multitask/tuner';
 *
 * const parabola = study({
 *   space: space({ x: float({ min: -1, max: 1 }) }),
 *   objectives: minimize('y'),
 *   strategy: random(),
 *   run: ({ values, report }) => report({ y: values.x ** 2 }),
 * });
 * const trial = { number: 1, values: { x: 0.5 }, state: 'complete', after: [], rows: [{ epoch: 1, y: 0.25 }] } as const;
 * console.log(resultsCsv(parabola, [trial]));
 * // trial,state,epochs,x,best_epoch,y,reason
 * // 1,complete,1,0.5,1,0.25,
 * ```
 * @category Tuner
 */
export function resultsCsv(
  study: Pick<Study, 'space' | 'objectives'>,
  trials: readonly TrialRecord[],
): string {
  const metrics = objectivesOf(study.objectives).map(({ metric }) => metric);
  const paths = study.space.dimensions.map(({ path }: Dimension) => path);
  const head = ['trial', 'state', 'epochs', ...paths, 'best_epoch', ...metrics, 'reason'];
  const lines = inOrder(trials).map((trial) => {
    const { values, epoch, results } = cellsOf(trial, study);
    return [trial.number, trial.state, trial.rows.length, ...values, epoch, ...results, trial.reason];
  });
  return `${[head, ...lines].map((line) => line.map(csvCell).join(',')).join('\n')}\n`;
}

/** A cell that reads back as it is; one that a spreadsheet would run as a formula begins with an apostrophe. */
function csvCell(value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * The trials as a table for a terminal: number, epochs, objectives at the best epoch, values; the best is marked by a star.
 *
 * @param width - Columns of the terminal; longer lines are cut. Default 120.
 * @example
 * ```ts
 * import { float, minimize, random, resultsTable, space, study } from 'tfjs-multitask/tuner';
 *
 * const parabola = study({
 *   space: space({ x: float({ min: -1, max: 1 }) }),
 *   objectives: minimize('y'),
 *   strategy: random(),
 *   run: ({ values, report }) => report({ y: values.x ** 2 }),
 * });
 * const trial = { number: 1, values: { x: 0.5 }, state: 'complete', after: [], rows: [{ epoch: 1, y: 0.25 }] } as const;
 * console.log(resultsTable(parabola, [trial]));
 * // trial  epochs     y    x
 * //     1       1  0.25  0.5  * best
 * ```
 * @category Tuner
 */
export function resultsTable(
  study: Pick<Study, 'space' | 'objectives'>,
  trials: readonly TrialRecord[],
  width = 120,
): string {
  const metrics = objectivesOf(study.objectives).map(({ metric }) => metric);
  const best = bestTrial(trials, study.objectives)?.number;
  const paths = study.space.dimensions.map(({ path }: Dimension) => path);
  const head = ['trial', 'epochs', ...metrics, ...paths, ''];
  const lines = inOrder(trials).map((trial) => {
    const { values, results } = cellsOf(trial, study);
    const word = trial.number === best ? '* best' : trial.state === 'complete' ? '' : trial.state;
    const why = trial.reason === undefined ? '' : `: ${trial.reason.split('\n')[0]}`;
    const epochs = isOver(trial) || trial.rows.length > 0 ? trial.rows.length : undefined;
    return [trial.number, epochs, ...results, ...values, word + why].map(shown);
  });
  const widths = head.map((text, i) => Math.max(text.length, ...lines.map((line) => line[i]!.length)));
  return [head, ...lines]
    .map((line) =>
      line
        .map((cell, i) => (i === line.length - 1 ? cell : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line))
    .join('\n');
}

const shown = (value: Json | undefined): string =>
  value === undefined || value === null
    ? ''
    : typeof value === 'number'
      ? Number.isInteger(value)
        ? String(value)
        : String(Number(value.toPrecision(4)))
      : String(value);
