import { createDataError, createError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import type { HistoryRow } from '../core/records/history.js';
import { checkSearch } from './checkSearch.js';
import type { Pruner } from './pruners/pruner.js';
import { bestTrial, paretoFront } from './results/bestTrials.js';
import { checkRow } from './results/checkRow.js';
import { explainMissingObjectives, type Objectives } from './results/objectives.js';
import { hasEnded, isTrialRecord, sortByNumber, type TrialRecord } from './results/trialRecord.js';
import { flattenParams } from './space/flatParams.js';
import type { ParameterMap, ParamsOf, Space } from './space/space.js';
import { proposeTrial } from './strategies/proposeTrial.js';
import type { Strategy } from './strategies/strategy.js';

/**
 * Options of {@link askAndTell}.
 *
 * @category Tuner
 */
export interface SearchOptions<V = unknown> {
  /** How settings are chosen. */
  readonly strategy: Strategy;
  /** What is searched for. */
  readonly objectives: Objectives;
  /** Names the random numbers. Default 0. */
  readonly seed?: number;
  /**
   * Settings to try before the strategy proposes any, in this order: known good ones. One that a trial of `trials` had is not tried again.
   * Of a strategy with a plan they take the first places. Default none.
   */
  readonly initialParams?: readonly V[];
  /** Ends trials without promise. Default: none is ended. */
  readonly pruner?: Pruner;
  /** Trials of an earlier part of the search. Those that run are taken to run still. Default none. */
  readonly trials?: readonly TrialRecord<V>[];
}

/**
 * A search that is asked for settings and told what came of them.
 *
 * @typeParam V - The values of its space.
 * @category Tuner
 */
export interface Search<V> {
  /** All trials so far, by number. */
  readonly trials: readonly TrialRecord<V>[];
  /**
   * The next trial, which runs from now on; undefined when every setting was tried, or the plan is at its end.
   *
   * @throws `argument` fault where a strategy must know more first: tell it of a trial that runs.
   */
  ask(): TrialRecord<V> | undefined;
  /**
   * Adds an epoch to a trial that runs: its columns, those of the objectives among them.
   *
   * @returns Why the trial should end now, when a pruner says so: call `prune` then.
   * @throws `argument` fault for a trial that does not run, or a row without an objective.
   */
  report(number: number, row: { readonly [column: string]: number }): string | undefined;
  /**
   * Ends a trial as complete, with a last epoch if `row` is given; as failed where an objective was NaN in all epochs, as a study
   * does. Throws as `report`; also when nothing was ever reported.
   */
  tell(number: number, row?: { readonly [column: string]: number }): void;
  /** Ends a trial as pruned; as failed where an objective was NaN in all epochs. Throws as `report`. */
  prune(number: number, reason?: string): void;
  /** Ends a trial as failed. Throws as `report`. */
  fail(number: number, reason: string): void;
  /** The best complete trial by the first objective; undefined while there is none. */
  bestTrial(): TrialRecord<V> | undefined;
  /** The complete trials that no other beats in everything. */
  paretoFront(): readonly TrialRecord<V>[];
}

const OPTION_NAMES = ['space', 'strategy', 'objectives', 'seed', 'initialParams', 'pruner', 'trials'];

/**
 * A search over any function: ask for a setting, try it, tell what came of it. Nothing runs by itself and nothing is written; the
 * records are plain data, from which the search goes on.
 *
 * @throws `argument` fault for parts that are something else, unknown names, and two objectives of one column; `data` fault for settings in `first` that the space does not have, and for `trials` that are no records, have a number twice, or are of another space.
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
  searched: Space<P>,
  options: SearchOptions<ParamsOf<Space<P>>>,
): Search<ParamsOf<Space<P>>> {
  type V = ParamsOf<Space<P>>;
  checkSearch('askAndTell', { ...options, space: searched }, OPTION_NAMES);
  const { strategy, objectives, seed = 0, pruner, trials = [] } = options;
  const initialParams = structuredClone(options.initialParams ?? []); // what becomes of the caller's list later is not heard
  checkTrialRecords(searched, trials);
  const records = new Map(sortByNumber(trials).map((trial) => [trial.number, trial]));
  const running = (number: number): TrialRecord<V> => {
    const trial = records.get(number);
    if (trial && !hasEnded(trial)) return trial;
    throw createError({
      kind: 'argument',
      path: `trial ${formatValue(number)}`,
      expected: 'a running trial',
      received: trial ? `a trial that is already ${trial.state}` : 'no trial of that number',
      advice: 'Call tell(), prune() or fail() once per trial, with the number that ask() returned.',
    });
  };
  const set = (trial: TrialRecord<V>) => void records.set(trial.number, trial);
  /** A trial without a number to judge it by has failed, whoever ends it: as in a study. */
  const end = (trial: TrialRecord<V>) => {
    const reason = trial.rows.length > 0 ? explainMissingObjectives(trial.rows, objectives) : undefined;
    set(reason === undefined ? trial : { ...trial, state: 'failed', reason });
  };
  const reported = (number: number, row: { readonly [column: string]: number }): TrialRecord<V> => {
    const trial = running(number);
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
      const proposal = proposeTrial(searched, { strategy, objectives, seed, initialParams }, number, [
        ...records.values(),
      ]);
      if (proposal === undefined || proposal !== 'wait') {
        if (proposal) set(proposal);
        return proposal;
      }
      throw createError({
        kind: 'argument',
        path: 'ask',
        expected: 'the result of a running trial',
        received: `${[...records.values()].filter((trial) => !hasEnded(trial)).length} running trials without results`,
        advice: `Call tell(), prune() or fail() first: ${strategy.name} needs a result before it can suggest another trial.`,
      });
    },
    report: (number, row) => {
      const trial = reported(number, row);
      set(trial);
      return pruner?.prune(trial, [...records.values()], objectives);
    },
    tell: (number, row) => {
      const trial = row !== undefined ? reported(number, row) : running(number);
      if (trial.rows.length === 0) checkRow({}, objectives, `trial ${number}`);
      end({ ...trial, state: 'complete' });
    },
    prune: (number, reason) =>
      end({ ...running(number), state: 'pruned', ...(reason !== undefined && { reason }) }),
    fail: (number, reason) => set({ ...running(number), state: 'failed', reason }),
    bestTrial: () => bestTrial([...records.values()], objectives),
    paretoFront: () => paretoFront([...records.values()], objectives),
  };
}

/** Throws a `data` fault for trials, which may come from a file, that this search could not have had. */
function checkTrialRecords(searched: Space<ParameterMap>, trials: readonly unknown[]): void {
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
    flattenParams(searched, trial.params, `trial ${trial.number}`);
  }
}
