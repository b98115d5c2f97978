import * as checks from '../../core/errors/checks.js';
import { createRng, type Rng } from '../../core/rng.js';
import { rankTrials } from '../results/rankTrials.js';
import { sortByNumber, type TrialRecord } from '../results/trialRecord.js';
import { flattenParams, toParamsKey } from '../space/flatParams.js';
import { createParzenEstimator } from '../space/parzenEstimator.js';
import type { FlatParams, ParameterMap, Space } from '../space/space.js';
import { sampleUntriedParams } from './random.js';
import { collectTriedKeys, type Strategy } from './strategy.js';

/**
 * Options for {@link tpe}.
 *
 * @category Tuner
 */
export interface TpeOptions {
  /** Number of trials with random params before the estimators are used. Default: 10. */
  readonly startupTrials?: number;
  /**
   * Number of candidates that are sampled near good trials for one proposal. The most promising candidate is proposed. Default: 24.
   */
  readonly candidates?: number;
}

/** Maximum number of attempts to find untried params with the estimators. If all attempts fail, params are sampled at random. */
const MAX_TRIES = 10;

/**
 * Creates a Bayesian strategy that uses tree-structured Parzen estimators (J. Bergstra et al., 2011; S. Watanabe, 2023, arXiv
 * 2304.11127). The trials are split into two groups: the best tenth (at most 25 trials) and all other trials. The strategy
 * proposes params that are likely in the first group and unlikely in the second.
 *
 * - Running trials belong to the second group, so that parallel trials try different params.
 * - The estimator is multivariate: all parameters are sampled near one good trial. Params are never repeated.
 * - Pruned trials are ranked after complete trials, and those with more epochs come first. Failed trials belong to the second
 *   group.
 * - With several objectives, trials are ranked by non-dominated front, and within a front by crowding distance (K. Deb et al.,
 *   2002).
 *
 * @throws An `argument` error if an option is below 1, not an integer, or unknown.
 * @example
 * ```ts
 * import { askAndTell, float, minimize, space, tpe } from 'tfjs-multitask/tuner';
 *
 * const searched = space({ x: float({ min: -5, max: 5 }) });
 * const search = askAndTell(searched, { strategy: tpe(), objectives: minimize('y'), seed: 1 });
 * for (let i = 0; i < 40; i++) {
 *   const { number, params } = search.ask()!;
 *   search.tell(number, { y: (params.x - 2) ** 2 });
 * }
 * console.log(Math.abs(search.bestTrial()!.params.x - 2) < 0.5); // true
 * ```
 * @category Tuner
 */
export function tpe(options: TpeOptions = {}): Strategy {
  checks.options('tpe', options, { startupTrials: true, candidates: true });
  const { startupTrials = 10, candidates = 24 } = options;
  checks.integer('tpe.startupTrials', startupTrials, { min: 1, defaultValue: 10 });
  checks.integer('tpe.candidates', candidates, { min: 1, defaultValue: 24 });
  return {
    name: 'tpe',
    options: { startupTrials, candidates },
    propose: ({ space, objectives, seed, number, trials }) => {
      const rng = createRng(seed, 'tpe', number);
      const tried = collectTriedKeys(space, trials);
      const proposeRandom = () => {
        const flatParams = sampleUntriedParams(space, tried, rng);
        return flatParams ? { flatParams } : 'exhausted';
      };
      const ranked = rankTrials(trials, objectives);
      if (ranked.length < startupTrials) return proposeRandom();
      const unranked = sortByNumber(trials).filter((trial) => !ranked.includes(trial));
      const flattenAll = (list: readonly TrialRecord[]) =>
        list.map(({ params }) => flattenParams(space, params));
      const split = Math.min(25, Math.ceil(ranked.length / 10));
      const good = flattenAll(ranked.slice(0, split));
      const bad = flattenAll([...ranked.slice(split), ...unranked]);
      for (let i = 0; i < MAX_TRIES; i++) {
        const flatParams = selectCandidate(space, { good, bad, candidates, generator: rng });
        if (!tried.has(toParamsKey(flatParams))) return { flatParams };
      }
      return proposeRandom();
    },
  };
}

interface TpeSplit {
  readonly good: readonly FlatParams[];
  readonly bad: readonly FlatParams[];
  readonly candidates: number;
  readonly generator: Rng;
}

/**
 * Samples candidates near good trials. Returns the candidate with the largest ratio between its likelihood among good trials
 * and its likelihood among the other trials.
 */
function selectCandidate(
  searchSpace: Space<ParameterMap>,
  { good, bad, candidates, generator: rng }: TpeSplit,
): FlatParams {
  const goodEstimator = createParzenEstimator(searchSpace, good);
  const badEstimator = createParzenEstimator(searchSpace, bad);
  let best: { flat: FlatParams; score: number } | undefined;
  for (let i = 0; i < candidates; i++) {
    const flatParams = goodEstimator.sample(rng);
    const score = goodEstimator.logLikelihood(flatParams) - badEstimator.logLikelihood(flatParams);
    if (!best || score > best.score) best = { flat: flatParams, score };
  }
  return best!.flat;
}
