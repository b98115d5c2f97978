import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import type { InferPerTask } from '../core/inferenceTypes.js';
import { toCheckedStore } from '../core/platform/checkedStore.js';
import type { Platform, Store } from '../core/platform/platform.js';
import { toFolderName } from '../core/platform/storeNames.js';
import type { ArchitectureRecord } from '../core/records/architecture.js';
import type { Dataset } from '../data/dataset.js';
import { releaseGraph, startEngine } from '../engines/select.js';
import { checkDataset, checkIsDataset } from '../inference/checkDataset.js';
import { type EvaluationConfig, evaluateDataset } from '../inference/evaluate.js';
import {
  checkLossOptions,
  LOSS_OPTION_NAMES,
  LOSS_OPTION_REPLACEMENTS,
  type LossOptions,
} from '../inference/lossOptions.js';
import { type PredictInput, type PredictOptions, predictImages } from '../inference/predict.js';
import { createDisposedModelError } from '../network/checkModel.js';
import { describeArchitecture } from '../network/describeArchitecture.js';
import { isLayersModelDisposed, type Network, type NetworkInput } from '../network/network.js';
import { readModelFolder, writeModelFolder } from '../network/savedModel/modelFolder.js';
import {
  type ClassWeights,
  checkLossWeights,
  type WeightedLoss,
  weightedLoss,
} from '../steps/weightedLoss.js';
import type { LabelsOf, PredictionsOf, Tasks } from '../tasks/task.js';
import type { tf } from '../tensor/tf.js';
import { fitNetwork } from '../training/fit.js';
import type { FitOptions } from '../training/fitOptions.js';
import type { HistoryColumn } from '../training/monitor.js';
import type { History } from '../training/trainingHistory.js';
import { isInTraining } from '../training/trainingLock.js';
import { checkSummaryOptions, formatSummary, type SummaryOptions } from './modelSummary.js';
import { setTrainable } from './setTrainable.js';

/**
 * Options for {@link MultiTaskModel.evaluate}.
 *
 * @category Train
 */
export interface EvaluateOptions<
  T extends Tasks,
  W extends { readonly [task: string]: number },
  C extends ClassWeights = ClassWeights,
> extends LossOptions<T, W, C> {
  /** Seed of the run whose augmentation plans are used for an augmented dataset. Default: that of the last `fit` of the model, else 0. */
  readonly seed?: number;
  /** Epoch whose random augmentations are applied to an augmented dataset, counted from 1. Default: 1. */
  readonly epoch?: number;
}

/**
 * Losses and metrics of an evaluation, keyed by the names of history columns: `loss`, `age_loss`, `age_mae`, ….
 *
 * @category Train
 */
export type Evaluation<T extends Tasks> = {
  readonly [Column in Exclude<HistoryColumn<T>, `val_${string}`>]: number;
};

/**
 * Model that predicts several tasks for an image. Create it with {@link multiTask}, or load it with {@link loadModel} or {@link loadKeras}.
 * The types of labels and predictions are inferred from its tasks.
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
  /** Tasks of the model, keyed by name, in the order of its outputs. */
  readonly tasks: T;
  /** Shape and pixel range of the input images. */
  readonly input: NetworkInput;
  /**
   * Flat `tf.LayersModel` of the network. During training, reading this property updates the weights of the `tf.LayersModel` to those of
   * the last step. A reference that you obtained earlier has the weights from the end of the last epoch, or from the last time the property
   * was read.
   */
  readonly layersModel: tf.LayersModel;
  /** @internal */
  readonly '~network': Network<T>;
  /** @internal */
  readonly '~platform': Platform;

  /**
   * Trains the model. After every epoch, the callbacks receive the new row of the history. With `checkpoint`, the state of the run is also
   * saved, so that an interrupted run can be continued with `resume: true`. On the same engine, the history of a resumed run equals that of
   * an uninterrupted run bit for bit, except for the `seconds` column.
   *
   * Training columns are averages over the batches of the epoch, each computed before the weight update. Validation columns are computed at
   * the end of the epoch. Both losses include the L2 penalties, as in Keras.
   *
   * @param train - Training images with labels for the model's tasks. If the label of a task is missing, the image does not affect the loss
   *   and metrics of that task.
   * @returns The history of the run. A run that was stopped by `signal` also returns its history, with `stopped` set to `aborted`.
   * @throws
   *   - `argument` or `data` error before the first step for invalid options or data: an invalid label, images of another size, an unknown
   *   monitor, or weights for an unknown task
   *   - `memory` error for a batch that does not fit the engine's memory
   *   - `checkpoint` error for a checkpoint that is corrupt or was written with a different configuration
   *   - `missing-package`, `broken-package` or `engine` error for an engine that is not installed, does not start, or does not support an
   *   operation of the model
   *   - `number` error if the first step on `onnx` results in NaN
   *   - `file` error for a compiled step in `compileCache` that was changed
   *   - `file` error for files of an earlier run without `resume` or `overwrite`, and for files that another run is writing
   *   - `aborted` error for a store or a callback that does not answer after `signal` was aborted
   */
  fit<const W extends { readonly [task: string]: number }, const C extends ClassWeights>(
    train: Dataset<LabelsOf<T>>,
    options: FitOptions<T, W, C>,
  ): Promise<History<T>>;

  /**
   * Computes the losses and metrics of the model on a dataset, in inference mode. The images of an augmented dataset are augmented.
   *
   * `loss`, `lossAverage` and `seed` are by default those of the last `fit` of the model, so that `loss` is comparable with the history, as in
   * Keras after `compile`. {@link MultiTaskModel.save} and `bestCheckpoint` save them with the model, and {@link loadModel} restores them. Class
   * weights affect only training, as in Keras.
   *
   * @throws An `argument` or `data` error for a dataset or an option that `fit` would also reject. The errors of {@link useEngine} if
   *   `engine` is passed.
   */
  evaluate<const W extends { readonly [task: string]: number }, const C extends ClassWeights>(
    dataset: Dataset<LabelsOf<T>>,
    options?: EvaluateOptions<T, W, C>,
  ): Promise<Evaluation<T>>;

  /**
   * Predicts all tasks for one image, without augmentation.
   *
   * @throws An `argument` error for an image of the wrong size or type. A `data` error for a file that cannot be decoded. The errors of
   *   {@link useEngine} if `engine` is passed.
   */
  predict(image: PredictInput, options?: PredictOptions): Promise<PredictionsOf<T>>;
  /**
   * Predicts all tasks for several images, and returns one prediction per image in the same order. The images are an array, or a tensor of
   * shape `[batch, height, width, channels]`.
   */
  predict(images: readonly PredictInput[] | Tensor4D, options?: PredictOptions): Promise<PredictionsOf<T>[]>;

  /**
   * Writes `model.json` and its weights to `store`, in `folder` if it is passed. {@link loadModel} reads the folder as a typed model.
   * `tf.loadLayersModel` reads it without this library; `getUserDefinedMetadata()` of the result returns the tasks, labels and units.
   *
   * A model that was saved in the folder earlier is replaced as one unit: if a save is interrupted, the folder contains either the old or
   * the new model, and a program that opens the folder at the same time gets one of these two models.
   *
   * @throws `file` error if the store cannot be written. The model that was saved earlier is then unchanged.
   */
  save(store: Store, folder?: string): Promise<void>;

  /**
   * Freezes layers: training no longer changes their weights, as in Keras with `trainable = False`. A frozen layer has no gradient and no
   * L2 penalty. A frozen batch normalization layer uses its moving statistics and does not update them. Frozen layers stay frozen in saved
   * models.
   *
   * @param layer - Name of a layer, a name with `*` for any characters (`trunk_*`), or a regular expression.
   * @returns The names of the frozen layers, in the order of the model.
   * @throws An `argument` error if no layer matches, or while `fit` is training the model.
   */
  freeze(layer: string | RegExp): readonly string[];
  /**
   * Makes layers trainable again, as in Keras with `trainable = True`. Reverses {@link MultiTaskModel.freeze}.
   *
   * @param layer - Name of a layer, a name with `*` for any characters (`trunk_*`), or a regular expression.
   * @returns The names of the trainable layers, in the order of the model.
   * @throws An `argument` error if no layer matches, or while `fit` is training the model.
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

/** Creates the model object of a network. The model uses `platform` to start engines and read images. */
export function createModel<T extends Tasks>(platform: Platform, network: Network<T>): MultiTaskModel<T> {
  const { usage, layersModel } = network;
  const checkNotDisposed = (method: string) => {
    if (network.isDisposed) throw createDisposedModelError(`model.${method}`);
  };
  /** Runs `action`. Replaces its error if a program disposed of `layersModel` in the meantime, because TensorFlow.js then throws. */
  const whileNotDisposed = async <R>(method: string, action: () => Promise<R>): Promise<R> => {
    checkNotDisposed(method);
    try {
      return await action();
    } catch (error) {
      throw !usage.isReleased && network.isDisposed
        ? createDisposedModelError(`model.${method}`, error)
        : error;
    }
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
    fit: async (train, options) =>
      whileNotDisposed('fit', () => fitNetwork(platform, network, train, options)),
    evaluate: async (dataset, options = {}) => {
      return whileNotDisposed('evaluate', () =>
        usage.run(() => evaluate(platform, network, dataset, options)),
      );
    },
    predict: (async (
      input: PredictInput | readonly PredictInput[] | Tensor4D,
      options: PredictOptions = {},
    ): Promise<PredictionsOf<T> | PredictionsOf<T>[]> => {
      const predict = (inputs: readonly PredictInput[] | Tensor4D) =>
        whileNotDisposed('predict', () => usage.run(() => predictImages(platform, network, inputs, options)));
      const isBatch = Array.isArray(input) || (input as Partial<Tensor3D | Tensor4D> | null)?.rank === 4;
      if (isBatch) return predict(input as readonly PredictInput[] | Tensor4D);
      return (await predict([input as PredictInput]))[0]!;
    }) as MultiTaskModel<T>['predict'],
    save: async (store, folder = '', unsupported?: unknown) => {
      checks.noOptions('save', unsupported);
      await whileNotDisposed('save', async () => {
        const folderName = checkFolderArguments('save', store, folder);
        await usage.run(() => writeModelFolder(network, toCheckedStore(store), folderName));
      });
    },
    freeze: (layer) => changeTrainable('freeze', layer),
    unfreeze: (layer) => changeTrainable('unfreeze', layer),
    summary: (options = {}) => {
      checkSummaryOptions(options);
      const text = formatSummary(network.layersModel.name, describeArchitecture(network), options);
      options.log?.(text);
      return text;
    },
    architecture: () => describeArchitecture(network),
    dispose: () => {
      if (usage.isReleased) return;
      if (isInTraining(network)) throw createInTrainingError('dispose');
      usage.releaseAfterLastCall(() => {
        for (const graph of [network.graph, network.lossGraph]) releaseGraph(graph);
        if (!isLayersModelDisposed(layersModel)) layersModel.dispose();
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
    advice: `Await fit(), or abort its signal, before you call ${method}().`,
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
  checkIsDataset('evaluate.dataset', dataset, 'Create one with imageFolder() or imagesInMemory().');
  checks.options(
    'evaluate',
    options,
    { ...LOSS_OPTION_NAMES, seed: true, epoch: true },
    {
      advice: 'Write model.evaluate(dataset, { batchSize: 32 }).',
      replacements: LOSS_OPTION_REPLACEMENTS,
    },
  );
  checkLossOptions('evaluate', options);
  const { defaults } = network.lastFit;
  const {
    batchSize = 32,
    seed = defaults?.seed ?? 0,
    epoch = 1,
    lossAverage = defaults?.lossAverage ?? 'examples',
  } = options;
  checks.integer('evaluate.seed', seed, { min: 0, defaultValue: 0 });
  checks.integer('evaluate.epoch', epoch, { min: 1, defaultValue: 1 });
  const loss: WeightedLoss<{ readonly [task: string]: number }> =
    options.loss ??
    weightedLoss(
      defaults?.lossWeights ?? Object.fromEntries(Object.keys(network.tasks).map((name) => [name, 1])),
    );
  checkLossWeights(loss, network.tasks);
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
 * Options for {@link loadModel}.
 *
 * @category Files
 */
export interface LoadModelOptions<T extends Tasks> {
  /** Folder in the store that contains the model. Default: the root of the store. */
  readonly folder?: string;
  /**
   * Tasks that the saved model must have. These tasks determine the types, losses and metrics of the loaded model. Default: the tasks
   * stored with the model.
   */
  readonly tasks?: InferPerTask<T>;
}

/** Type of the `loadModel` function. */
export interface LoadModel {
  /**
   * Loads a model that was saved by {@link MultiTaskModel.save} or `bestCheckpoint`. Pass `tasks` to get a typed model and to check that
   * the saved model has these tasks.
   *
   * @throws A `file` error if a file is missing, truncated or modified, has a newer format, or contains different tasks.
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

/** Creates the `loadModel` function for a platform. The models that it loads use the platform to start engines and read images. */
export function createLoadModel(platform: Platform): LoadModel {
  return async <T extends Tasks>(store: Store, options: LoadModelOptions<T> = {}) => {
    checks.options(
      'loadModel',
      options,
      { folder: true, tasks: true },
      {
        advice: "Write loadModel(folderStore('out'), { folder: 'best' }).",
      },
    );
    const { folder = '', tasks } = options;
    const folderName = checkFolderArguments('loadModel', store, folder);
    if (tasks !== undefined) {
      checks.record('loadModel.tasks', tasks, {
        noun: 'an object with a task for each name',
        advice: "Write tasks: { age: regression({ unit: 'years' }) }.",
      });
    }
    return createModel(platform, await readModelFolder(toCheckedStore(store), folderName, tasks));
  };
}

/** Throws an `argument` error unless `store` is a store and `folder` is a folder name. Returns the normalized name. */
function checkFolderArguments(caller: string, store: unknown, folder: unknown): string {
  const path = typeof store === 'string' ? store : 'out';
  checks.store(`${caller}.store`, store, {
    advice: `Write ${caller}(folderStore('${path}')), with folderStore from tfjs-multitask/node.`,
  });
  return toFolderName(`${caller}.folder`, folder, {
    noun: 'the name of a folder in the store',
    advice: 'Omit it to use the root.',
  });
}
