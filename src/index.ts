/**
 * Compose, train and use networks that answer several questions about each image. In Node and in a page alike.
 *
 * @module tfjs-multitask
 */

export type { AffinePlan, Fill } from './augment/affine.js';
export { type Augmentation, type AugmentationOptions, augment } from './augment/augment.js';
export type { Plan } from './augment/change.js';
export { horizontalFlip, rotation, shear, shift, verticalFlip, zoom } from './augment/geometry.js';
export type { AffinePart, AugmentationPart, Drawn, FlipPart, ValuePart } from './augment/part.js';
export { brightness, contrast, cutout, greyscale, saturation } from './augment/values.js';
export type { Backbone, BackboneOptions, Freezing, WeightsFile } from './backbones/backbone.js';
export { type EfficientNetB0Stage, efficientNetB0Backbone } from './backbones/efficientNetB0.js';
export { type MobileNetV2Stage, mobileNetV2Backbone } from './backbones/mobileNetV2.js';
export { type Resnet50Stage, resnet50Backbone } from './backbones/resnet50.js';
export { type BestCheckpointOptions, bestCheckpoint } from './callbacks/bestCheckpoint.js';
export { csvLog } from './callbacks/csvLog.js';
export { type EarlyStoppingOptions, earlyStopping } from './callbacks/earlyStopping.js';
export { jsonLines } from './callbacks/jsonLines.js';
export type { MonitorOptions } from './callbacks/monitoring.js';
export { type ProgressOutput, progress } from './callbacks/progress.js';
export { type ReduceLROnPlateauOptions, reduceLROnPlateau } from './callbacks/reduceLROnPlateau.js';
export { type TensorBoardOptions, tensorBoard } from './callbacks/tensorBoard.js';
export { terminateOnNaN } from './callbacks/terminateOnNaN.js';
export type { ArchitectureRecord, CallSource, LayerRecord } from './core/architecture.js';
export { type Fault, type FaultKind, isMultitaskError, MultitaskError } from './core/errors.js';
export type { HeatMap } from './core/heat.js';
export {
  type BestEpoch,
  bestEpoch,
  type HistoryRecord,
  type HistoryRow,
  type TaskRecord,
} from './core/history.js';
export type { ImageBytes, ImageShape, PixelRange, Pixels } from './core/images.js';
export type { Json } from './core/json.js';
export { memoryStore } from './core/memoryStore.js';
export type {
  Clock,
  Decoder,
  Encoder,
  Fetcher,
  FetcherAnswer,
  PackageLoader,
  SpawnedWorker,
  Spawner,
  SpawnListener,
  Store,
} from './core/outside.js';
export { type Rng, rng } from './core/rng.js';
export type { InPlace, Mistake } from './core/types.js';
export { type Column, type CsvOptions, csvLabels, number, oneOf } from './data/csv.js';
export {
  type AugmentOptions,
  Dataset,
  type Item,
  type Look,
  type SampleWeight,
  type Skipped,
} from './data/dataset.js';
export type { ImageFileOptions } from './data/encodedImages.js';
export { imagesInMemory, type LabelledImage } from './data/inMemory.js';
export type { LabelSource } from './data/labels.js';
export type { SplitOptions } from './data/split.js';
export { type UtkFaceLabels, utkFace, utkFaceGroups } from './data/utkFace.js';
export { type EngineChoice, type EngineName, type EngineOptions, useEngine } from './engines/choose.js';
export { type Exportable, exportOnnx } from './engines/onnx/exportOnnx.js';
export type { DownloadProgress } from './io/download.js';
export type { LayerMaker } from './io/keras/custom.js';
export type { KerasFormat } from './io/keras/writeFile.js';
export type { NamedArray } from './io/tensorFile.js';
export { activation, type BatchNormOptions, batchNorm } from './layers/batchNorm.js';
export type { Block, Padding, Piece, Site } from './layers/block.js';
export {
  type Activation,
  type ConvOptions,
  conv,
  type DepthwiseConvOptions,
  depthwiseConv,
  type WindowOptions,
} from './layers/conv.js';
export { type DenseOptions, dense, dropout, flatten } from './layers/dense.js';
export { greyImage } from './layers/greyImage.js';
export { type Branch, type BranchOptions, branch, sharedTrunk, type Trunk } from './layers/parts.js';
export { averagePool, globalAveragePool, maxPool, type PoolOptions } from './layers/pooling.js';
export { residual } from './layers/residual.js';
export { binaryCrossentropy, categoricalCrossentropy } from './losses/classification.js';
export { customLoss, type Loss } from './losses/loss.js';
export { type HuberOptions, huber, meanAbsoluteError, meanSquaredError } from './losses/regression.js';
export { accuracy } from './metrics/accuracy.js';
export type { Metric, MetricName, MetricOptions } from './metrics/metric.js';
export { mae, mse, rmse } from './metrics/regression.js';
export type { NetworkInput } from './models/network.js';
export { type AdamOptions, type AdamWOptions, adam, adamw } from './optimizers/adam.js';
export type { Clipping, Optimizer, OptimizerOptions, UpdateRule } from './optimizers/optimizer.js';
export { type SgdOptions, sgd } from './optimizers/sgd.js';
export { constant } from './schedules/constant.js';
export { type CosineDecayOptions, cosineDecay } from './schedules/cosineDecay.js';
export { type ExponentialDecayOptions, exponentialDecay } from './schedules/exponentialDecay.js';
export type { Schedule } from './schedules/schedule.js';
export { type WarmupOptions, warmup } from './schedules/warmup.js';
export {
  type BinaryAnswer,
  binary,
  type CategoricalAnswer,
  type ClassificationOptions,
  categorical,
} from './tasks/classification.js';
export { type RegressionOptions, regression } from './tasks/regression.js';
export type {
  AnyTask,
  LabelsOf,
  PredictionOf,
  PredictionsOf,
  TargetOf,
  TargetsOf,
  Task,
  TaskKind,
  Tasks,
} from './tasks/task.js';
export type {
  Callback,
  CallbackState,
  EpochEvent,
  Listener,
  Run,
  StepEvent,
  Weights,
} from './training/callback.js';
export {
  type ExportKerasOptions,
  exportKeras,
  type KerasFileOptions,
} from './training/exportKeras.js';
export type { FitOptions, FitResult } from './training/fit.js';
export { type GradCam, type GradCamOptions, gradCam, type Toward } from './training/gradCam.js';
export { type LoadKerasOptions, type LoadKerasTasks, loadKeras } from './training/loadKeras.js';
export {
  type EvaluateOptions,
  type Evaluation,
  type LoadOptions,
  loadModel,
  type MultiTaskModel,
} from './training/model.js';
export type { Monitored, Monitors } from './training/monitor.js';
export {
  type MultiTaskBuilder,
  type MultiTaskOptions,
  multiTask,
  type TaskNames,
} from './training/multiTask.js';
export type { PredictInput, PredictOptions } from './training/predict.js';
export type { LossAverage } from './training/tally.js';
export {
  type ClassWeights,
  type WeightedLoss,
  type WeightedLossOptions,
  weightedLoss,
} from './training/weightedLoss.js';
