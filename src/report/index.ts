/**
 * Figures from plain records of a run, in Node and in a page alike. `tfjs-multitask/node` has the same with its tools bound.
 *
 * @module tfjs-multitask/report
 */
export type { ArchitectureRecord, CallSource, LayerRecord } from '../core/architecture.js';
export {
  type BestEpoch,
  bestEpoch,
  type HistoryRecord,
  type HistoryRow,
  type TaskRecord,
} from '../core/history.js';
export { architectureDiagram } from './architectureDiagram.js';
export { type LearningCurvesOptions, learningCurves } from './learningCurves.js';
export { curvesSideBySide, type RunsOfSetting, type SideBySideOptions } from './sideBySide.js';
export type { ChartTools, GraphvizTool } from './tools.js';
