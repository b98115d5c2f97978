/**
 * Exports that are the same on every platform. Each entry point adds the functions whose implementation depends on the platform:
 * `multiTask`, `loadModel`, `loadKeras` and `useEngine`.
 */

export type { FillMode } from '../augment/affine.js';
export {
  randomFlip,
  randomRotation,
  randomShear,
  randomTranslation,
  randomZoom,
} from '../augment/geometricTransforms.js';
export {
  randomBrightness,
  randomContrast,
  randomCutout,
  randomGrayscale,
  randomSaturation,
} from '../augment/pixelTransforms.js';
export type { AffineTransform, FlipTransform, ImageTransform, PixelTransform } from '../augment/transform.js';
export type { Backbone, BackboneOptions, TrainableOption, WeightsFile } from '../backbones/backbone.js';
export { type EfficientNetB0Stage, efficientNetB0Backbone } from '../backbones/efficientNetB0.js';
export type { DownloadProgress } from '../backbones/fetchFile.js';
export { type MobileNetV2Stage, mobileNetV2Backbone } from '../backbones/mobileNetV2.js';
export { type Resnet50Stage, resnet50Backbone } from '../backbones/resnet50.js';
export { type BestCheckpointOptions, bestCheckpoint } from '../callbacks/bestCheckpoint.js';
export { csvLogger, type LoggerOptions } from '../callbacks/csvLogger.js';
export { type EarlyStoppingOptions, earlyStopping } from '../callbacks/earlyStopping.js';
export { jsonLinesLogger } from '../callbacks/jsonLinesLogger.js';
export type { MonitorOptions } from '../callbacks/monitorOptions.js';
export { type ProgressOutput, progressBar } from '../callbacks/progressBar.js';
export { type ReduceLROnPlateauOptions, reduceLROnPlateau } from '../callbacks/reduceLROnPlateau.js';
export { type TensorBoardOptions, tensorBoard } from '../callbacks/tensorBoard.js';
export { terminateOnNaN } from '../callbacks/terminateOnNaN.js';
export {
  type ErrorDetails,
  type ErrorKind,
  isMultitaskError,
  MultitaskError,
} from '../core/errors/errors.js';
export type { ImageBytes, ImageShape, PixelRange, Pixels } from '../core/images.js';
export type { TypeErrorMessage } from '../core/inferenceTypes.js';
export type { Json } from '../core/json.js';
export { memoryStore } from '../core/platform/memoryStore.js';
export type {
  Clock,
  Decoder,
  Encoder,
  Fetcher,
  Spawner,
  Store,
} from '../core/platform/platform.js';
export type { ArchitectureRecord, LayerRecord } from '../core/records/architecture.js';
export type { CheckpointEpoch } from '../core/records/checkpointEpoch.js';
export type { HeatMap } from '../core/records/heatMap.js';
export type {
  BestEpoch,
  HistoryRecord,
  HistoryRow,
  TaskRecord,
} from '../core/records/history.js';
export { createRng, type Rng } from '../core/rng.js';
export { type CsvColumn, type CsvLabel, type CsvLabelsOptions, csvLabels } from '../data/csvLabels.js';
export { type AugmentOptions, Dataset, type SampleWeight, type SkippedFile } from '../data/dataset.js';
export type { ImageFileOptions } from '../data/decodeImages.js';
export type { DecodeLimitOptions } from '../data/decodeLimit.js';
export { imagesInMemory, type LabeledImage } from '../data/imagesInMemory.js';
export type { LabelReader } from '../data/labelReader.js';
export type { SplitOptions } from '../data/split.js';
export type { EngineChoice, EngineName } from '../engines/engineChoice.js';
export type { EngineOptions, UseEngineOptions } from '../engines/select.js';
export { type GradCam, type GradCamOptions, type GradCamTarget, gradCam } from '../explain/gradCam.js';
export type { LossOptions } from '../inference/lossOptions.js';
export type { PredictInput, PredictOptions } from '../inference/predict.js';
export { type ExportKerasOptions, exportKeras, type KerasFileOptions } from '../interop/keras/exportKeras.js';
export type { LayerFactory } from '../interop/keras/read/customLayers.js';
export type { KerasFormat } from '../interop/keras/write/writeKerasFile.js';
export { exportOnnx } from '../interop/onnx/exportOnnx.js';
export { activation } from '../layers/activation.js';
export { type BatchNormOptions, batchNorm } from '../layers/batchNorm.js';
export type { Block, BuildContext, LayerLike } from '../layers/block.js';
export {
  type Activation,
  type ConvOptions,
  conv,
  type DepthwiseConvOptions,
  depthwiseConv,
  type WindowOptions,
} from '../layers/conv.js';
export { type DenseOptions, dense } from '../layers/dense.js';
export { dropout } from '../layers/dropout.js';
export { flatten } from '../layers/flatten.js';
export { grayscaleImage } from '../layers/grayscaleImage.js';
export { averagePool, globalAveragePool, maxPool, type PoolOptions } from '../layers/pooling.js';
export { residual } from '../layers/residual.js';
export {
  type Branch,
  type BranchOptions,
  branch,
  sharedTrunk,
  type Trunk,
} from '../layers/trunkAndBranch.js';
export type { Padding } from '../layers/windowSize.js';
export { binaryCrossentropy, categoricalCrossentropy } from '../losses/crossentropy.js';
export { type HuberOptions, huber } from '../losses/huber.js';
export { customLoss, type LogitActivation, type LogitLoss, type Loss } from '../losses/loss.js';
export { meanAbsoluteError, meanSquaredError } from '../losses/meanErrors.js';
export { accuracy } from '../metrics/accuracy.js';
export type { Metric, MetricName, MetricOptions } from '../metrics/metric.js';
export { mae, mse, rmse } from '../metrics/regression.js';
export type { KerasSource } from '../model/kerasSource.js';
export type { LoadKerasModelOptions, LoadKerasOptions } from '../model/loadKeras.js';
export type { SummaryOptions } from '../model/modelSummary.js';
export type { MultiTaskBuilder, MultiTaskOptions } from '../model/multiTask.js';
export type {
  EvaluateOptions,
  Evaluation,
  LoadModelOptions,
  MultiTaskModel,
} from '../model/multiTaskModel.js';
export type { ExportableModel } from '../network/exportableModel.js';
export type { NetworkInput } from '../network/network.js';
export type { Weights } from '../network/weights.js';
export { type AdamOptions, type AdamWOptions, adam, adamw } from '../optimizers/adam.js';
export type { GradientClipping, Optimizer, OptimizerOptions } from '../optimizers/optimizer.js';
export { type SgdOptions, sgd } from '../optimizers/sgd.js';
export { constantSchedule } from '../schedules/constantSchedule.js';
export { type CosineDecayOptions, cosineDecay } from '../schedules/cosineDecay.js';
export { type ExponentialDecayOptions, exponentialDecay } from '../schedules/exponentialDecay.js';
export type { Schedule } from '../schedules/schedule.js';
export { type WarmupOptions, warmup } from '../schedules/warmup.js';
export type { LossAverage } from '../steps/metricAccumulator.js';
export {
  type ClassWeights,
  type WeightedLoss,
  type WeightedLossOptions,
  weightedLoss,
} from '../steps/weightedLoss.js';
export {
  type BinaryPrediction,
  binary,
  type CategoricalPrediction,
  type ClassificationOptions,
  categorical,
} from '../tasks/classification.js';
export {
  type RegressionLossName,
  type RegressionMetricName,
  type RegressionOptions,
  regression,
} from '../tasks/regression.js';
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
} from '../tasks/task.js';
export type {
  BatchEvent,
  Callback,
  CallbackHooks,
  CallbackOutput,
  CallbackState,
  EpochEvent,
  Run,
  StatefulCallback,
  StatefulHooks,
  StatelessCallback,
} from '../training/callback.js';
export type { FitOptions } from '../training/fitOptions.js';
export type { HistoryColumn, MonitoredColumn } from '../training/monitor.js';
export type { History, HistoryRowOf } from '../training/trainingHistory.js';
