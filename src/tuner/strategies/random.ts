import { createRng, type Rng } from '../../core/rng.js';
import { buildFlatParams, toParamsKey } from '../space/flatParams.js';
import { getGridParams } from '../space/gridParams.js';
import type { FlatParams, ParameterMap, Space } from '../space/space.js';
import { collectTriedKeys, type Strategy } from './strategy.js';

/** Draws after which the settings that are left are counted instead. */
const MAX_DRAWS = 50;
/** Settings that are counted at most. */
const MAX_ENUMERATED = 100_000;
/** Draws where they are not counted. All of them tried means that none is left: a number without a step may have few values, if its bounds are next to each other. */
const MAX_DRAWS_OF_LARGE_SPACE = 10_000;

/**
 * Settings by chance, each place as likely as any, and never the same twice: a space of few settings ends when all were tried
 * (KerasTuner ends after 20 collisions, which may be before).
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

/** A setting that was not tried, by chance; undefined where all were. */
export function sampleUntriedParams(
  searched: Space<ParameterMap>,
  tried: ReadonlySet<string>,
  draws: Rng,
): FlatParams | undefined {
  const many = searched.count > MAX_ENUMERATED;
  for (let i = 0; i < (many ? MAX_DRAWS_OF_LARGE_SPACE : MAX_DRAWS); i++) {
    const flat = buildFlatParams(searched, ({ parameter }) => parameter.probToValue(draws.next()));
    if (!tried.has(toParamsKey(flat))) return flat;
  }
  if (many) return undefined;
  const left: FlatParams[] = [];
  for (let i = 0; i < searched.count; i++) {
    const flat = getGridParams(searched, i, 1)!;
    if (!tried.has(toParamsKey(flat))) left.push(flat);
  }
  return left[draws.nextInt(left.length)];
}
