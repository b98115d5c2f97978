/**
 * What needs Node: folders of images, files, decoders, figures drawn with packages that are installed.
 *
 * @module tfjs-multitask/node
 */
export {
  type BackboneFileOptions,
  efficientNetB0Backbone,
  mobileNetV2Backbone,
  resnet50Backbone,
} from './backbones.js';
export { sharpDecoder } from './decode.js';
export { type EncoderOptions, sharpEncoder } from './encode.js';
export { architectureDiagram, curvesSideBySide, learningCurves, saveFigure, svgToPng } from './figures.js';
export { folderStore } from './folderStore.js';
export { imageFolder } from './imageFolder.js';
export { type LoadKerasOptions, type LoadKerasTasks, loadKeras } from './loadKeras.js';
export { loadPackage } from './packages.js';
export { type RecordRunOptions, recordRun } from './recordRun.js';
export { type ReportFilesOptions, report } from './report.js';
export { saveKeras } from './saveKeras.js';
export { type LiveTable, liveTable } from './study/liveTable.js';
export type { Settings as StudySettings } from './study/loadStudy.js';
export type { QueueOptions } from './study/queue.js';
export { readStudy } from './study/readStudy.js';
export { type RunStudyOptions, runStudy, type StudyResult } from './study/runStudy.js';
export type { NeedsSettings, SettingsOf, StudyModule, StudyOf, TrialOf } from './study/studyModule.js';
export { studyResults } from './study/studyResults.js';
export { type StudyTrialOptions, studyTrial } from './study/studyTrial.js';
export { type StudyWorkerOptions, studyWorker } from './study/worker.js';
export { workerThreads } from './threads.js';
export { type Watch, type WatchOptions, watchRun } from './watchRun.js';
