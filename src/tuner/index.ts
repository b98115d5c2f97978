/**
 * Hyperparameter search: typed search spaces, strategies, pruners, and an ask-and-tell interface. Inputs and outputs are plain
 * data. To run a whole study, use `runStudy` from `tfjs-multitask/node`.
 *
 * @module tfjs-multitask/tuner
 */

export type { Json } from '../core/json.js';
export type { HistoryRow } from '../core/records/history.js';
export { askAndTell, type Search, type SearchOptions } from './askAndTell.js';
export type { SearchDefinition } from './checkSearch.js';
export { type MedianPrunerOptions, medianPruner } from './pruners/medianPruner.js';
export type { Pruner } from './pruners/pruner.js';
export {
  type SuccessiveHalvingPrunerOptions,
  successiveHalvingPruner,
} from './pruners/successiveHalvingPruner.js';
export { bestTrial, paretoFront } from './results/bestTrials.js';
export { maximize, minimize, type Objective, type Objectives } from './results/objectives.js';
export { getParamImportances, type ParamImportance } from './results/paramImportances.js';
export { resultsCsv } from './results/resultsCsv.js';
export { resultsTable } from './results/resultsTable.js';
export type { SearchTarget } from './results/searchTarget.js';
export type { Rung, TrialRecord, TrialState } from './results/trialRecord.js';
export {
  choice,
  type FloatOptions,
  float,
  type IntOptions,
  int,
  type Parameter,
} from './space/parameters.js';
export {
  type Alternatives,
  alternatives,
  type Condition,
  type Dimension,
  type FlatParams,
  type ParameterMap,
  type ParamsOf,
  type Space,
  space,
} from './space/space.js';
export { type GridOptions, grid } from './strategies/grid.js';
export {
  type HyperbandOptions,
  type HyperbandRound,
  hyperband,
  hyperbandPlan,
} from './strategies/hyperband.js';
export { random } from './strategies/random.js';
export type { Proposal, ProposalRequest, ProposedParams, Strategy } from './strategies/strategy.js';
export { type TpeOptions, tpe } from './strategies/tpe.js';
export { type Study, type StudyOptions, study, type Trial, type TrialFitOptions } from './study.js';
