import type { Space } from '../space/space.js';
import type { Objectives } from './objectives.js';

/**
 * The space and the objectives of a search, which give its trials their meaning. Every study has both.
 *
 * @category Tuner
 */
export interface SearchTarget {
  /** Space that the params of the trials belong to. */
  readonly space: Space<any>;
  /** Columns of the history that the trials are compared by. */
  readonly objectives: Objectives;
}
