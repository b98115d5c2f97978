import type { Json } from '../../core/json.js';
import type { Objectives } from '../results/objectives.js';
import type { Rung, TrialRecord } from '../results/trialRecord.js';
import { flattenParams, toParamsKey } from '../space/flatParams.js';
import type { FlatParams, ParameterMap, Space } from '../space/space.js';

/**
 * What a strategy is asked.
 *
 * @category Tuner
 */
export interface ProposalRequest {
  /** What is searched. */
  readonly space: Space<any>;
  /** What for. */
  readonly objectives: Objectives;
  /** Names the random numbers. */
  readonly seed: number;
  /** The trial that is proposed, counted from 1. */
  readonly number: number;
  /** The trials before it, in any order. Those that run have values alone. */
  readonly trials: readonly TrialRecord[];
}

/**
 * A setting that a strategy proposes.
 *
 * @category Tuner
 */
export interface ProposedParams {
  /** The values. */
  readonly flatParams: FlatParams;
  /** Its place in a plan of rounds. */
  readonly rung?: Rung;
}

/**
 * What a strategy answers: a setting; `wait` where it cannot say before a running trial has ended; `exhausted` where nothing is
 * left to try.
 *
 * @category Tuner
 */
export type Proposal = ProposedParams | 'wait' | 'exhausted';

/**
 * How the next setting is chosen: a pure function. The same question has the same answer, in whatever order the trials come.
 *
 * @category Tuner
 */
export interface Strategy {
  /** `random`, `tpe`, …. */
  readonly name: string;
  /** Its options, defaults filled in: its part of a study's record. */
  readonly options: Json;
  /**
   * Whether a trial follows from its number and the seed alone, whatever became of others: then jobs that know nothing of each other
   * can take one each (`studyTrial`), and a number that is missing is made up for. Default: it may depend on what others came to.
   */
  readonly independent?: true;
  /** Whether it comes to an end in every space, so that a study needs no number of trials. Default: only where settings can be counted. */
  readonly finite?: true;
  /**
   * How many new settings it begins with, where it has a plan in which every trial has its place: settings to try first take as many of
   * them. Default: it has none, and they are tried before it is asked.
   */
  readonly newTrialCount?: number;
  /** The setting of one trial. */
  propose(question: ProposalRequest): Proposal;
}

/** The settings that were tried, or are, as keys. */
export const collectTriedKeys = (
  searched: Space<ParameterMap>,
  trials: readonly TrialRecord[],
): Set<string> =>
  new Set(
    trials.map(({ number, params }) => toParamsKey(flattenParams(searched, params, `trial ${number}`))),
  );
