import * as checks from '../../core/errors/checks.js';
import { computeCost, getPrimaryObjective } from '../results/objectives.js';
import { createValueFormatter, type Pruner } from './pruner.js';

/**
 * Options for {@link medianPruner}.
 *
 * @category Tuner
 */
export interface MedianPrunerOptions {
  /** Number of trials that must be complete before a trial is pruned. Default: 5. */
  readonly startupTrials?: number;
  /** Number of epochs at the start of a trial during which the trial is never pruned. Default: 0. */
  readonly warmupEpochs?: number;
}

/**
 * Creates a pruner that stops a trial if its best objective value so far is worse than the median of the values that complete
 * trials had at the same epoch (D. Golovin et al., 2017, Google Vizier). Optuna's `MedianPruner` uses the same method.
 *
 * @throws An `argument` error if an option is negative, not an integer, or unknown.
 * @example
 * ```ts
 * import { medianPruner, minimize, type TrialRecord } from 'tfjs-multitask/tuner';
 *
 * const trial = (number: number, state: TrialRecord['state'], loss: number): TrialRecord => ({
 *   ...{ number, params: {}, state, after: [] },
 *   rows: [{ epoch: 1, loss }],
 * });
 * const others = [1, 2, 3].map((loss, i) => trial(i + 1, 'complete', loss));
 * const { prune } = medianPruner({ startupTrials: 3 });
 * console.log(prune(trial(4, 'running', 9), others, minimize('loss')));
 * // epoch 1: loss 9 is worse than the median of 3 trials, 2
 * ```
 * @category Tuner
 */
export function medianPruner(options: MedianPrunerOptions = {}): Pruner {
  checks.options('medianPruner', options, { startupTrials: true, warmupEpochs: true });
  const { startupTrials = 5, warmupEpochs = 0 } = options;
  checks.integer('medianPruner.startupTrials', startupTrials, { min: 0, defaultValue: 5 });
  checks.integer('medianPruner.warmupEpochs', warmupEpochs, { min: 0, defaultValue: 0 });
  return {
    name: 'median',
    options: { startupTrials, warmupEpochs },
    prune: (trial, trials, objectives) => {
      const objective = getPrimaryObjective(objectives);
      const epoch = trial.rows.at(-1)?.epoch ?? 0;
      const complete = trials.filter((other) => other.state === 'complete' && other.number !== trial.number);
      if (epoch <= warmupEpochs || complete.length < Math.max(1, startupTrials)) return undefined;
      const costs = complete
        .flatMap(({ rows }) => rows.filter((row) => row.epoch === epoch))
        .map((row) => computeCost(objective, row))
        .filter(Number.isFinite)
        .sort((a, b) => a - b);
      if (costs.length === 0) return undefined;
      const median =
        (costs[Math.floor((costs.length - 1) / 2)]! + costs[Math.ceil((costs.length - 1) / 2)]!) / 2;
      const best = Math.min(...trial.rows.map((row) => computeCost(objective, row)));
      if (best <= median) return undefined;
      const formatCost = createValueFormatter(objective.direction);
      return `epoch ${epoch}: ${objective.metric} ${formatCost(best)} is worse than the median of ${costs.length} trials, ${formatCost(median)}`;
    },
  };
}
