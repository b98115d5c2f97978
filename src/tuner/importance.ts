import { firstOf, type Objectives } from './objectives.js';
import { estimateOf } from './parzen.js';
import { ranked } from './ranked.js';
import { costsOf, type TrialRecord } from './records.js';
import { flattened } from './settings.js';
import type { Dimension, Flat, Parts, Space } from './space.js';

/**
 * How much one parameter mattered.
 *
 * @category Tuner
 */
export interface Importance {
  /** Of the parameter, as in `space.dimensions`. */
  readonly path: string;
  /** Its share of the whole, 0 to 1; all add up to 1, or to 0 where nothing mattered. */
  readonly share: number;
  /** Too few trials had a value of it, fewer than four: its share is 0, and says nothing. */
  readonly tooFew?: true;
}

/** Places at which estimates of a number without a step are compared. */
const PLACES = 64;
/** Trials of which a quarter is one. */
const FEWEST = 4;

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
 *   const { number, values } = search.ask()!;
 *   search.tell(number, { loss: values.rate ** 2 });
 * }
 * const [rate] = importances(searched, search.trials, objectives);
 * console.log(rate!.share > 0.8); // true
 * ```
 * @category Tuner
 */
export function importances(
  searched: Space<any>,
  trials: readonly TrialRecord[],
  objectives: Objectives,
): Importance[] {
  const objective = firstOf(objectives);
  const order = ranked(trials, objective).map((trial): Ranked => {
    const [cost] = costsOf(trial, objective)!;
    return {
      flat: flattened(searched, trial.values, `trial ${trial.number}`),
      worth: trial.state === 'complete' ? `${cost}` : `${cost} pruned at ${trial.rows.length}`,
    };
  });
  if (order.length < FEWEST) return [];
  const divergences = searched.dimensions.map((dimension) => {
    const own = order.filter(({ flat }) => flat.has(dimension.path));
    return own.length < FEWEST ? undefined : divergence(dimension, own);
  });
  const sum = divergences.reduce<number>((total, one = 0) => total + one, 0);
  return searched.dimensions.map(({ path }, i) => {
    const own = divergences[i];
    if (own === undefined) return { path, share: 0, tooFew: true };
    return { path, share: sum > 0 ? own / sum : 0 };
  });
}

/** A trial's setting, and what it is ranked by: equal for those that are as good as each other. */
interface Ranked {
  readonly flat: Flat;
  readonly worth: string;
}

/** How many of some trials, the best first, are the best quarter: all that are equally good, or none of them. 0 where all are equal. */
function quarterOf(order: readonly Ranked[]): number {
  const edge = Math.ceil(order.length / 4);
  const { worth } = order[edge - 1]!;
  const from = order.findIndex((one) => one.worth === worth);
  const to = order.findLastIndex((one) => one.worth === worth) + 1;
  if (to === order.length) return from;
  return from === 0 || to - edge <= edge - from ? to : from;
}

/** `∫ (best / all - 1)² all`, of trials that have a value, the best first. */
function divergence({ path, parameter }: Dimension, order: readonly Ranked[]): number {
  const near = quarterOf(order);
  if (near === 0) return 0;
  const own = order.map(({ flat }) => flat);
  const line: Space<Parts> = { '~parts': {}, dimensions: [{ path, parameter }], count: parameter.count };
  const best = estimateOf(line, own.slice(0, near));
  const all = estimateOf(line, own);
  const each = parameter.nth && parameter.count <= PLACES;
  const count = each ? parameter.count : PLACES;
  const places = Array.from({ length: count }, (_, i) => {
    const value = each ? parameter.nth!(i) : parameter.at((i + 0.5) / count);
    const flat: Flat = new Map([[path, value]]);
    // Of values taken at even places a wide one comes several times: each time for a part of its probability.
    const [from, to] = each ? [0, 1] : parameter.cell(value)!;
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
