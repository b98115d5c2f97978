import * as checks from '../../core/errors/checks.js';
import { checkObjectives, checkTrials } from './checkResults.js';
import { computeCost, findBestRow, type Objectives, toObjectiveList } from './objectives.js';
import { sortByNumber, type TrialRecord } from './trialRecord.js';

/**
 * Computes the costs of a trial, one per objective, at its best epoch according to the first objective. Lower costs are better: the
 * cost of a maximized objective is its negated value. Returns undefined for a trial that failed or never reported a number.
 */
export function computeCosts(trial: TrialRecord, objectives: Objectives): readonly number[] | undefined {
  if (trial.state === 'failed') return undefined;
  const row = findBestRow(trial.rows, objectives);
  const costs = toObjectiveList(objectives).map((objective) => computeCost(objective, row));
  return costs.every((cost) => cost !== Number.POSITIVE_INFINITY) ? costs : undefined;
}

/**
 * Returns the complete trial with the best value of the first objective, or undefined if no trial is complete. If several
 * trials are equally good, returns the one with the smallest number.
 *
 * @example
 * ```ts
 * import { bestTrial, minimize, type TrialRecord } from 'tfjs-multitask/tuner';
 *
 * const trial = (number: number, loss: number): TrialRecord => ({
 *   ...{ number, params: {}, state: 'complete', after: [] },
 *   rows: [{ epoch: 1, loss }],
 * });
 * console.log(bestTrial([trial(1, 3), trial(2, 1), trial(3, 1)], minimize('loss'))?.number); // 2
 * ```
 * @category Tuner
 */
export function bestTrial<V>(
  trials: readonly TrialRecord<V>[],
  objectives: Objectives,
): TrialRecord<V> | undefined {
  checks.noOptions('bestTrial', arguments[2]);
  checkTrials('bestTrial.trials', trials);
  checkObjectives('bestTrial.objectives', objectives);
  let best: { trial: TrialRecord<V>; cost: number } | undefined;
  for (const trial of sortByNumber(trials)) {
    const cost = trial.state === 'complete' ? computeCosts(trial, objectives)?.[0] : undefined;
    if (cost !== undefined && (best === undefined || cost < best.cost)) best = { trial, cost };
  }
  return best?.trial;
}

/**
 * Returns the complete trials that no other trial dominates, sorted by number. A trial dominates another if it is at least as
 * good in every objective and better in at least one.
 *
 * @example
 * ```ts
 * import { maximize, minimize, paretoFront, type TrialRecord } from 'tfjs-multitask/tuner';
 *
 * const trial = (number: number, mae: number, accuracy: number): TrialRecord => ({
 *   ...{ number, params: {}, state: 'complete', after: [] },
 *   rows: [{ epoch: 1, mae, accuracy }],
 * });
 * const front = paretoFront([trial(1, 6, 0.8), trial(2, 7, 0.9), trial(3, 8, 0.7)], [minimize('mae'), maximize('accuracy')]);
 * console.log(front.map(({ number }) => number)); // [ 1, 2 ]
 * ```
 * @category Tuner
 */
export function paretoFront<V>(trials: readonly TrialRecord<V>[], objectives: Objectives): TrialRecord<V>[] {
  checks.noOptions('paretoFront', arguments[2]);
  checkTrials('paretoFront.trials', trials);
  checkObjectives('paretoFront.objectives', objectives);
  const scored = sortByNumber(trials).flatMap((trial) => {
    const costs = trial.state === 'complete' ? computeCosts(trial, objectives) : undefined;
    return costs ? [{ trial, costs }] : [];
  });
  return scored
    .filter(({ costs }) => !scored.some((other) => dominates(other.costs, costs)))
    .map(({ trial }) => trial);
}

/** Tests whether the costs `a` dominate the costs `b`: they are at least as good in every objective and better in at least one. */
export const dominates = (a: readonly number[], b: readonly number[]): boolean =>
  a.every((cost, i) => cost <= b[i]!) && a.some((cost, i) => cost < b[i]!);

/**
 * Returns the numbers of the best trials: only the best trial if there is one objective, or all trials on the Pareto front if there
 * are several.
 */
export function findBestTrialNumbers(
  trials: readonly TrialRecord[],
  objectives: Objectives,
): ReadonlySet<number> {
  const best = bestTrial(trials, objectives);
  const list = toObjectiveList(objectives).length > 1 ? paretoFront(trials, objectives) : best ? [best] : [];
  return new Set(list.map(({ number }) => number));
}
