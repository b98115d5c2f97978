export type { ArchitectureRecord, LayerRecord } from '../core/architecture.js';
export {
  type BestEpoch,
  bestEpoch,
  type HistoryRecord,
  type HistoryRow,
  type TaskRecord,
} from '../core/history.js';
export { architectureDiagram } from './architectureDiagram.js';
export { type LearningCurvesOptions, learningCurves } from './learningCurves.js';
export type { ChartTools, GraphvizTool } from './tools.js';
