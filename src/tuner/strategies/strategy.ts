import type { Json } from '../../core/json.js';
import type { Objectives } from '../results/objectives.js';
import type { Rung, TrialRecord } from '../results/trialRecord.js';
import { flattenParams, toParamsKey } from '../space/flatParams.js';
import type { FlatParams, ParameterMap, Space } from '../space/space.js';

/**
 * Argument of {@link Strategy.propose}.
 *
 * @category Tuner
 */
export interface ProposalRequest {
  /** Search space from which the params are chosen. */
  readonly space: Space<any>;
  /** History columns to minimize or maximize. */
  readonly objectives: Objectives;
  /** Seed for random draws. */
  readonly seed: number;
  /** Number of the trial to propose, counted from 1. */
  readonly number: number;
  /** Records of earlier trials, in any order. The records of running trials contain no rows. */
  readonly trials: readonly TrialRecord[];
}

/**
 * Params that a strategy proposes.
 *
 * @category Tuner
 */
export interface ProposedParams {
  /** Params, keyed by dimension path, for example `optimizer.sgd.momentum`. */
  readonly flatParams: FlatParams;
  /** Position of the trial in the plan of {@link hyperband}. Absent with other strategies. */
  readonly rung?: Rung;
}

/**
 * Result of {@link Strategy.propose}: params, `wait` if a running trial must end first, or `exhausted` if no params remain.
 *
 * @category Tuner
 */
export type Proposal = ProposedParams | 'wait' | 'exhausted';

/**
 * A rule that chooses the params of the next trial. `propose` is a pure function: the same request always results in the same
 * proposal, and the order of the trials in the request does not matter.
 *
 * @category Tuner
 */
export interface Strategy {
  /** Name of the strategy, for example `random` or `tpe`. */
  readonly name: string;
  /** Options of the strategy, including default values. They are saved with a study. */
  readonly options: Json;
  /**
   * True if a proposal depends only on the trial number and the seed. Independent machines can then run one trial each
   * (`runSingleTrial`), and a later search runs the numbers that were skipped. Default: not set; a proposal may depend on the
   * results of other trials.
   */
  readonly independent?: true;
  /**
   * True if the strategy proposes a finite number of trials in every space, so that a study needs no limit on the number of
   * trials. Default: not set; the strategy ends only in a space with a finite number of params.
   */
  readonly finite?: true;
  /**
   * Number of trials that the strategy starts with new params, if it plans a fixed number of trials. Initial params replace the
   * params of the first of these trials. Default: not set; initial params are tried before the proposals of the strategy.
   */
  readonly newTrialCount?: number;
  /** Proposes the params of one trial. */
  propose(request: ProposalRequest): Proposal;
}

/** Returns the keys of all params that trials have already used, for comparison with {@link toParamsKey}. */
export const collectTriedKeys = (
  searchSpace: Space<ParameterMap>,
  trials: readonly TrialRecord[],
): Set<string> =>
  new Set(
    trials.map(({ number, params }) => toParamsKey(flattenParams(searchSpace, params, `trial ${number}`))),
  );
