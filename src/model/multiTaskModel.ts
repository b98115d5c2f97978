import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import type { InferPerTask } from '../core/inferenceTypes.js';
import type { Platform, Store } from '../core/platform/platform.js';
import type { ArchitectureRecord } from '../core/records/architecture.js';
import type { Dataset } from '../data/dataset.js';
import type { EngineName } from '../engines/engineChoice.js';
import { type EngineOptions, releaseGraph, startEngine } from '../engines/select.js';
import { checkDataset } from '../inference/checkDataset.js';
import { type EvaluationConfig, evaluateDataset } from '../inference/evaluate.js';
import { type PredictInput, type PredictOptions, predictImages } from '../inference/predict.js';
import { createDisposedModelError } from '../network/checkModel.js';
import { describeArchitecture } from '../network/describeArchitecture.js';
import type { Network, NetworkInput } from '../network/network.js';
import { readModelFolder, writeModelFolder } from '../network/savedModel/modelFolder.js';
import type { LossAverage } from '../steps/metricAccumulator.js';
import {
  type ClassWeights,
  checkLossWeights,
  type ValidClassWeights,
  type ValidLossWeights,
  type WeightedLoss,
  weightedLoss,
} from '../steps/weightedLoss.js';
import type { LabelsOf, PredictionsOf, Tasks } from '../tasks/task.js';
import type { tf } from '../tensor/tf.js';
import { type FitOptions, fitNetwork } from '../training/fit.js';
import type { HistoryColumn } from '../training/monitor.js';
import type { History } from '../training/trainingHistory.js';
import { isInTraining } from '../training/trainingLock.js';
import { formatSummary, type SummaryOptions } from './modelSummary.js';
import { setTrainable } from './setTrainable.js';

/**
 * Options of {@link MultiTaskModel.evaluate}.
 *
 * @category Train
 */
export interface EvaluateOptions<
  T extends Tasks,
  W extends { readonly [task: string]: number },
  C extends ClassWeights = ClassWeights,
> extends EngineOptions {
  /** Number of images in a batch. Default 32. */
  readonly batchSize?: number;
  /** Weights of the task losses in the total loss. Default: 1 for each task. */
  readonly loss?: WeightedLoss<W, C> & ValidLossWeights<T, W> & ValidClassWeights<T, C>;
  /** Seed of the run whose augmentation plans are used for an augmented dataset. Default 0. */
  readonly seed?: number;
  /** Epoch of that run whose augmentation plans are used, counted from 1. Default 1. */
  readonly epoch?: number;
  /** How task losses are averaged: over `examples` (default) or `batches`; see {@link FitOptions.lossAverage}. */
  readonly lossAverage?: LossAverage;
  /** Engine to evaluate with. Default: the engine of the run in progress, else the engine in use, else `auto`. */
  readonly engine?: EngineName | 'auto';
}

/**
 * Losses and metrics by their column names in a history: `loss`, `age_loss`, `age_mae`, ….
 *
 * @category Train
 */
export type Evaluation<T extends Tasks> = {
  readonly [Column in Exclude<HistoryColumn<T>, `val_${string}`>]: number;
};

/**
 * A network that predicts several tasks for an image. {@link multiTask}, {@link loadModel} and {@link loadKeras} create it. The types of
 * its methods are determined by its tasks.
 *
 * @example
 * ```ts
 * import { branch, flatten, imagesInMemory, memoryStore, multiTask, regression } from 'tfjs-multitask';
 *
 * const gray = (value: number) => ({ data: new Uint8Array(4 * 4 * 3).fill(value), height: 4, width: 4, channels: 3 });
 * const dataset = imagesInMemory([10, 90, 170].map((light) => ({ image: gray(light), labels: { light } })));
 * const model = multiTask({ input: [4, 4, 3] })
 *   .task('light', regression({ unit: 'bytes' }), branch([flatten()]))
 *   .build();
 *
 * const { rows, engine } = await model.fit(dataset, { epochs: 2, batchSize: 3, engine: 'wasm' });
 * console.log(rows.length, engine.name); // 2 wasm
 * console.log(await model.evaluate(dataset)); // { loss: …, light_loss: …, light_mae: … }
 * console.log(await model.predict(gray(90))); // { light: … }
 * console.log((await model.predict([gray(90), gray(91)])).length); // 2
 * console.log(model.freeze('light_*')); // ['light_flatten1']
 * console.log(model.summary().split('\n')[0]); // Model: "multitask"
 * const store = memoryStore();
 * await model.save(store);
 * model.dispose();
 * ```
 * @category Compose
 */
export interface MultiTaskModel<T extends Tasks> {
  /** Tasks by name, in the order of the outputs. */
  readonly tasks: T;
  /** Size and value range of the input images. */
  readonly input: NetworkInput;
  /**
   * The flat `tf.LayersModel` of the network. During a run, each read of this property updates the weights of the model to those of the
   * last step; a reference that you obtained earlier has the weights of the last epoch or of the last read.
   */
  readonly layersModel: tf.LayersModel;
  /** @internal */
  readonly '~network': Network<T>;
  /** @internal */
  readonly '~platform': Platform;

  /**
   * Trains the model. After every epoch the callbacks receive the new row of the history. With `checkpoint`, the state of the run is
   * stored as well: a run that was interrupted at any moment continues with `resume: true`, and on the same engine the rest of its
   * history is equal bit for bit, except `seconds`.
   *
   * Training columns are averages over batches, each computed before its update. Validation columns are computed at the end of the epoch.
   * Both losses include the L2 penalties, as in Keras.
   *
   * @param train - Training images with labels for the model's tasks. A missing label is masked: the image does not affect the loss and
   *   metrics of that task.
   * @returns The history, which contains the engine of the run. A run that `signal` stopped also returns its history, with `stopped`
   *   set to `aborted`.
   * @throws
   *   - `argument` or `data` error before the first step for invalid options or data: an invalid label, images of another size, an unknown
   *     monitor, or weights for an unknown task
   *   - `memory` error for a batch that does not fit the engine's memory
   *   - `checkpoint` error for a checkpoint that is corrupt or was written with a different configuration
   *   - `missing-package`, `broken-package` or `engine` error for an engine that is not installed, does not start, or does not support an
   *     operation of the model
   *   - `number` error if the first step on `onnx` results in NaN
   *   - `file` error for a compiled step in `compileCache` that was changed
   */
  fit<const W extends { readonly [task: string]: number }, const C extends ClassWeights>(
    train: Dataset<LabelsOf<T>>,
    options: FitOptions<T, W, C>,
  ): Promise<History<T>>;

  /**
   * Computes losses and metrics of a dataset in inference mode. The images of an augmented dataset are augmented.
   *
   * @throws `argument` or `data` error for a dataset or an option that `fit` rejects; the errors of {@link useEngine} for a named engine.
   */
  evaluate<const W extends { readonly [task: string]: number }, const C extends ClassWeights>(
    dataset: Dataset<LabelsOf<T>>,
    options?: EvaluateOptions<T, W, C>,
  ): Promise<Evaluation<T>>;

  /**
   * Predicts all tasks for one image, without augmentation.
   *
   * @throws `argument` error for an image of another size or type; `data` error for a file that cannot be decoded; the errors of
   *   {@link useEngine} for a named engine.
   */
  predict(image: PredictInput, options?: PredictOptions): Promise<PredictionsOf<T>>;
  /** Predicts all tasks for several images, in order. A tensor `[batch, height, width, channels]` contains several images. */
  predict(images: readonly PredictInput[] | Tensor4D, options?: PredictOptions): Promise<PredictionsOf<T>[]>;

  /**
   * Writes `model.json`, its weights and `tasks.json` to `store`, in `folder` if it is passed. `tf.loadLayersModel` reads the folder
   * without this library. {@link loadModel} reads it as a typed model.
   */
  save(store: Store, folder?: string): Promise<void>;

  /**
   * Freezes layers: training no longer changes their weights, as in Keras with `trainable = False`. A frozen layer has no gradient and no
   * L2 penalty. A frozen batch normalization layer uses its moving statistics and does not update them. Frozen layers stay frozen in saved
   * models.
   *
   * @param layer - Name of a layer, a name with `*` for any characters (`trunk_*`), or a regular expression.
   * @returns The names of the frozen layers, in the order of the model.
   * @throws `argument` error when no layer matches, and while `fit` trains the model.
   */
  freeze(layer: string | RegExp): readonly string[];
  /**
   * Makes layers trainable again, as in Keras with `trainable = True`. Reverses {@link MultiTaskModel.freeze}.
   *
   * @param layer - Name of a layer, a name with `*` for any characters (`trunk_*`), or a regular expression.
   * @returns The names of the trainable layers, in the order of the model.
   * @throws `argument` error when no layer matches, and while `fit` trains the model.
   */
  unfreeze(layer: string | RegExp): readonly string[];

  /**
   * Returns a table of the layers in the layout of Keras: name and type, output shape, number of parameters, and connected layers. The
   * numbers of trainable and non-trainable parameters follow below the table.
   *
   * @param options - Pass `{ log: console.log }` to print the table.
   */
  summary(options?: SummaryOptions): string;

  /** Returns layers, shapes and parameters as plain records, for diagrams and reports. */
  architecture(): ArchitectureRecord;

  /**
   * Disposes of the weights. Calls of `predict`, `evaluate`, `save`, {@link gradCam} and the export functions that are in progress still
   * finish: the weights are freed at the end of the last of them. Later calls are rejected. A second call has no effect.
   *
   * @throws `argument` error while `fit` trains the model. Await `fit`, or stop it with its signal, first.
   */
  dispose(): void;
}

/** Creates the typed model of a network. The model uses `platform` to start engines and read images. */
export function createModel<T extends Tasks>(platform: Platform, network: Network<T>): MultiTaskModel<T> {
  const { usage } = network;
  const checkNotDisposed = (method: string) => {
    if (usage.isReleased) throw createDisposedModelError(`model.${method}`);
  };
  const changeTrainable = (method: 'freeze' | 'unfreeze', layer: string | RegExp) => {
    checkNotDisposed(method);
    if (isInTraining(network)) throw createInTrainingError(method);
    return setTrainable(network, method, layer);
  };
  return {
    tasks: network.tasks,
    input: network.input,
    get layersModel() {
      return network.layersModel;
    },
    '~network': network,
    '~platform': platform,
    fit: async (train, options) => {
      checkNotDisposed('fit');
      return fitNetwork(platform, network, train, options);
    },
    evaluate: async (dataset, options) => {
      checkNotDisposed('evaluate');
      return usage.run(() => evaluate(platform, network, dataset, options ?? {}));
    },
    predict: (async (
      input: PredictInput | readonly PredictInput[] | Tensor4D,
      options: PredictOptions = {},
    ): Promise<PredictionsOf<T> | PredictionsOf<T>[]> => {
      checkNotDisposed('predict');
      const predict = (inputs: readonly PredictInput[] | Tensor4D) =>
        usage.run(() => predictImages(platform, network, inputs, options));
      const isBatch = Array.isArray(input) || (input as Partial<Tensor3D | Tensor4D> | null)?.rank === 4;
      if (isBatch) return predict(input as readonly PredictInput[] | Tensor4D);
      return (await predict([input as PredictInput]))[0]!;
    }) as MultiTaskModel<T>['predict'],
    save: async (store, folder = '') => {
      checkNotDisposed('save');
      await usage.run(() => writeModelFolder(network, store, folder));
    },
    freeze: (layer) => changeTrainable('freeze', layer),
    unfreeze: (layer) => changeTrainable('unfreeze', layer),
    summary: (options = {}) => {
      const text = formatSummary(network.layersModel.name, describeArchitecture(network), options);
      options.log?.(text);
      return text;
    },
    architecture: () => describeArchitecture(network),
    dispose: () => {
      if (usage.isReleased) return;
      if (isInTraining(network)) throw createInTrainingError('dispose');
      usage.releaseAfterLastCall(() => {
        releaseGraph(network.graph);
        network.layersModel.dispose();
      });
    },
  };
}

const createInTrainingError = (method: string) =>
  createError({
    kind: 'argument',
    path: `model.${method}`,
    expected: 'a model that is not being trained',
    received: 'a model that fit() is training',
    advice: `Await fit(), or stop it with its signal, before calling ${method}().`,
  });

async function evaluate<
  T extends Tasks,
  W extends { readonly [task: string]: number },
  C extends ClassWeights,
>(
  platform: Platform,
  network: Network<T>,
  dataset: Dataset<LabelsOf<T>>,
  options: EvaluateOptions<T, W, C>,
): Promise<Evaluation<T>> {
  const { batchSize = 32, seed = 0, epoch = 1, lossAverage = 'examples' } = options;
  const loss =
    options.loss ?? weightedLoss(Object.fromEntries(Object.keys(network.tasks).map((name) => [name, 1])));
  checkLossWeights(loss, network.tasks);
  checks.integer('evaluate.batchSize', batchSize, { min: 1, defaultValue: 32 });
  checkDataset('evaluate', dataset, network.tasks, network.input.shape);
  const engine = await startEngine(platform, options.engine, options);
  const config: EvaluationConfig = {
    lossWeights: loss.weights,
    batchSize,
    seed,
    epoch: epoch - 1,
    lossAverage,
  };
  return (await evaluateDataset(engine, network, dataset, config)).toLogs() as Evaluation<T>;
}

/**
 * Options of {@link loadModel}.
 *
 * @category Files
 */
export interface LoadModelOptions<T extends Tasks> {
  /** Folder of the model in the store. Default: the root of the store. */
  readonly folder?: string;
  /** Tasks that the folder must contain. They determine the types, losses and metrics of the model. Default: the tasks of the folder. */
  readonly tasks?: InferPerTask<T>;
}

/** The `loadModel` function of an entry. */
export interface LoadModel {
  /**
   * Reads a model that {@link MultiTaskModel.save} or `bestCheckpoint` wrote. Pass `tasks` to get a typed model and to check that the
   * folder contains these tasks.
   *
   * @throws `file` error for a missing, truncated or changed file, a newer format, or other tasks.
   * @example
   * ```ts
   * import { binary, loadModel, memoryStore, multiTask, branch, dense, flatten, regression } from 'tfjs-multitask';
   *
   * const tasks = { age: regression({ unit: 'years' }), gender: binary(['male', 'female']) };
   * const small = branch([flatten(), dense(4)]);
   * const model = multiTask({ input: [8, 8, 3] })
   *   .task('age', tasks.age, small)
   *   .task('gender', tasks.gender, small)
   *   .build();
   * const store = memoryStore();
   * await model.save(store);
   * const loaded = await loadModel(store, { tasks });
   * console.log(loaded.tasks.gender.labels); // ['male', 'female']
   * ```
   * @category Files
   */
  <const T extends Tasks = Tasks>(store: Store, options?: LoadModelOptions<T>): Promise<MultiTaskModel<T>>;
}

/** Creates the {@link LoadModel} function of a platform. Its models use the platform to start engines and read images. */
export function createLoadModel(platform: Platform): LoadModel {
  return async (store, { folder = '', tasks } = {}) =>
    createModel(platform, await readModelFolder(store, folder, tasks));
}
