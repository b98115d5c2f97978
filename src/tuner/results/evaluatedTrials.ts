import type { Json } from '../../core/json.js';
import type { HistoryRow } from '../../core/records/history.js';
import { flattenParams } from '../space/flatParams.js';
import { findBestRow, type Objective } from './objectives.js';
import type { SearchTarget } from './searchTarget.js';
import { sortByNumber, type TrialRecord } from './trialRecord.js';

/** A trial that has an epoch to be judged by. */
export interface EvaluatedTrial {
  readonly trial: TrialRecord;
  /** That epoch: the best by the first objective. */
  readonly row: HistoryRow;
  /** Its values by path. */
  readonly paramsByPath: ReadonlyMap<string, Json>;
}

/** One that came to a number of an objective. */
export interface ScoredTrial extends EvaluatedTrial {
  readonly value: number;
}

/** The trials that have an epoch to be judged by, in their order. */
export const findEvaluatedTrials = (
  { space, objectives }: SearchTarget,
  trials: readonly TrialRecord[],
): EvaluatedTrial[] =>
  sortByNumber(trials).flatMap((trial) => {
    const row = trial.state === 'failed' ? undefined : findBestRow(trial.rows, objectives);
    return row
      ? [{ trial, row, paramsByPath: flattenParams(space, trial.params, `trial ${trial.number}`) }]
      : [];
  });

/** Those of them that came to a number of one objective. */
export const findScoredTrials = ({ metric }: Objective, judged: readonly EvaluatedTrial[]): ScoredTrial[] =>
  judged.flatMap((one) => {
    const value = one.row[metric];
    return value !== undefined && Number.isFinite(value) ? [{ ...one, value }] : [];
  });
