import type { Space } from '../space/space.js';
import type { Objectives } from './objectives.js';

/**
 * Search space and objectives that are needed to evaluate the trial records of a search. A study can be passed as a search
 * target.
 *
 * @category Tuner
 */
export interface SearchTarget {
  /** Search space that the params of the trials belong to. */
  readonly space: Space<any>;
  /** History columns by which the trials are compared. */
  readonly objectives: Objectives;
}
