import * as checks from '../core/errors/checks.js';
import { createDataError, createError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import type { HistoryRow } from '../core/records/history.js';
import { checkSearch, SEARCH_OPTION_NAMES, type SearchDefinition } from './checkSearch.js';
import { bestTrial, paretoFront } from './results/bestTrials.js';
import { checkRow } from './results/checkRow.js';
import { explainMissingObjectives } from './results/objectives.js';
import { hasEnded, isTrialRecord, sortByNumber, type TrialRecord } from './results/trialRecord.js';
import { flattenParams } from './space/flatParams.js';
import type { ParameterMap, ParamsOf, Space } from './space/space.js';
import { proposeTrial } from './strategies/proposeTrial.js';

/**
 * Options of {@link askAndTell}.
 *
 * @category Tuner
 */
export interface SearchOptions<V = unknown> extends SearchDefinition<V> {
  /** Records of an earlier search to continue. A trial in the state `running` counts as still running. Default: none. */
  readonly trials?: readonly TrialRecord<V>[];
}

/**
 * A search that suggests params and receives their results.
 *
 * @typeParam V - Type of the params of the search space.
 * @category Tuner
 */
export interface Search<V> {
  /** All trials so far, sorted by number. */
  readonly trials: readonly TrialRecord<V>[];
  /**
   * Returns the next trial, in the state `running`, or undefined when all params have been tried or the
   * strategy's plan is complete.
   *
   * @throws An `argument` error if the strategy needs the result of a running trial first.
   */
  ask(): TrialRecord<V> | undefined;
  /**
   * Adds an epoch to a running trial.
   *
   * @param row - Columns of the epoch. They must include the columns of all objectives.
   * @returns The pruner's reason to stop the trial now, or undefined to continue. Pass the reason to `prune`.
   * @throws An `argument` error if the trial is not running, or the row lacks an objective.
   */
  report(number: number, row: { readonly [column: string]: number }): string | undefined;
  /**
   * Ends a running trial as `complete`, or as `failed` if an objective was NaN in all epochs.
   *
   * @param row - Columns of one last epoch, which is added first. Default: no further epoch.
   * @throws An `argument` error if the trial is not running, the row lacks an objective, or the trial has no epoch.
   */
  tell(number: number, row?: { readonly [column: string]: number }): void;
  /**
   * Ends a running trial as `pruned`, or as `failed` if an objective was NaN in all epochs.
   *
   * @throws An `argument` error if the trial is not running.
   */
  prune(number: number, reason?: string): void;
  /**
   * Ends a running trial as `failed`.
   *
   * @throws An `argument` error if the trial is not running.
   */
  fail(number: number, reason: string): void;
  /** Returns the complete trial with the best value of the first objective, or undefined if no trial is complete. */
  bestTrial(): TrialRecord<V> | undefined;
  /** Returns the complete trials that no other trial dominates. */
  paretoFront(): readonly TrialRecord<V>[];
}

/**
 * Creates a search for code that runs its own trials: `ask` for params, evaluate them, and `tell` the result. The search itself
 * runs no trials and writes no files. Its trial records are plain data. To continue a search later, pass them as `trials`.
 *
 * @throws An `argument` error if an option has the wrong type or an unknown name, or two objectives use one column. A `data`
 *   error if `initialParams` or `trials` do not belong to the search space, or a trial number is repeated.
 * @example
 * ```ts
 * import { askAndTell, choice, float, minimize, space, tpe } from 'tfjs-multitask/tuner';
 *
 * const searched = space({ rate: float({ min: 1e-4, max: 1, scale: 'log' }), size: choice([8, 16, 32]) });
 * const search = askAndTell(searched, { strategy: tpe(), objectives: minimize('loss'), seed: 1 });
 * for (let i = 0; i < 30; i++) {
 *   const { number, params } = search.ask()!;
 *   search.tell(number, { loss: Math.abs(Math.log10(params.rate) + 2) + (params.size === 16 ? 0 : 1) });
 * }
 * console.log(search.bestTrial()?.params.size); // 16
 * ```
 * @category Tuner
 */
export function askAndTell<P extends ParameterMap>(
  searchSpace: Space<P>,
  options: SearchOptions<ParamsOf<Space<P>>>,
): Search<ParamsOf<Space<P>>> {
  type V = ParamsOf<Space<P>>;
  checks.options(
    'askAndTell',
    options,
    { ...SEARCH_OPTION_NAMES, trials: true },
    {
      advice: "Write askAndTell(space({ ... }), { strategy: tpe(), objectives: minimize('val_loss') }).",
      replacements: { space: 'Pass the space as the first argument: askAndTell(space({ ... }), { ... }).' },
    },
  );
  checkSearch('askAndTell', searchSpace, options);
  const { strategy, objectives, seed = 0, pruner, trials = [] } = options;
  // The copy protects the search from later changes of the caller's list.
  const initialParams = structuredClone(options.initialParams ?? []);
  checkTrialRecords(searchSpace, trials);
  const records = new Map(sortByNumber(trials).map((trial) => [trial.number, trial]));
  const getRunningTrial = (number: number): TrialRecord<V> => {
    const trial = records.get(number);
    if (trial && !hasEnded(trial)) return trial;
    throw createError({
      kind: 'argument',
      path: `trial ${formatValue(number)}`,
      expected: 'a running trial',
      received: trial ? `a trial that is already ${trial.state}` : 'no trial with that number',
      advice: 'Call tell(), prune() or fail() once per trial, with the number that ask() returned.',
    });
  };
  const saveTrial = (trial: TrialRecord<V>) => void records.set(trial.number, trial);
  /** Ends a trial. As in a study, the trial fails if an objective never had a numeric value. */
  const endTrial = (trial: TrialRecord<V>) => {
    const reason = trial.rows.length > 0 ? explainMissingObjectives(trial.rows, objectives) : undefined;
    saveTrial(reason === undefined ? trial : { ...trial, state: 'failed', reason });
  };
  const appendReportedRow = (number: number, row: { readonly [column: string]: number }): TrialRecord<V> => {
    const trial = getRunningTrial(number);
    checkRow(row, objectives, `trial ${number}`);
    const next: HistoryRow = { ...row, epoch: row.epoch ?? trial.rows.length + 1 };
    return { ...trial, rows: [...trial.rows, next] };
  };
  return {
    get trials() {
      return [...records.values()];
    },
    ask: () => {
      const number = Math.max(0, ...records.keys()) + 1;
      const proposal = proposeTrial(searchSpace, { strategy, objectives, seed, initialParams }, number, [
        ...records.values(),
      ]);
      if (proposal === undefined || proposal !== 'wait') {
        if (proposal) saveTrial(proposal);
        return proposal;
      }
      throw createError({
        kind: 'argument',
        path: 'ask',
        expected: 'the result of a running trial',
        received: `only trials that are still running (${[...records.values()].filter((trial) => !hasEnded(trial)).length})`,
        advice: `Call tell(), prune() or fail() first: ${strategy.name} needs a result before it can suggest another trial.`,
      });
    },
    report: (number, row) => {
      const trial = appendReportedRow(number, row);
      saveTrial(trial);
      return pruner?.prune(trial, [...records.values()], objectives);
    },
    tell: (number, row) => {
      const trial = row !== undefined ? appendReportedRow(number, row) : getRunningTrial(number);
      if (trial.rows.length === 0) checkRow({}, objectives, `trial ${number}`);
      endTrial({ ...trial, state: 'complete' });
    },
    prune: (number, reason) =>
      endTrial({ ...getRunningTrial(number), state: 'pruned', ...(reason !== undefined && { reason }) }),
    fail: (number, reason) => saveTrial({ ...getRunningTrial(number), state: 'failed', reason }),
    bestTrial: () => bestTrial([...records.values()], objectives),
    paretoFront: () => paretoFront([...records.values()], objectives),
  };
}

/**
 * Checks trial records that may come from a file.
 *
 * @throws A `data` error if the records are invalid, belong to another space, or repeat a number.
 */
function checkTrialRecords(searchSpace: Space<ParameterMap>, trials: readonly unknown[]): void {
  const advice = 'Pass the unchanged `trials` of an earlier search.';
  if (!Array.isArray(trials))
    throw createDataError('trials', 'an array of trial records', formatValue(trials), advice);
  const numbers = new Set<number>();
  for (const [i, trial] of trials.entries()) {
    if (!isTrialRecord(trial)) {
      const expected = 'a trial record with number, params, state, rows and after';
      throw createDataError(`trials[${i}]`, expected, formatValue(trial), advice);
    }
    if (numbers.has(trial.number))
      throw createDataError(`trials[${i}].number`, 'unique trial numbers', `${trial.number} twice`, advice);
    numbers.add(trial.number);
    flattenParams(searchSpace, trial.params, `trial ${trial.number}`);
  }
}
