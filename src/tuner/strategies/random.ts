import * as checks from '../../core/errors/checks.js';
import { createRng, type Rng } from '../../core/rng.js';
import { buildFlatParams, toParamsKey } from '../space/flatParams.js';
import { getGridParams } from '../space/gridParams.js';
import type { FlatParams, ParameterMap, Space } from '../space/space.js';
import { collectTriedKeys, type Strategy } from './strategy.js';

/**
 * Maximum number of random draws to find untried params in a small search space. If all drawn params have already been tried, the
 * untried params are enumerated instead.
 */
const MAX_DRAWS = 50;
/** Maximum number of combinations of values in a search space whose untried params are enumerated. */
const MAX_ENUMERATED = 100_000;
/**
 * Maximum number of random draws to find untried params in a search space that is too large to enumerate. If all drawn params have
 * already been tried, the space counts as exhausted. This can happen if the bounds of a continuous parameter are neighboring
 * floating-point numbers.
 */
const MAX_DRAWS_OF_LARGE_SPACE = 10_000;

/**
 * Creates a strategy that samples params at random and never repeats them. In a small space, the search ends when all params have
 * been tried. KerasTuner may stop earlier: as soon as 20 draws in a row return params that have already been tried.
 *
 * @example
 * ```ts
 * import { askAndTell, choice, minimize, random, space } from 'tfjs-multitask/tuner';
 *
 * const search = askAndTell(space({ filters: choice([32, 64]) }), { strategy: random(), objectives: minimize('loss') });
 * console.log([search.ask(), search.ask()].map((trial) => trial?.params.filters).sort(), search.ask()); // [ 32, 64 ] undefined
 * ```
 * @category Tuner
 */
export function random(): Strategy {
  checks.noOptions('random', arguments[0]);
  return {
    name: 'random',
    options: {},
    independent: true,
    propose: ({ space, seed, number, trials }) => {
      const flatParams = sampleUntriedParams(
        space,
        collectTriedKeys(space, trials),
        createRng(seed, 'random', number),
      );
      return flatParams ? { flatParams } : 'exhausted';
    },
  };
}

/** Samples params that are not in `tried`. Returns undefined if all params have been tried. */
export function sampleUntriedParams(
  searchSpace: Space<ParameterMap>,
  tried: ReadonlySet<string>,
  rng: Rng,
): FlatParams | undefined {
  const isLarge = searchSpace.count > MAX_ENUMERATED;
  for (let i = 0; i < (isLarge ? MAX_DRAWS_OF_LARGE_SPACE : MAX_DRAWS); i++) {
    const flatParams = buildFlatParams(searchSpace, ({ parameter }) => parameter.probToValue(rng.next()));
    if (!tried.has(toParamsKey(flatParams))) return flatParams;
  }
  if (isLarge) return undefined;
  const untried: FlatParams[] = [];
  for (let i = 0; i < searchSpace.count; i++) {
    const flatParams = getGridParams(searchSpace, i, 1)!;
    if (!tried.has(toParamsKey(flatParams))) untried.push(flatParams);
  }
  return untried[rng.nextInt(untried.length)];
}
