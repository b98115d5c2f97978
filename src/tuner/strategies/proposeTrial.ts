import type { Objectives } from '../results/objectives.js';
import { hasEnded, sortByNumber, type TrialRecord } from '../results/trialRecord.js';
import { flattenParams, nestParams, toParamsKey } from '../space/flatParams.js';
import type { FlatParams, ParameterMap, ParamsOf, Space } from '../space/space.js';
import { collectTriedKeys, type Proposal, type Strategy } from './strategy.js';

/** The options of a search that decide which params are tried next. */
export interface NextTrialOptions {
  readonly strategy: Strategy;
  readonly objectives: Objectives;
  /** Seed for the strategy's random draws. Default 0. */
  readonly seed?: number;
  /** Params to try before the strategy proposes any. Default: none. */
  readonly initialParams?: readonly unknown[];
}

/**
 * The record of the next trial, running: a function of the space, the strategy, the seed, what is tried first, the number, and the
 * records before it, of which those that run count by their values alone.
 */
export function proposeTrial<P extends ParameterMap>(
  searched: Space<P>,
  { strategy, objectives, seed = 0, initialParams = [] }: NextTrialOptions,
  number: number,
  trials: readonly TrialRecord[],
): TrialRecord<ParamsOf<Space<P>>> | 'wait' | undefined {
  const next = findNextInitialParams(searched, initialParams, trials);
  const known = trials.map((trial) => (hasEnded(trial) ? trial : { ...trial, rows: [] }));
  const proposal: Proposal =
    next && strategy.newTrialCount === undefined
      ? { flatParams: next }
      : strategy.propose({ space: searched, objectives, seed, number, trials: known });
  if (proposal === 'wait') return 'wait';
  if (proposal === 'exhausted') return undefined;
  const { flatParams, rung } = proposal;
  const given = rung?.parent === undefined ? next : undefined; // what a plan carries on is not new
  return {
    number,
    params: nestParams(searched, given ?? flatParams),
    state: 'running',
    rows: [],
    after: sortByNumber(trials)
      .filter(hasEnded)
      .map((trial) => trial.number),
    ...(rung && { rung }),
    ...(given && { isInitial: true }),
  };
}

/** The next of the settings to try first; undefined where trials had them all. */
function findNextInitialParams(
  searched: Space<ParameterMap>,
  initialParams: readonly unknown[],
  trials: readonly TrialRecord[],
): FlatParams | undefined {
  if (initialParams.length === 0) return undefined;
  const tried = collectTriedKeys(searched, trials);
  return initialParams
    .map((params, i) => flattenParams(searched, params, `initialParams[${i}]`))
    .find((flat) => !tried.has(toParamsKey(flat)));
}

/** The trials as they were known when trial `number` was proposed: what a replay asks its strategy. */
export function getKnownTrials(
  number: number,
  after: readonly number[],
  trials: readonly TrialRecord[],
): TrialRecord[] {
  return sortByNumber(trials)
    .filter((trial) => trial.number < number)
    .map((trial) => (after.includes(trial.number) ? trial : { ...trial, state: 'running', rows: [] }));
}
