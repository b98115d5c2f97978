/**
 * Reports, figures and model cards for runs and studies. They are created from plain records, in Node and on web pages.
 * The functions with the same names in `tfjs-multitask/node` load the necessary packages themselves.
 *
 * @module tfjs-multitask/report
 */

export type { ImageBytes } from '../core/images.js';
export type { ArchitectureRecord, LayerRecord } from '../core/records/architecture.js';
export type { HeatMap } from '../core/records/heatMap.js';
export {
  type BestEpoch,
  findBestEpoch,
  type HistoryRecord,
  type HistoryRow,
  type TaskRecord,
} from '../core/records/history.js';
export type {
  AugmentationRecord,
  EngineRecord,
  GradCamRecord,
  ImageRecord,
  PredictionRecord,
  PredictionValue,
  RunRecord,
  SplitRecord,
} from '../core/records/runRecord.js';
export {
  type CreateRunRecordOptions,
  createRunRecord,
  type GroupFunction,
  type RunHistory,
} from '../recording/createRunRecord.js';
export { type GradCamImage, type SaveRunImagesOptions, saveRunImages } from '../recording/saveRunImages.js';
export { architectureDiagram } from './charts/architectureDiagram.js';
export type { ReportFigure } from './charts/chart.js';
export type { ChartTools, GraphvizTool, PlotModule, ReportTools } from './charts/chartTools.js';
export { type HeatOverlayOptions, heatOverlay } from './charts/heatOverlay.js';
export {
  type LearningCurveGridOptions,
  learningCurveGrid,
  type RunGroup,
} from './charts/learningCurveGrid.js';
export { type LearningCurvesOptions, learningCurves } from './charts/learningCurves.js';
export { createReport, createReportPage, type Report, type ReportPageOptions } from './pages/createReport.js';
export { createModelCard } from './pages/modelCard.js';
export { type ReadRunRecordOptions, type ReportedRun, readRunRecord } from './records/readRunRecord.js';
export { createStudyReport } from './study/createStudyReport.js';
export { studyFigures } from './study/studyFigures.js';
