import { checkWhole } from '../core/checkWhole.js';
import { checkNames } from '../core/errors.js';
import { keyOf, settingAt } from './settings.js';
import type { Flat, Parts, Space } from './space.js';
import type { Strategy } from './strategy.js';

/**
 * Options of {@link grid}.
 *
 * @category Tuner
 */
export interface GridOptions {
  /** Values taken of a `float` without a step, both its ends among them; of an `int` all are. Default 5. */
  readonly steps?: number;
}

/**
 * Every setting in turn, the last parameter changing fastest. Trial n is setting n, whatever became of the others, so that jobs on
 * many machines can each take their own.
 *
 * @throws `argument` fault for fewer than two steps, and an unknown option.
 * @example
 * ```ts
 * import { askAndTell, choice, float, grid, minimize, space } from 'tfjs-multitask/tuner';
 *
 * const searched = space({ dropout: float({ min: 0, max: 0.5 }), filters: choice([32, 64]) });
 * const search = askAndTell(searched, { strategy: grid({ steps: 3 }), objectives: minimize('loss') });
 * for (let trial = search.ask(); trial; trial = search.ask()) console.log(trial.values); // { dropout: 0, filters: 32 } …
 * ```
 * @category Tuner
 */
export function grid(options: GridOptions = {}): Strategy {
  checkNames('grid', options, ['steps']);
  const { steps = 5 } = options;
  checkWhole('grid.steps', steps, 2, 'Leave it out for 5.');
  return {
    name: 'grid',
    options: { steps },
    alone: true,
    ends: true,
    propose: ({ space, first, number }) => {
      const flat = first[number - 1] ?? settingAfter(first, space, number - 1, steps);
      return flat ? { flat } : 'exhausted';
    },
  };
}

/** The setting with this number, if some come first and are left out further on. */
function settingAfter(
  first: readonly Flat[],
  searched: Space<Parts>,
  index: number,
  steps: number,
): Flat | undefined {
  if (first.length === 0) return settingAt(searched, index, steps);
  const tried = new Set(first.map(keyOf));
  let left = index - first.length;
  for (let i = 0; ; i++) {
    const flat = settingAt(searched, i, steps);
    if (!flat || (!tried.has(keyOf(flat)) && left-- === 0)) return flat;
  }
}
