import * as checks from '../../core/errors/checks.js';
import { createRng } from '../../core/rng.js';
import { computeCosts } from '../results/bestTrials.js';
import { hasEnded, type Rung, sortByNumber, type TrialRecord } from '../results/trialRecord.js';
import { flattenParams } from '../space/flatParams.js';
import { sampleUntriedParams } from './random.js';
import { collectTriedKeys, type Proposal, type ProposalRequest, type Strategy } from './strategy.js';

/**
 * Options for {@link hyperband}.
 *
 * @category Tuner
 */
export interface HyperbandOptions {
  /** Maximum number of epochs per trial. Only the trials in the last rounds reach this number. Default: 100. */
  readonly maxEpochs?: number;
  /**
   * Reduction factor: one in `factor` trials is promoted to the next round, which has `factor` times as many epochs. Default: 3.
   */
  readonly factor?: number;
  /** Number of repetitions of the whole plan. Default: 1. */
  readonly iterations?: number;
}

/**
 * One round of a bracket in the plan of {@link hyperband}.
 *
 * @category Tuner
 */
export interface HyperbandRound {
  /** Number of trials in the round. */
  readonly trials: number;
  /** Epoch at which the trials of the round end, including the epochs of earlier rounds. */
  readonly epochs: number;
}

/**
 * Returns the brackets of Hyperband in the order in which they start. Each bracket is an array of rounds. The numbers of trials and
 * epochs match KerasTuner 1.4.8 (tuners/hyperband.py).
 *
 * @throws An `argument` error if `maxEpochs` is below 1, `factor` is below 2, one of them is not an integer, or an option is
 *   unknown.
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
  checks.options('hyperband', options, { maxEpochs: true, factor: true, iterations: true });
  const { maxEpochs = 100, factor = 3 } = options;
  checks.integer('hyperband.maxEpochs', maxEpochs, {
    min: 1,
    advice: 'Pass the number of epochs of the longest trials.',
  });
  checks.integer('hyperband.factor', factor, { min: 2, defaultValue: 3 });
  // The number of brackets is computed with integers, because rounded floating-point logarithms are off by one for 9, 81 and 729.
  let brackets = 1;
  while (factor ** brackets <= maxEpochs) brackets++;
  let trialScale = 1; // 1 + the logarithm of maxEpochs to the base `factor`, rounded up
  while (factor ** (trialScale - 1) < maxEpochs) trialScale++;
  return Array.from({ length: brackets }, (_, i) => {
    const bracket = brackets - 1 - i;
    return Array.from({ length: bracket + 1 }, (_round, round) => ({
      trials: Math.ceil((trialScale / (bracket + 1)) * factor ** (bracket - round)),
      epochs: Math.ceil(maxEpochs / factor ** (bracket - round)),
    }));
  });
}

/**
 * Creates the Hyperband strategy (L. Li et al., 2018, JMLR 18:185). A bracket runs many trials for a few epochs, promotes the best
 * of them to a round with more epochs, and so on. Later brackets start with fewer trials and more epochs, because the best params
 * after a few epochs are not always the best in the end.
 *
 * - A promotion is a new trial that continues from its parent's checkpoint, with weights, optimizer state and history. KerasTuner
 *   loads only the weights of the best epoch.
 * - Failed trials are never promoted.
 * - With several objectives, trials are compared by the first objective.
 *
 * @throws An `argument` error if `maxEpochs` or `iterations` is below 1, `factor` is below 2, one of them is not an integer, or an
 *   option is unknown.
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
    propose: (request) => {
      let mustWait = false;
      for (let iteration = 0; iteration < iterations; iteration++) {
        for (const [i, rounds] of plan.entries()) {
          const bracket = plan.length - 1 - i;
          const bracketTrials = sortByNumber(request.trials).filter(
            ({ rung }) => rung?.iteration === iteration && rung.bracket === bracket,
          );
          const next = proposeInBracket(rounds, bracketTrials, { iteration, bracket }, request);
          if (typeof next === 'object') return next;
          if (next === 'wait') mustWait = true;
        }
      }
      return mustWait ? 'wait' : 'exhausted';
    },
  };
}

/**
 * Proposes the next trial of one bracket. A promotion has priority over new params, and a promotion to a later round has
 * priority over a promotion to an earlier round. Returns `full` if the bracket is complete.
 */
function proposeInBracket(
  plan: readonly HyperbandRound[],
  bracketTrials: readonly TrialRecord[],
  position: Pick<Rung, 'iteration' | 'bracket'>,
  { space, seed, number, trials, objectives }: ProposalRequest,
): Proposal | 'full' {
  const parents = new Set(bracketTrials.map(({ rung }) => rung!.parent));
  const inRound = (round: number) => bracketTrials.filter(({ rung }) => rung!.round === round);
  const newParams =
    inRound(0).length < plan[0]!.trials
      ? sampleUntriedParams(space, collectTriedKeys(space, trials), createRng(seed, 'hyperband', number))
      : undefined;
  let next: Proposal | undefined = newParams && {
    flatParams: newParams,
    rung: { ...position, round: 0, epochs: plan[0]!.epochs },
  };
  // True if no more trials will be added to the previous round and all of its trials have ended.
  let isPreviousRoundComplete = !newParams;
  for (let round = 1; round < plan.length; round++) {
    const previousTrials = inRound(round - 1);
    isPreviousRoundComplete &&= previousTrials.every(hasEnded);
    const [previousSize, { trials: planned, epochs }] = [plan[round - 1]!.trials, plan[round]!];
    // If failed trials or a small search space reduce the number of trials in a round, the sizes of later rounds are reduced in
    // proportion.
    const size = isPreviousRoundComplete
      ? Math.min(planned, Math.ceil((planned * previousTrials.length) / previousSize))
      : planned;
    const candidates = previousTrials.filter((trial) => hasEnded(trial) && !parents.has(trial.number));
    const best = candidates
      .map((trial) => ({
        trial,
        cost: trial.state === 'complete' ? computeCosts(trial, objectives)?.[0] : undefined,
      }))
      .filter((scored): scored is typeof scored & { cost: number } => scored.cost !== undefined)
      .sort((a, b) => a.cost - b.cost || a.trial.number - b.trial.number)[0];
    const hasCapacity = inRound(round).length < size;
    // If more trials have ended than will be left unpromoted, the best of them is certain to be promoted, whatever the results of
    // the remaining trials.
    if (best && hasCapacity && (isPreviousRoundComplete || candidates.length > previousSize - planned)) {
      const flatParams = flattenParams(space, best.trial.params, `trial ${best.trial.number}`);
      next = { flatParams, rung: { ...position, round, epochs, parent: best.trial.number } };
    }
    isPreviousRoundComplete &&= !(best && hasCapacity);
  }
  return next ?? (bracketTrials.every(hasEnded) ? 'full' : 'wait');
}
