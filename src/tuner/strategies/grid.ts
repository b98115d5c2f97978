import * as checks from '../../core/errors/checks.js';
import { flattenParams } from '../space/flatParams.js';
import { findGridIndex, getGridParams } from '../space/gridParams.js';
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
 * for (let trial = search.ask(); trial; trial = search.ask()) console.log(trial.params); // { dropout: 0, filters: 32 } …
 * ```
 * @category Tuner
 */
export function grid(options: GridOptions = {}): Strategy {
  checks.optionNames('grid', options, ['steps']);
  const { steps = 5 } = options;
  checks.integer('grid.steps', steps, { min: 2, defaultValue: 5 });
  return {
    name: 'grid',
    options: { steps },
    independent: true,
    finite: true,
    propose: ({ space, number, trials }) => {
      // Those that were given take no place of their own, and are left out where they lie.
      const given = trials.filter((trial) => trial.isInitial && trial.number < number);
      const places = given
        .map(({ params }) => findGridIndex(space, flattenParams(space, params), steps))
        .filter((place) => place !== undefined);
      let index = number - 1 - given.length;
      for (const place of places.sort((a, b) => a - b)) if (place <= index) index++;
      const flatParams = getGridParams(space, index, steps);
      return flatParams ? { flatParams } : 'exhausted';
    },
  };
}
