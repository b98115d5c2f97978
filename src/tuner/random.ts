import { type Rng, rng } from '../core/rng.js';
import { settingAt } from './settingAt.js';
import { keyOf, setting } from './settings.js';
import type { Flat, Parts, Space } from './space.js';
import { type Strategy, triedIn } from './strategy.js';

/** Draws after which the settings that are left are counted instead. */
const DRAWS = 50;
/** Settings that are counted at most. */
const MOST = 100_000;
/** Draws where they are not counted. All of them tried means that none is left: a number without a step may have few values, if its bounds are next to each other. */
const DRAWS_OF_MANY = 10_000;

/**
 * Settings by chance, each place as likely as any, and never the same twice: a space of few settings ends when all were tried
 * (KerasTuner ends after 20 collisions, which may be before).
 *
 * @example
 * ```ts
 * import { askAndTell, choice, minimize, random, space } from 'tfjs-multitask/tuner';
 *
 * const search = askAndTell(space({ filters: choice([32, 64]) }), { strategy: random(), objectives: minimize('loss') });
 * console.log([search.ask(), search.ask()].map((trial) => trial?.values.filters).sort(), search.ask()); // [ 32, 64 ] undefined
 * ```
 * @category Tuner
 */
export function random(): Strategy {
  return {
    name: 'random',
    options: {},
    alone: true,
    propose: ({ space, seed, number, trials }) => {
      const flat = untried(space, triedIn(space, trials), rng(seed, 'random', number));
      return flat ? { flat } : 'exhausted';
    },
  };
}

/** A setting that was not tried, by chance; undefined where all were. */
export function untried(searched: Space<Parts>, tried: ReadonlySet<string>, draws: Rng): Flat | undefined {
  const many = searched.count > MOST;
  for (let i = 0; i < (many ? DRAWS_OF_MANY : DRAWS); i++) {
    const flat = setting(searched, ({ parameter }) => parameter.at(draws.next()));
    if (!tried.has(keyOf(flat))) return flat;
  }
  if (many) return undefined;
  const left: Flat[] = [];
  for (let i = 0; i < searched.count; i++) {
    const flat = settingAt(searched, i, 1)!;
    if (!tried.has(keyOf(flat))) left.push(flat);
  }
  return left[draws.below(left.length)];
}
