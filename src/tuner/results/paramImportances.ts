import { flattenParams } from '../space/flatParams.js';
import { createParzenEstimator } from '../space/parzenEstimator.js';
import type { Dimension, FlatParams, ParameterMap, Space } from '../space/space.js';
import { computeCosts } from './bestTrials.js';
import { getPrimaryObjective, type Objectives } from './objectives.js';
import { rankTrials } from './rankTrials.js';
import type { TrialRecord } from './trialRecord.js';

/**
 * How much one parameter mattered.
 *
 * @category Tuner
 */
export interface ParamImportance {
  /** Of the parameter, as in `space.dimensions`. */
  readonly path: string;
  /** Its share of the whole, 0 to 1; all add up to 1, or to 0 where nothing mattered. */
  readonly share: number;
  /** Too few trials had a value of it, fewer than four: its share is 0, and says nothing. */
  readonly hasTooFewTrials?: true;
}

/** Places at which estimates of a number without a step are compared. */
const GRID_POINTS = 64;
/** Trials of which a quarter is one. */
const MIN_TRIALS = 4;

/**
 * How much each parameter mattered for getting among the best quarter of the trials by the first objective: by the Pearson divergence of where the best are
 * from where all are, one parameter at a time (PED-ANOVA, S. Watanabe, A. Bansal and F. Hutter, 2023). It says what set good trials
 * apart, not what a change would bring; with fewer than some twenty trials it says little. Empty for fewer than four. Trials that are
 * equally good are kept together: the best are as many as come nearest to a quarter, and where all are equal nothing mattered.
 *
 * @example
 * ```ts
 * import { askAndTell, float, importances, minimize, random, space } from 'tfjs-multitask/tuner';
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
  searched: Space<any>,
  trials: readonly TrialRecord[],
  objectives: Objectives,
): ParamImportance[] {
  const objective = getPrimaryObjective(objectives);
  const order = rankTrials(trials, objective).map((trial): RankedParams => {
    const [cost] = computeCosts(trial, objective)!;
    return {
      flatParams: flattenParams(searched, trial.params, `trial ${trial.number}`),
      rankKey: trial.state === 'complete' ? `${cost}` : `${cost} pruned at ${trial.rows.length}`,
    };
  });
  if (order.length < MIN_TRIALS) return [];
  const divergences = searched.dimensions.map((dimension) => {
    const own = order.filter(({ flatParams }) => flatParams.has(dimension.path));
    return own.length < MIN_TRIALS ? undefined : computePearsonDivergence(dimension, own);
  });
  const sum = divergences.reduce<number>((total, one = 0) => total + one, 0);
  return searched.dimensions.map(({ path }, i) => {
    const own = divergences[i];
    if (own === undefined) return { path, share: 0, hasTooFewTrials: true };
    return { path, share: sum > 0 ? own / sum : 0 };
  });
}

/** A trial's setting, and what it is ranked by: equal for those that are as good as each other. */
interface RankedParams {
  readonly flatParams: FlatParams;
  readonly rankKey: string;
}

/** How many of some trials, the best first, are the best quarter: all that are equally good, or none of them. 0 where all are equal. */
function countBestQuarter(order: readonly RankedParams[]): number {
  const edge = Math.ceil(order.length / 4);
  const { rankKey } = order[edge - 1]!;
  const from = order.findIndex((one) => one.rankKey === rankKey);
  const to = order.findLastIndex((one) => one.rankKey === rankKey) + 1;
  if (to === order.length) return from;
  return from === 0 || to - edge <= edge - from ? to : from;
}

/** `∫ (best / all - 1)² all`, of trials that have a value, the best first. */
function computePearsonDivergence({ path, parameter }: Dimension, order: readonly RankedParams[]): number {
  const near = countBestQuarter(order);
  if (near === 0) return 0;
  const own = order.map(({ flatParams }) => flatParams);
  const line: Space<ParameterMap> = {
    '~parameters': {},
    dimensions: [{ path, parameter }],
    count: parameter.count,
  };
  const best = createParzenEstimator(line, own.slice(0, near));
  const all = createParzenEstimator(line, own);
  const each = parameter.valueAt && parameter.count <= GRID_POINTS;
  const count = each ? parameter.count : GRID_POINTS;
  const places = Array.from({ length: count }, (_, i) => {
    const value = each ? parameter.valueAt!(i) : parameter.probToValue((i + 0.5) / count);
    const flat: FlatParams = new Map([[path, value]]);
    // Of values taken at even places a wide one comes several times: each time for a part of its probability.
    const [from, to] = each ? [0, 1] : parameter.valueToProbRange(value)!;
    const share = to > from ? to - from : 1;
    return {
      best: Math.exp(best.logLikelihood(flat)) / share,
      all: Math.exp(all.logLikelihood(flat)) / share,
    };
  });
  const [bests, alls] = (['best', 'all'] as const).map((of) => places.reduce((sum, own) => sum + own[of], 0));
  return places.reduce((sum, { best: near, all: far }) => {
    const [p, q] = [near / bests!, far / alls!];
    return sum + (p / q - 1) ** 2 * q;
  }, 0);
}
