/**
 * Search for good settings: typed spaces, strategies, pruners, and a search that is asked and told. Plain data in, plain data out;
 * `tfjs-multitask/node` runs studies with it.
 *
 * @module tfjs-multitask/tuner
 */
export type { HistoryRow } from '../core/history.js';
export type { Json } from '../core/json.js';
export { askAndTell, type Search, type SearchOptions } from './askAndTell.js';
export { type GridOptions, grid } from './grid.js';
export { type HyperbandOptions, hyperband, hyperbandPlan, type Round } from './hyperband.js';
export { type Importance, importances } from './importance.js';
export { maximize, minimize, type Objective, type Objectives } from './objectives.js';
export { choice, type FloatOptions, float, type IntOptions, int, type Parameter } from './parameters.js';
export {
  type MedianPrunerOptions,
  medianPruner,
  type Pruner,
  type SuccessiveHalvingOptions,
  successiveHalving,
} from './pruners.js';
export { random } from './random.js';
export { bestTrial, paretoFront, type Rung, type TrialRecord, type TrialState } from './records.js';
export { resultsCsv, resultsTable } from './results.js';
export {
  type Alternatives,
  alternatives,
  type Condition,
  type Dimension,
  type Flat,
  type Parts,
  type Space,
  space,
  type ValuesOf,
} from './space.js';
export type { Proposal, Proposed, Question, Strategy } from './strategy.js';
export { type Study, type StudyOptions, study, type Trial, type TrialFit } from './study.js';
export { type TpeOptions, tpe } from './tpe.js';
