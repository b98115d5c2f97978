import * as checks from '../../core/errors/checks.js';
import { flattenParams } from '../space/flatParams.js';
import { createParzenEstimator } from '../space/parzenEstimator.js';
import type { Dimension, FlatParams, ParameterMap, Space } from '../space/space.js';
import { computeCosts } from './bestTrials.js';
import { checkObjectives, checkSpace, checkTrials } from './checkResults.js';
import { getPrimaryObjective, type Objectives } from './objectives.js';
import { rankTrials } from './rankTrials.js';
import type { TrialRecord } from './trialRecord.js';

/**
 * Importance of one parameter.
 *
 * @category Tuner
 */
export interface ParamImportance {
  /** Path of the parameter, as in `space.dimensions`. */
  readonly path: string;
  /**
   * Share of the total importance, from 0 to 1. The shares of all parameters add up to 1, or to 0 if no parameter has an effect.
   */
  readonly share: number;
  /**
   * True if fewer than four trials have a value for the parameter. The importance cannot be estimated from so few trials, and the
   * share is 0.
   */
  readonly hasTooFewTrials?: true;
}

/** Number of points at which the densities of a continuous parameter are compared. */
const GRID_POINTS = 64;
/** Minimum number of trials for an estimate, because the best quarter must contain at least one trial. */
const MIN_TRIALS = 4;

/**
 * Computes how important each parameter is for reaching the best quarter of the trials according to the first objective (PED-ANOVA,
 * S. Watanabe, A. Bansal and F. Hutter, 2023). The importance is the Pearson divergence between the distribution of the parameter
 * in the best trials and its distribution in all trials. Each parameter is analyzed separately.
 *
 * - The importance describes how good trials differ from other trials. It does not predict what happens if you change the
 *   parameter.
 * - With fewer than about twenty trials, the estimate is weak. With fewer than four, the result is an empty array.
 * - Trials with equal costs always belong to the same group, so the best group may contain more or less than a quarter of the
 *   trials. If all trials are equally good, all shares are 0.
 *
 * @example
 * ```ts
 * import { askAndTell, float, getParamImportances, minimize, random, space } from 'tfjs-multitask/tuner';
 *
 * const searched = space({ rate: float({ min: 0, max: 1 }), unused: float({ min: 0, max: 1 }) });
 * const objectives = minimize('loss');
 * const search = askAndTell(searched, { strategy: random(), objectives });
 * for (let i = 0; i < 40; i++) {
 *   const { number, params } = search.ask()!;
 *   search.tell(number, { loss: params.rate ** 2 });
 * }
 * const [rate] = getParamImportances(searched, search.trials, objectives);
 * console.log(rate!.share > 0.8); // true
 * ```
 * @category Tuner
 */
export function getParamImportances(
  searchSpace: Space<any>,
  trials: readonly TrialRecord[],
  objectives: Objectives,
): ParamImportance[] {
  checks.noOptions('getParamImportances', arguments[3]);
  checkSpace('getParamImportances.space', searchSpace);
  checkTrials('getParamImportances.trials', trials);
  checkObjectives('getParamImportances.objectives', objectives);
  const objective = getPrimaryObjective(objectives);
  const order = rankTrials(trials, objective).map((trial): RankedParams => {
    const [cost] = computeCosts(trial, objective)!;
    return {
      flatParams: flattenParams(searchSpace, trial.params, `trial ${trial.number}`),
      rankKey: trial.state === 'complete' ? `${cost}` : `${cost} pruned at ${trial.rows.length}`,
    };
  });
  if (order.length < MIN_TRIALS) return [];
  const divergences = searchSpace.dimensions.map((dimension) => {
    const rankedParams = order.filter(({ flatParams }) => flatParams.has(dimension.path));
    return rankedParams.length < MIN_TRIALS ? undefined : computePearsonDivergence(dimension, rankedParams);
  });
  const sum = divergences.reduce<number>((total, divergence = 0) => total + divergence, 0);
  return searchSpace.dimensions.map(({ path }, i) => {
    const divergence = divergences[i];
    if (divergence === undefined) return { path, share: 0, hasTooFewTrials: true };
    return { path, share: sum > 0 ? divergence / sum : 0 };
  });
}

/** Params of a trial and a key for its result. Trials with the same `rankKey` are equally good. */
interface RankedParams {
  readonly flatParams: FlatParams;
  readonly rankKey: string;
}

/**
 * Counts the trials in the best quarter. `order` is sorted from best to worst. Of several equally good trials, either all or none
 * are counted. Returns 0 if all trials are equally good.
 */
function countBestQuarter(order: readonly RankedParams[]): number {
  const edge = Math.ceil(order.length / 4);
  const { rankKey } = order[edge - 1]!;
  const from = order.findIndex((ranked) => ranked.rankKey === rankKey);
  const to = order.findLastIndex((ranked) => ranked.rankKey === rankKey) + 1;
  if (to === order.length) return from;
  return from === 0 || to - edge <= edge - from ? to : from;
}

/**
 * Computes the Pearson divergence `∫ (best / all - 1)² all` for one parameter. `order` contains the trials that have a value for
 * this parameter, sorted from best to worst.
 */
function computePearsonDivergence({ path, parameter }: Dimension, order: readonly RankedParams[]): number {
  const bestCount = countBestQuarter(order);
  if (bestCount === 0) return 0;
  const flatParams = order.map(({ flatParams }) => flatParams);
  const lineSpace: Space<ParameterMap> = {
    '~parameters': {},
    dimensions: [{ path, parameter }],
    count: parameter.count,
  };
  const best = createParzenEstimator(lineSpace, flatParams.slice(0, bestCount));
  const all = createParzenEstimator(lineSpace, flatParams);
  const isEnumerable = parameter.valueAt && parameter.count <= GRID_POINTS;
  const count = isEnumerable ? parameter.count : GRID_POINTS;
  const points = Array.from({ length: count }, (_, i) => {
    const value = isEnumerable ? parameter.valueAt!(i) : parameter.probToValue((i + 0.5) / count);
    const flat: FlatParams = new Map([[path, value]]);
    // The likelihood of a discrete value is divided by the width of its probability range, because a value with a wide range occurs
    // at several of the evenly spaced points.
    const [from, to] = isEnumerable ? [0, 1] : parameter.valueToProbRange(value)!;
    const share = to > from ? to - from : 1;
    return {
      best: Math.exp(best.logLikelihood(flat)) / share,
      all: Math.exp(all.logLikelihood(flat)) / share,
    };
  });
  const [bestSum, allSum] = (['best', 'all'] as const).map((of) =>
    points.reduce((sum, point) => sum + point[of], 0),
  );
  return points.reduce((sum, { best: near, all: far }) => {
    const [p, q] = [near / bestSum!, far / allSum!];
    return sum + (p / q - 1) ** 2 * q;
  }, 0);
}
