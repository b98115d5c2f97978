import * as checks from '../../core/errors/checks.js';
import { createRng } from '../../core/rng.js';
import { computeCosts } from '../results/bestTrials.js';
import { hasEnded, type Rung, sortByNumber, type TrialRecord } from '../results/trialRecord.js';
import { flattenParams } from '../space/flatParams.js';
import { sampleUntriedParams } from './random.js';
import { collectTriedKeys, type Proposal, type ProposalRequest, type Strategy } from './strategy.js';

/**
 * Options of {@link hyperband}.
 *
 * @category Tuner
 */
export interface HyperbandOptions {
  /** The last epoch of those that get to the end. Default 100. */
  readonly maxEpochs?: number;
  /** One in so many goes on, for so many times the epochs. Default 3. */
  readonly factor?: number;
  /** Repetitions of the whole plan. Default 1. */
  readonly iterations?: number;
}

/**
 * A round of a bracket.
 *
 * @category Tuner
 */
export interface HyperbandRound {
  /** How many train in it. */
  readonly trials: number;
  /** Their last epoch. */
  readonly epochs: number;
}

/**
 * The plan of Hyperband: brackets in the order in which they begin, each a list of rounds. Same as KerasTuner 1.4.8
 * (tuners/hyperband.py), trial for trial.
 *
 * @throws `argument` fault as {@link hyperband}.
 * @example
 * ```ts
 * import { hyperbandPlan } from 'tfjs-multitask/tuner';
 *
 * const [first] = hyperbandPlan({ maxEpochs: 50 });
 * console.log(first?.map(({ trials, epochs }) => `${trials}x${epochs}`).join(' ')); // 34x2 12x6 4x17 2x50
 * ```
 * @category Tuner
 */
export function hyperbandPlan(options: HyperbandOptions = {}): HyperbandRound[][] {
  checks.optionNames('hyperband', options, ['maxEpochs', 'factor', 'iterations']);
  const { maxEpochs = 100, factor = 3 } = options;
  checks.integer('hyperband.maxEpochs', maxEpochs, {
    min: 1,
    advice: 'Give the number of epochs of the longest trials.',
  });
  checks.integer('hyperband.factor', factor, { min: 2, defaultValue: 3 });
  // How often the epochs can be divided, in whole numbers: logarithms of doubles are one off for 9, 81, 729.
  let brackets = 1;
  while (factor ** brackets <= maxEpochs) brackets++;
  let most = 1; // 1 + log_factor(maxEpochs), rounded up
  while (factor ** (most - 1) < maxEpochs) most++;
  return Array.from({ length: brackets }, (_, i) => {
    const bracket = brackets - 1 - i;
    return Array.from({ length: bracket + 1 }, (_round, round) => ({
      trials: Math.ceil((most / (bracket + 1)) * factor ** (bracket - round)),
      epochs: Math.ceil(maxEpochs / factor ** (bracket - round)),
    }));
  });
}

/**
 * Many settings for few epochs, the best of them for more, again and again; brackets that begin with fewer settings and more epochs
 * hedge against curves that cross (L. Li et al., 2018, JMLR 18:185). A promoted setting is a new trial, which goes on from its
 * parent's checkpoint with weights, optimiser and history (KerasTuner loads the weights of the best epoch alone). A trial that
 * failed is never promoted; with several objectives the first decides.
 *
 * @throws `argument` fault for `maxEpochs` or `iterations` below 1 and a factor below 2, or not whole, and an unknown option.
 * @example
 * ```ts
 * import { askAndTell, float, hyperband, minimize, space } from 'tfjs-multitask/tuner';
 *
 * const searched = space({ rate: float({ min: 1e-4, max: 1, scale: 'log' }) });
 * const search = askAndTell(searched, { strategy: hyperband({ maxEpochs: 9 }), objectives: minimize('loss') });
 * const trial = search.ask();
 * console.log(trial?.rung); // { iteration: 0, bracket: 2, round: 0, epochs: 1 }
 * ```
 * @category Tuner
 */
export function hyperband(options: HyperbandOptions = {}): Strategy {
  const plan = hyperbandPlan(options);
  const { maxEpochs = 100, factor = 3, iterations = 1 } = options;
  checks.integer('hyperband.iterations', iterations, { min: 1, defaultValue: 1 });
  return {
    name: 'hyperband',
    options: { maxEpochs, factor, iterations },
    finite: true,
    newTrialCount: iterations * plan.reduce((sum, [first]) => sum + first!.trials, 0),
    propose: (question) => {
      let waits = false;
      for (let iteration = 0; iteration < iterations; iteration++) {
        for (const [i, rounds] of plan.entries()) {
          const bracket = plan.length - 1 - i;
          const own = sortByNumber(question.trials).filter(
            ({ rung }) => rung?.iteration === iteration && rung.bracket === bracket,
          );
          const next = proposeInBracket(rounds, own, { iteration, bracket }, question);
          if (typeof next === 'object') return next;
          if (next === 'wait') waits = true;
        }
      }
      return waits ? 'wait' : 'exhausted';
    },
  };
}

/** The next trial of one bracket: a promotion where there is one, of the highest round; `full` where nothing more will come. */
function proposeInBracket(
  plan: readonly HyperbandRound[],
  own: readonly TrialRecord[],
  place: Pick<Rung, 'iteration' | 'bracket'>,
  { space, seed, number, trials, objectives }: ProposalRequest,
): Proposal | 'full' {
  const parents = new Set(own.map(({ rung }) => rung!.parent));
  const inRound = (round: number) => own.filter(({ rung }) => rung!.round === round);
  const fresh =
    inRound(0).length < plan[0]!.trials
      ? sampleUntriedParams(space, collectTriedKeys(space, trials), createRng(seed, 'hyperband', number))
      : undefined;
  let next: Proposal | undefined = fresh && {
    flatParams: fresh,
    rung: { ...place, round: 0, epochs: plan[0]!.epochs },
  };
  let settled = !fresh; // whether the round below has all the trials that it will ever have, and all of them are over
  for (let round = 1; round < plan.length; round++) {
    const past = inRound(round - 1);
    settled &&= past.every(hasEnded);
    const [before, { trials: planned, epochs }] = [plan[round - 1]!.trials, plan[round]!];
    // Failures, and a space of few settings, leave fewer to choose from.
    const size = settled ? Math.min(planned, Math.ceil((planned * past.length) / before)) : planned;
    const rest = past.filter((trial) => hasEnded(trial) && !parents.has(trial.number));
    const best = rest
      .map((trial) => ({
        trial,
        cost: trial.state === 'complete' ? computeCosts(trial, objectives)?.[0] : undefined,
      }))
      .filter((one): one is typeof one & { cost: number } => one.cost !== undefined)
      .sort((a, b) => a.cost - b.cost || a.trial.number - b.trial.number)[0];
    const room = inRound(round).length < size;
    // Of more trials than will stay behind, the best goes on whatever the others come to.
    if (best && room && (settled || rest.length > before - planned)) {
      const flatParams = flattenParams(space, best.trial.params, `trial ${best.trial.number}`);
      next = { flatParams, rung: { ...place, round, epochs, parent: best.trial.number } };
    }
    settled &&= !(best && room);
  }
  return next ?? (own.every(hasEnded) ? 'full' : 'wait');
}
