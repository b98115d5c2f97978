/**
 * Figures from plain records of a run, in Node and in a page alike. `tfjs-multitask/node` has the same with its tools bound.
 *
 * @module tfjs-multitask/report
 */
export type { ArchitectureRecord, CallSource, LayerRecord } from '../core/architecture.js';
export type { HeatMap } from '../core/heat.js';
export {
  type BestEpoch,
  bestEpoch,
  type HistoryRecord,
  type HistoryRow,
  type TaskRecord,
} from '../core/history.js';
export type { ImageBytes } from '../core/images.js';
export type {
  AnswerRecord,
  AnswerValue,
  AugmentedRecord,
  EngineRecord,
  GradCamRecord,
  PictureRecord,
  RunRecord,
  SplitRecord,
} from '../core/runRecord.js';
export { architectureDiagram } from './architectureDiagram.js';
export type { ReportFigure } from './chart.js';
export { type DescribeRunOptions, describeRun, type GroupsOf, type RunHistory } from './describeRun.js';
export { type HeatOverlayOptions, heatOverlay } from './heatOverlay.js';
export { type GradCamPicture, type KeepPicturesOptions, keepPictures } from './keepPictures.js';
export { type LearningCurvesOptions, learningCurves } from './learningCurves.js';
export { modelCard } from './modelCard.js';
export { type Report, type ReportPageOptions, reportOf, reportPage } from './page.js';
export { type ReadRunOptions, type ReportedRun, readRun } from './readRun.js';
export { curvesSideBySide, type RunsOfSetting, type SideBySideOptions } from './sideBySide.js';
export { studyFigures } from './studyFigures.js';
export { studyPage } from './studyPage.js';
export type { ChartTools, GraphvizTool, ReportTools } from './tools.js';
