/**
 * Compose, train and use networks that answer several questions about each image. In Node and in a page alike.
 *
 * @module tfjs-multitask
 */
export { type Augmentation, augment } from './augment/augment.js';
export { horizontalFlip, rotation, shear, shift, verticalFlip, zoom } from './augment/geometry.js';
export { brightness, contrast, cutout, greyscale, saturation } from './augment/values.js';
export { bestCheckpoint } from './callbacks/bestCheckpoint.js';
export { csvLog } from './callbacks/csvLog.js';
export { earlyStopping } from './callbacks/earlyStopping.js';
export { jsonLines } from './callbacks/jsonLines.js';
export { type ProgressOutput, progress } from './callbacks/progress.js';
export { reduceLROnPlateau } from './callbacks/reduceLROnPlateau.js';
export { terminateOnNaN } from './callbacks/terminateOnNaN.js';
export { isMultitaskError, MultitaskError } from './core/errors.js';
export { type BestEpoch, bestEpoch, type HistoryRecord, type HistoryRow } from './core/history.js';
export { memoryStore } from './core/memoryStore.js';
export { type Rng, rng } from './core/rng.js';
export { csvLabels, number, oneOf } from './data/csv.js';
export { Dataset } from './data/dataset.js';
export { imagesInMemory } from './data/inMemory.js';
export type { LabelSource } from './data/labels.js';
export { utkFace } from './data/utkFace.js';
export { type EngineChoice, useEngine } from './engines/choose.js';
export { activation, batchNorm } from './layers/batchNorm.js';
export type { Block } from './layers/block.js';
export { conv, depthwiseConv } from './layers/conv.js';
export { dense, dropout, flatten } from './layers/dense.js';
export { type Branch, branch, sharedTrunk, type Trunk } from './layers/parts.js';
export { averagePool, globalAveragePool, maxPool } from './layers/pooling.js';
export { residual } from './layers/residual.js';
export { binaryCrossentropy, categoricalCrossentropy } from './losses/classification.js';
export { customLoss, type Loss } from './losses/loss.js';
export { huber, meanAbsoluteError, meanSquaredError } from './losses/regression.js';
export { accuracy } from './metrics/accuracy.js';
export type { Metric } from './metrics/metric.js';
export { mae, mse, rmse } from './metrics/regression.js';
export { adam, adamw } from './optimizers/adam.js';
export type { Optimizer } from './optimizers/optimizer.js';
export { sgd } from './optimizers/sgd.js';
export { constant } from './schedules/constant.js';
export { cosineDecay } from './schedules/cosineDecay.js';
export { exponentialDecay } from './schedules/exponentialDecay.js';
export type { Schedule } from './schedules/schedule.js';
export { warmup } from './schedules/warmup.js';
export { binary, categorical } from './tasks/classification.js';
export { regression } from './tasks/regression.js';
export type { Task } from './tasks/task.js';
export type { Callback } from './training/callback.js';
export { loadModel, type MultiTaskModel } from './training/model.js';
export { type MultiTaskBuilder, multiTask } from './training/multiTask.js';
export { type WeightedLoss, weightedLoss } from './training/weightedLoss.js';
