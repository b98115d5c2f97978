import type { Space } from '../space/space.js';
import type { Objectives } from './objectives.js';

/**
 * The search space and the objectives that are needed to interpret trials. A study is a search target.
 *
 * @category Tuner
 */
export interface SearchTarget {
  /** Space that the params of the trials belong to. */
  readonly space: Space<any>;
  /** History columns by which the trials are compared. */
  readonly objectives: Objectives;
}
