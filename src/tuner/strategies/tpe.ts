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
 * Options of {@link tpe}.
 *
 * @category Tuner
 */
export interface TpeOptions {
  /** Trials by chance before it begins. Default 10. */
  readonly startupTrials?: number;
  /** Settings drawn where good ones are, of which the most promising is proposed. Default 24. */
  readonly candidates?: number;
}

/** Times that all candidates may have been tried before one is drawn by chance. */
const MAX_TRIES = 10;

/**
 * Bayesian search by tree-structured Parzen estimators (J. Bergstra et al., 2011; S. Watanabe, 2023, arXiv 2304.11127): the trials
 * are split into the best tenth, 25 at most, and the rest; a setting is proposed which is likely among the former and unlikely
 * among the latter. Trials that run count as the rest, so that several at once keep apart. Settings are drawn whole, near one
 * good trial in all their parameters; the same setting is not tried twice.
 *
 * Pruned trials come after complete ones, the furthest first, and those that failed last. With several objectives trials are
 * ranked by fronts, and in a front by their distance from each other (K. Deb et al., 2002).
 *
 * @throws `argument` fault for options that are not whole numbers of at least 1, and an unknown one.
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
  checks.optionNames('tpe', options, ['startupTrials', 'candidates']);
  const { startupTrials = 10, candidates = 24 } = options;
  checks.integer('tpe.startupTrials', startupTrials, { min: 1, defaultValue: 10 });
  checks.integer('tpe.candidates', candidates, { min: 1, defaultValue: 24 });
  return {
    name: 'tpe',
    options: { startupTrials, candidates },
    propose: ({ space, objectives, seed, number, trials }) => {
      const generator = createRng(seed, 'tpe', number);
      const tried = collectTriedKeys(space, trials);
      const chance = () => {
        const flatParams = sampleUntriedParams(space, tried, generator);
        return flatParams ? { flatParams } : 'exhausted';
      };
      const learnt = rankTrials(trials, objectives);
      if (learnt.length < startupTrials) return chance();
      const others = sortByNumber(trials).filter((trial) => !learnt.includes(trial));
      const flats = (list: readonly TrialRecord[]) => list.map(({ params }) => flattenParams(space, params));
      const split = Math.min(25, Math.ceil(learnt.length / 10));
      const good = flats(learnt.slice(0, split));
      const bad = flats([...learnt.slice(split), ...others]);
      for (let i = 0; i < MAX_TRIES; i++) {
        const flatParams = selectCandidate(space, { good, bad, candidates, generator });
        if (!tried.has(toParamsKey(flatParams))) return { flatParams };
      }
      return chance();
    },
  };
}

interface TpeSplit {
  readonly good: readonly FlatParams[];
  readonly bad: readonly FlatParams[];
  readonly candidates: number;
  readonly generator: Rng;
}

/** Of some settings drawn like good ones, that whose likelihood among the good is largest beside that among the rest. */
function selectCandidate(
  searched: Space<ParameterMap>,
  { good, bad, candidates, generator }: TpeSplit,
): FlatParams {
  const [near, far] = [createParzenEstimator(searched, good), createParzenEstimator(searched, bad)];
  let best: { flat: FlatParams; score: number } | undefined;
  for (let i = 0; i < candidates; i++) {
    const flat = near.sample(generator);
    const score = near.logLikelihood(flat) - far.logLikelihood(flat);
    if (!best || score > best.score) best = { flat, score };
  }
  return best!.flat;
}
