import { checkInteger } from '../../core/errors/checkInteger.js';
import { checkOptionNames } from '../../core/errors/errors.js';
import type { Json } from '../../core/json.js';
import { computeCost, getPrimaryObjective, type Objectives } from '../results/objectives.js';
import type { TrialRecord } from '../results/trialRecord.js';

/**
 * Whether a trial is to be ended for lack of promise: a pure function of the records, asked after each of its epochs.
 *
 * @category Tuner
 */
export interface Pruner {
  /** `median`, `halving`. */
  readonly name: string;
  /** Its options, defaults filled in. */
  readonly options: Json;
  /** Why the trial should end, for people, or undefined where it may go on. Judged by the first objective. */
  prune(trial: TrialRecord, trials: readonly TrialRecord[], objectives: Objectives): string | undefined;
}

/**
 * Options of {@link medianPruner}.
 *
 * @category Tuner
 */
export interface MedianPrunerOptions {
  /** Trials that must be complete before any is pruned. Default 5. */
  readonly startupTrials?: number;
  /** Epochs of each trial in which it is left alone. Default 0. */
  readonly warmupEpochs?: number;
}

/**
 * Ends a trial whose best value so far is worse than the median of what complete trials had at the same epoch (D. Golovin et al.,
 * 2017, Google Vizier; as Optuna's `MedianPruner`).
 *
 * @throws `argument` fault for options that are negative or not whole, and an unknown one.
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
  checkOptionNames('medianPruner', options, ['startupTrials', 'warmupEpochs']);
  const { startupTrials = 5, warmupEpochs = 0 } = options;
  checkInteger('medianPruner.startupTrials', startupTrials, 0, 'Leave it out for 5.');
  checkInteger('medianPruner.warmupEpochs', warmupEpochs, 0, 'Leave it out for 0.');
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
      const say = createValueFormatter(objective.direction);
      return `epoch ${epoch}: ${objective.metric} ${say(best)} is worse than the median of ${costs.length} trials, ${say(median)}`;
    },
  };
}

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
  checkOptionNames('successiveHalvingPruner', options, ['minEpochs', 'factor']);
  const { minEpochs = 1, factor = 3 } = options;
  checkInteger('successiveHalvingPruner.minEpochs', minEpochs, 1, 'Leave it out for 1.');
  checkInteger('successiveHalvingPruner.factor', factor, 2, 'Leave it out for 3.');
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

const createValueFormatter = (direction: 'minimize' | 'maximize') => (cost: number) =>
  Number.isFinite(cost) ? String(Number((direction === 'minimize' ? cost : -cost).toPrecision(4))) : 'NaN';
