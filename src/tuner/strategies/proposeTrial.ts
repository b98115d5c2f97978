import type { Objectives } from '../results/objectives.js';
import { hasEnded, sortByNumber, type TrialRecord } from '../results/trialRecord.js';
import { flattenParams, nestParams, toParamsKey } from '../space/flatParams.js';
import type { FlatParams, ParameterMap, ParamsOf, Space } from '../space/space.js';
import { collectTriedKeys, type Proposal, type Strategy } from './strategy.js';

/** Options of a search that determine which params are tried next. */
export interface NextTrialOptions {
  readonly strategy: Strategy;
  readonly objectives: Objectives;
  /** Seed for the strategy's random draws. Default: 0. */
  readonly seed?: number;
  /** Params to try before the strategy proposes params. Default: none. */
  readonly initialParams?: readonly unknown[];
}

/**
 * Proposes the next trial as a record in the state `running`. The proposal depends only on the space, the strategy, the seed, the
 * initial params, the trial number, and the earlier records. From the records of running trials, only the params are used.
 *
 * @returns The record, `wait` if the strategy needs the result of a running trial first, or undefined if there are no more params
 *   to try.
 */
export function proposeTrial<P extends ParameterMap>(
  searchSpace: Space<P>,
  { strategy, objectives, seed = 0, initialParams = [] }: NextTrialOptions,
  number: number,
  trials: readonly TrialRecord[],
): TrialRecord<ParamsOf<Space<P>>> | 'wait' | undefined {
  const nextInitialParams = findNextInitialParams(searchSpace, initialParams, trials);
  const visibleTrials = trials.map((trial) => (hasEnded(trial) ? trial : { ...trial, rows: [] }));
  const proposal: Proposal =
    nextInitialParams && strategy.newTrialCount === undefined
      ? { flatParams: nextInitialParams }
      : strategy.propose({ space: searchSpace, objectives, seed, number, trials: visibleTrials });
  if (proposal === 'wait') return 'wait';
  if (proposal === 'exhausted') return undefined;
  const { flatParams, rung } = proposal;
  // A promoted trial continues with the params of its parent, so it does not use initial params.
  const usedInitialParams = rung?.parent === undefined ? nextInitialParams : undefined;
  return {
    number,
    params: nestParams(searchSpace, usedInitialParams ?? flatParams),
    state: 'running',
    rows: [],
    after: sortByNumber(trials)
      .filter(hasEnded)
      .map((trial) => trial.number),
    ...(rung && { rung }),
    ...(usedInitialParams && { isInitial: true }),
  };
}

/** Finds the next initial params that no trial has used. Returns undefined if all of them have been used. */
function findNextInitialParams(
  searchSpace: Space<ParameterMap>,
  initialParams: readonly unknown[],
  trials: readonly TrialRecord[],
): FlatParams | undefined {
  if (initialParams.length === 0) return undefined;
  const tried = collectTriedKeys(searchSpace, trials);
  return initialParams
    .map((params, i) => flattenParams(searchSpace, params, `initialParams[${i}]`))
    .find((flatParams) => !tried.has(toParamsKey(flatParams)));
}

/**
 * Returns the trial records that the strategy received when it proposed trial `number`. With these records, the strategy makes the
 * same proposal again.
 */
export function getKnownTrials(
  number: number,
  after: readonly number[],
  trials: readonly TrialRecord[],
): TrialRecord[] {
  return sortByNumber(trials)
    .filter((trial) => trial.number < number)
    .map((trial) => (after.includes(trial.number) ? trial : { ...trial, state: 'running', rows: [] }));
}
