import * as checks from '../../core/errors/checks.js';
import { computeCost, getPrimaryObjective } from '../results/objectives.js';
import type { TrialRecord } from '../results/trialRecord.js';
import { createValueFormatter, type Pruner } from './pruner.js';

/**
 * Options of {@link successiveHalvingPruner}.
 *
 * @category Tuner
 */
export interface SuccessiveHalvingPrunerOptions {
  /** The epoch at which trials are compared first. Default 1. */
  readonly minEpochs?: number;
  /** One in so many goes on, to an epoch so many times as far. Default 3. */
  readonly factor?: number;
}

/**
 * Ends a trial that is not among the best at the epochs 1, 3, 9, 27, …: one in three of those that got there goes on (ASHA, L. Li et
 * al., 2020; as Optuna's `SuccessiveHalvingPruner`). It waits for nobody: the first trial to get to
 * an epoch goes on, the second where it is better, and so on.
 *
 * @throws `argument` fault for `minEpochs` below 1 and a factor below 2, or not whole, and an unknown option.
 * @example
 * ```ts
 * import { successiveHalving } from 'tfjs-multitask/tuner';
 *
 * console.log(successiveHalving({ minEpochs: 2 }).options); // { minEpochs: 2, factor: 3 }
 * ```
 * @category Tuner
 */
export function successiveHalvingPruner(options: SuccessiveHalvingPrunerOptions = {}): Pruner {
  checks.optionNames('successiveHalvingPruner', options, ['minEpochs', 'factor']);
  const { minEpochs = 1, factor = 3 } = options;
  checks.integer('successiveHalvingPruner.minEpochs', minEpochs, { min: 1, defaultValue: 1 });
  checks.integer('successiveHalvingPruner.factor', factor, { min: 2, defaultValue: 3 });
  return {
    name: 'halving',
    options: { minEpochs, factor },
    prune: (trial, trials, objectives) => {
      const objective = getPrimaryObjective(objectives);
      const epoch = trial.rows.at(-1)?.epoch ?? 0;
      let rung = minEpochs;
      while (rung < epoch) rung *= factor;
      if (rung !== epoch) return undefined;
      const best = ({ rows }: TrialRecord) =>
        Math.min(...rows.filter((row) => row.epoch <= epoch).map((row) => computeCost(objective, row)));
      const there = trials.filter(
        (other) =>
          other.number !== trial.number &&
          other.state !== 'failed' &&
          other.rows.some((row) => row.epoch >= epoch),
      );
      const costs = [...there, trial].map(best).sort((a, b) => a - b);
      const own = best(trial);
      const places = Math.max(1, Math.floor(costs.length / factor));
      if (own <= costs[places - 1]! && own < Number.POSITIVE_INFINITY) return undefined;
      const say = createValueFormatter(objective.direction);
      return `epoch ${epoch}: ${objective.metric} ${say(own)} is not among the best ${places} of ${costs.length} trials`;
    },
  };
}
