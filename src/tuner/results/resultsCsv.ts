import * as checks from '../../core/errors/checks.js';
import type { Json } from '../../core/json.js';
import { shortenPaths } from '../../core/shortenPaths.js';
import type { Dimension } from '../space/space.js';
import { findBestTrialNumbers } from './bestTrials.js';
import { checkResultsArguments } from './checkResults.js';
import { toObjectiveList } from './objectives.js';
import type { SearchTarget } from './searchTarget.js';
import { createCells } from './trialCells.js';
import { sortByNumber, type TrialRecord } from './trialRecord.js';

/**
 * Formats trials as CSV, with one line per trial, sorted by number. The columns are:
 *
 * - `trial`, `state`: number and state of the trial
 * - `front`: whether the trial is on the Pareto front (only with several objectives)
 * - `epochs`: number of epochs
 * - one column for each parameter, named after its path, for example `optimizer.sgd.momentum`
 * - `best_epoch`: the best epoch according to the first objective
 * - the objectives at that epoch
 * - `reason`: why the trial was pruned or failed
 *
 * @example
 * ```ts
 * import { float, minimize, random, resultsCsv, space, study } from 'tfjs-multitask/tuner';
 *
 * const parabola = study({
 *   space: space({ x: float({ min: -1, max: 1 }) }),
 *   objectives: minimize('y'),
 *   strategy: random(),
 *   run: ({ params, report }) => report({ y: params.x ** 2 }),
 * });
 * const trial = { number: 1, params: { x: 0.5 }, state: 'complete', after: [], rows: [{ epoch: 1, y: 0.25 }] } as const;
 * console.log(resultsCsv(parabola, [trial]));
 * // trial,state,epochs,x,best_epoch,y,reason
 * // 1,complete,1,0.5,1,0.25,
 * ```
 * @category Tuner
 */
export function resultsCsv(study: SearchTarget, trials: readonly TrialRecord[]): string {
  checks.noOptions('resultsCsv', arguments[2]);
  checkResultsArguments('resultsCsv', study, trials);
  const metrics = toObjectiveList(study.objectives).map(({ metric }) => metric);
  const paths = study.space.dimensions.map(({ path }: Dimension) => path);
  const front = metrics.length > 1 ? findBestTrialNumbers(trials, study.objectives) : undefined;
  const head = [
    'trial',
    'state',
    ...(front ? ['front'] : []),
    'epochs',
    ...paths,
    'best_epoch',
    ...metrics,
    'reason',
  ];
  const lines = sortByNumber(trials).map((trial) => {
    const { params, epoch, results } = createCells(trial, study);
    const frontCells = front ? [front.has(trial.number)] : [];
    return [
      trial.number,
      trial.state,
      ...frontCells,
      trial.rows.length,
      ...params,
      epoch,
      ...results,
      trial.reason === undefined ? undefined : shortenPaths(trial.reason),
    ];
  });
  return `${[head, ...lines].map((line) => line.map(formatCsvCell).join(',')).join('\n')}\n`;
}

/** Formats a CSV cell. Text that a spreadsheet would interpret as a formula is prefixed with an apostrophe. */
function formatCsvCell(value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
