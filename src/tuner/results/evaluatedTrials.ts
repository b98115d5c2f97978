import type { Json } from '../../core/json.js';
import type { HistoryRow } from '../../core/records/history.js';
import { flattenParams } from '../space/flatParams.js';
import { findBestRow, type Objective } from './objectives.js';
import type { SearchTarget } from './searchTarget.js';
import { sortByNumber, type TrialRecord } from './trialRecord.js';

/** A trial with at least one epoch in which the first objective is a number. */
export interface EvaluatedTrial {
  readonly trial: TrialRecord;
  /** History row of the best epoch according to the first objective. */
  readonly row: HistoryRow;
  /** Params of the trial, keyed by dimension path, for example `optimizer.sgd.momentum`. */
  readonly paramsByPath: ReadonlyMap<string, Json>;
}

/** An evaluated trial, together with its finite value for one objective. */
export interface ScoredTrial extends EvaluatedTrial {
  readonly value: number;
}

/** Returns the trials with at least one epoch in which the first objective is a number, sorted by trial number. */
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

/** Returns the evaluated trials that have a finite value of the objective at their best epoch. */
export const findScoredTrials = ({ metric }: Objective, trials: readonly EvaluatedTrial[]): ScoredTrial[] =>
  trials.flatMap((trial) => {
    const value = trial.row[metric];
    return value !== undefined && Number.isFinite(value) ? [{ ...trial, value }] : [];
  });
