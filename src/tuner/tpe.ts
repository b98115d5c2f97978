import { checkWhole } from '../core/checkWhole.js';
import { checkNames } from '../core/errors.js';
import { type Rng, rng } from '../core/rng.js';
import { estimateOf } from './parzen.js';
import { untried } from './random.js';
import { ranked } from './ranked.js';
import { inOrder, type TrialRecord } from './records.js';
import { flattened, keyOf } from './settings.js';
import type { Flat, Parts, Space } from './space.js';
import { type Strategy, triedIn } from './strategy.js';

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
const TRIES = 10;

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
 *   const { number, values } = search.ask()!;
 *   search.tell(number, { y: (values.x - 2) ** 2 });
 * }
 * console.log(Math.abs(search.best()!.values.x - 2) < 0.5); // true
 * ```
 * @category Tuner
 */
export function tpe(options: TpeOptions = {}): Strategy {
  checkNames('tpe', options, ['startupTrials', 'candidates']);
  const { startupTrials = 10, candidates = 24 } = options;
  checkWhole('tpe.startupTrials', startupTrials, 1, 'Leave it out for 10.');
  checkWhole('tpe.candidates', candidates, 1, 'Leave it out for 24.');
  return {
    name: 'tpe',
    options: { startupTrials, candidates },
    propose: ({ space, objectives, seed, number, trials }) => {
      const draws = rng(seed, 'tpe', number);
      const tried = triedIn(space, trials);
      const chance = () => {
        const flat = untried(space, tried, draws);
        return flat ? { flat } : 'exhausted';
      };
      const learnt = ranked(trials, objectives);
      if (learnt.length < startupTrials) return chance();
      const others = inOrder(trials).filter((trial) => !learnt.includes(trial));
      const flats = (list: readonly TrialRecord[]) => list.map(({ values }) => flattened(space, values));
      const split = Math.min(25, Math.ceil(learnt.length / 10));
      const good = flats(learnt.slice(0, split));
      const rest = flats([...learnt.slice(split), ...others]);
      for (let i = 0; i < TRIES; i++) {
        const flat = promising(space, { good, rest, candidates, draws });
        if (!tried.has(keyOf(flat))) return { flat };
      }
      return chance();
    },
  };
}

interface Split {
  readonly good: readonly Flat[];
  readonly rest: readonly Flat[];
  readonly candidates: number;
  readonly draws: Rng;
}

/** Of some settings drawn like good ones, that whose likelihood among the good is largest beside that among the rest. */
function promising(searched: Space<Parts>, { good, rest, candidates, draws }: Split): Flat {
  const [near, far] = [estimateOf(searched, good), estimateOf(searched, rest)];
  let best: { flat: Flat; score: number } | undefined;
  for (let i = 0; i < candidates; i++) {
    const flat = near.draw(draws);
    const score = near.logLikelihood(flat) - far.logLikelihood(flat);
    if (!best || score > best.score) best = { flat, score };
  }
  return best!.flat;
}
