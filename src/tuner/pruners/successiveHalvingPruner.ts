import * as checks from '../../core/errors/checks.js';
import { computeCost, getPrimaryObjective } from '../results/objectives.js';
import type { TrialRecord } from '../results/trialRecord.js';
import { createValueFormatter, type Pruner } from './pruner.js';

/**
 * Options for {@link successiveHalvingPruner}.
 *
 * @category Tuner
 */
export interface SuccessiveHalvingPrunerOptions {
  /** First epoch at which trials are compared. Default: 1. */
  readonly minEpochs?: number;
  /**
   * Reduction factor: after each comparison, the best `1 / factor` of the trials continue. The epoch of the next comparison is
   * `factor` times the epoch of this one. Default: 3.
   */
  readonly factor?: number;
}

/**
 * Creates a pruner that, by default, stops a trial unless it is among the best third of the trials at epoch 1, 3, 9, 27, … (ASHA,
 * L. Li et al., 2020). Optuna's `SuccessiveHalvingPruner` uses the same method. A trial is compared only with trials that have
 * already reached that epoch, so no trial waits for another. The first trial to reach an epoch always continues.
 *
 * @throws An `argument` error if `minEpochs` is below 1, `factor` is below 2, one of them is not an integer, or an option is
 *   unknown.
 * @example
 * ```ts
 * import { successiveHalvingPruner } from 'tfjs-multitask/tuner';
 *
 * console.log(successiveHalvingPruner({ minEpochs: 2 }).options); // { minEpochs: 2, factor: 3 }
 * ```
 * @category Tuner
 */
export function successiveHalvingPruner(options: SuccessiveHalvingPrunerOptions = {}): Pruner {
  checks.options('successiveHalvingPruner', options, { minEpochs: true, factor: true });
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
      const computeBestCost = ({ rows }: TrialRecord) =>
        Math.min(...rows.filter((row) => row.epoch <= epoch).map((row) => computeCost(objective, row)));
      const competitors = trials.filter(
        (other) =>
          other.number !== trial.number &&
          other.state !== 'failed' &&
          other.rows.some((row) => row.epoch >= epoch),
      );
      const costs = [...competitors, trial].map(computeBestCost).sort((a, b) => a - b);
      const cost = computeBestCost(trial);
      const survivorCount = Math.max(1, Math.floor(costs.length / factor));
      if (cost <= costs[survivorCount - 1]! && cost < Number.POSITIVE_INFINITY) return undefined;
      const formatCost = createValueFormatter(objective.direction);
      return `epoch ${epoch}: ${objective.metric} ${formatCost(cost)} is not among the best ${survivorCount} of ${costs.length} trials`;
    },
  };
}
