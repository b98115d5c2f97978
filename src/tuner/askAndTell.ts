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
 * Options for {@link askAndTell}.
 *
 * @category Tuner
 */
export interface SearchOptions<V = unknown> extends SearchDefinition<V> {
  /**
   * Trial records of an earlier search that this search continues. Call `tell`, `prune` or `fail` to end the trials in the state
   * `running`. Default: none.
   */
  readonly trials?: readonly TrialRecord<V>[];
}

/**
 * A hyperparameter search that suggests params (`ask`) and receives their results (`tell`).
 *
 * @typeParam V - Type of the params of the search space.
 * @category Tuner
 */
export interface Search<V> {
  /** All trials so far, sorted by number. */
  readonly trials: readonly TrialRecord<V>[];
  /**
   * Starts the next trial and returns it in the state `running`. Returns undefined if all params have been tried or the strategy's
   * plan is complete.
   *
   * @throws An `argument` error if the strategy needs the result of a running trial first.
   */
  ask(): TrialRecord<V> | undefined;
  /**
   * Adds the metrics of one epoch to a running trial.
   *
   * @param row - Metrics of the epoch, keyed by history column. They must include all objectives.
   * @returns The pruner's reason to stop the trial now, or undefined to continue. Pass the reason to `prune`.
   * @throws An `argument` error if the trial is not running, or the row lacks an objective.
   */
  report(number: number, row: { readonly [column: string]: number }): string | undefined;
  /**
   * Ends a running trial as `complete`, or as `failed` if an objective was NaN in all epochs.
   *
   * @param row - Metrics of a last epoch, which is added before the trial ends. Omit it if `report` has already received all
   *   epochs.
   * @throws An `argument` error if the trial is not running, the row lacks an objective, or the trial has no epochs.
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
  /** Returns the trials on the Pareto front: the complete trials that no other complete trial dominates. */
  paretoFront(): readonly TrialRecord<V>[];
}

/**
 * Creates a hyperparameter search for a program that runs the trials itself: call `ask` for params, evaluate them, and pass the
 * result to `tell`. The search runs no trials and writes no files. Its trial records are plain data: save them, and pass them as
 * `trials` to continue the search later.
 *
 * @throws An `argument` error if an option has the wrong type or an unknown name, or two objectives use one column. A `data` error
 *   if `initialParams` or `trials` do not belong to the search space, or a trial number is repeated.
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
  // The copy protects the search from later changes to the caller's array.
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
  /** Records the final state of a trial. As in a study, the trial fails if an objective was NaN in all epochs. */
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
      const runningCount = [...records.values()].filter((trial) => !hasEnded(trial)).length;
      throw createError({
        kind: 'argument',
        path: 'ask',
        expected: 'a result for at least one of the running trials',
        received: `${runningCount} running ${runningCount === 1 ? 'trial' : 'trials'} without a result`,
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
 * @throws A `data` error if a record is invalid, its params do not belong to the search space, or two records have the same trial
 *   number.
 */
function checkTrialRecords(searchSpace: Space<ParameterMap>, trials: readonly unknown[]): void {
  const advice = 'Pass the unchanged `trials` array of an earlier search.';
  if (!Array.isArray(trials))
    throw createDataError('trials', 'an array of trial records', formatValue(trials), advice);
  const numbers = new Set<number>();
  for (const [i, trial] of trials.entries()) {
    if (!isTrialRecord(trial)) {
      const expected = 'a trial record with the properties number, params, state, rows and after';
      throw createDataError(`trials[${i}]`, expected, formatValue(trial), advice);
    }
    if (numbers.has(trial.number))
      throw createDataError(
        `trials[${i}].number`,
        'a unique trial number',
        `${trial.number}, the number of another trial`,
        advice,
      );
    numbers.add(trial.number);
    flattenParams(searchSpace, trial.params, `trial ${trial.number}`);
  }
}
