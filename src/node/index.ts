/**
 * Functions for Node: datasets and stores for folders, image decoders, pretrained backbones, reports, and hyperparameter search.
 *
 * @module tfjs-multitask/node
 */
export {
  type BackboneFileOptions,
  efficientNetB0Backbone,
  mobileNetV2Backbone,
  resnet50Backbone,
} from './backbones/backbones.js';
export { imageFolder } from './imageFolder.js';
export { folderStore } from './platform/folderStore.js';
export { saveFile } from './platform/saveFile.js';
export { sharpDecoder } from './platform/sharpDecoder.js';
export { type SharpEncoderOptions, sharpEncoder } from './platform/sharpEncoder.js';
export { workerThreads } from './platform/workerThreads.js';
export { architectureDiagram, learningCurveGrid, learningCurves, saveFigure } from './report/figures.js';
export { type RecordRunOptions, recordRun } from './report/recordRun.js';
export { svgToPng } from './report/svgToPng.js';
export { type Watch, type WatchOptions, watchRun } from './report/watchRun.js';
export { type WriteReportOptions, writeReport } from './report/writeReport.js';
export { type LiveTable, liveTable, type TerminalStream } from './tuning/liveTable.js';
export { readStudy } from './tuning/readStudy.js';
export { type RunSingleTrialOptions, runSingleTrial } from './tuning/runSingleTrial.js';
export { type RunStudyOptions, runStudy, type StudyResult } from './tuning/runStudy.js';
export { type RunStudyWorkerOptions, runStudyWorker } from './tuning/runStudyWorker.js';
export type { StudyModule } from './tuning/studyModule.js';
export type { StudySettings } from './tuning/trial/loadStudy.js';
export type { QueueOptions } from './tuning/trialQueue.js';
export { writeStudyResults } from './tuning/writeStudyResults.js';
