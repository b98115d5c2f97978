import * as checks from '../../core/errors/checks.js';
import { flattenParams } from '../space/flatParams.js';
import { findGridIndex, getGridParams } from '../space/gridParams.js';
import type { Strategy } from './strategy.js';

/**
 * Options for {@link grid}.
 *
 * @category Tuner
 */
export interface GridOptions {
  /**
   * Number of grid values of a `float` parameter without a step, including `min` and `max`. All values of other parameters are
   * used. Default: 5.
   */
  readonly steps?: number;
}

/**
 * Creates a grid search strategy, which tries every combination of values. The last parameter changes fastest. The params depend
 * only on the trial number, so machines can run trials independently.
 *
 * @throws An `argument` error if `steps` is below 2 or not an integer, or an option is unknown.
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
  checks.options('grid', options, { steps: true });
  const { steps = 5 } = options;
  checks.integer('grid.steps', steps, { min: 2, defaultValue: 5 });
  return {
    name: 'grid',
    options: { steps },
    independent: true,
    finite: true,
    propose: ({ space, number, trials }) => {
      // Trials with initial params do not count as grid trials, and grid points that equal initial params are skipped.
      const initialTrials = trials.filter((trial) => trial.isInitial && trial.number < number);
      const skippedIndices = initialTrials
        .map(({ params }) => findGridIndex(space, flattenParams(space, params), steps))
        .filter((skipped) => skipped !== undefined);
      let index = number - 1 - initialTrials.length;
      for (const skipped of skippedIndices.sort((a, b) => a - b)) if (skipped <= index) index++;
      const flatParams = getGridParams(space, index, steps);
      return flatParams ? { flatParams } : 'exhausted';
    },
  };
}
