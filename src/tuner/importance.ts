import { firstOf, type Objectives } from './objectives.js';
import { estimateOf } from './parzen.js';
import { ranked } from './ranked.js';
import type { TrialRecord } from './records.js';
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
}

/** Places at which estimates of a number without a step are compared. */
const PLACES = 64;

/**
 * How much each parameter mattered for getting among the best quarter of the trials by the first objective: by the Pearson divergence of where the best are
 * from where all are, one parameter at a time (PED-ANOVA, S. Watanabe, A. Bansal and F. Hutter, 2023). It says what set good trials
 * apart, not what a change would bring; with fewer than some twenty trials it says little. Empty for fewer than four.
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
  const order = ranked(trials, firstOf(objectives)).map(({ number, values }) =>
    flattened(searched, values, `trial ${number}`),
  );
  if (order.length < 4) return [];
  const divergences = searched.dimensions.map((dimension) => divergence(dimension, order));
  const sum = divergences.reduce((total, one) => total + one, 0);
  return searched.dimensions.map(({ path }, i) => ({ path, share: sum > 0 ? divergences[i]! / sum : 0 }));
}

/** `∫ (best / all - 1)² all`, of the trials that have a value. */
function divergence({ path, parameter }: Dimension, order: readonly Flat[]): number {
  const own = order.filter((flat) => flat.has(path));
  if (own.length < 4) return 0;
  const line: Space<Parts> = { '~parts': {}, dimensions: [{ path, parameter }], count: parameter.count };
  const best = estimateOf(line, own.slice(0, Math.ceil(own.length / 4)));
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
