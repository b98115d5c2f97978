import { flattenParams } from '../space/flatParams.js';
import type { Dimension } from '../space/space.js';
import { findBestRow, toObjectiveList } from './objectives.js';
import type { SearchTarget } from './searchTarget.js';
import type { TrialRecord } from './trialRecord.js';

/** Returns the params and results of a trial as table cells. A cell without a value is undefined. */
export function createCells(trial: TrialRecord, { space, objectives }: SearchTarget) {
  const flat = flattenParams(space, trial.params, `trial ${trial.number}`);
  const row = findBestRow(trial.rows, objectives);
  return {
    params: space.dimensions.map(({ path }: Dimension) => flat.get(path)),
    epoch: row?.epoch,
    results: toObjectiveList(objectives).map(({ metric }) => row?.[metric]),
  };
}
