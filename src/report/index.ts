/**
 * Figures from plain records of a run, in Node and in a page alike. `tfjs-multitask/node` has the same with its tools bound.
 *
 * @module tfjs-multitask/report
 */
export type { ArchitectureRecord, LayerRecord } from '../core/architecture.js';
export type { HeatMap } from '../core/heat.js';
export {
  type BestEpoch,
  bestEpoch,
  type HistoryRecord,
  type HistoryRow,
  type TaskRecord,
} from '../core/history.js';
export type { ImageBytes } from '../core/images.js';
export { architectureDiagram } from './architectureDiagram.js';
export { type HeatOverlayOptions, heatOverlay } from './heatOverlay.js';
export { type LearningCurvesOptions, learningCurves } from './learningCurves.js';
export type { ChartTools, GraphvizTool } from './tools.js';
