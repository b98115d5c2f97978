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
  /** Default 32. */
  readonly batchSize?: number;
  /** Default: every task counts 1. */
  readonly loss?: WeightedLoss<W, C> & ValidLossWeights<T, W> & ValidClassWeights<T, C>;
  /** With `epoch`, the plans an augmented dataset uses: those of that epoch (counted from 1) of a run. Default 0. */
  readonly seed?: number;
  /** Default 1. */
  readonly epoch?: number;
  /** Over `examples` (default) or `batches`; see {@link FitOptions.lossAverage}. */
  readonly lossAverage?: LossAverage;
  /** Engine to evaluate with. Default: the engine of the run in progress, else the one in use, else `auto`. */
  readonly engine?: EngineName | 'auto';
}

/**
 * Losses and metrics by the names they have in a history: `loss`, `age_loss`, `age_mae`, ….
 *
 * @category Train
 */
export type Evaluation<T extends Tasks> = {
  readonly [Column in Exclude<HistoryColumn<T>, `val_${string}`>]: number;
};

/**
 * A network that answers several questions about an image. Made by {@link multiTask} or {@link loadModel}; every
 * method's types follow from its tasks.
 *
 * @example
 * ```ts
 * import { branch, flatten, imagesInMemory, memoryStore, multiTask, regression } from 'tfjs-multitask';
 *
 * const grey = (value: number) => ({ data: new Uint8Array(4 * 4 * 3).fill(value), height: 4, width: 4, channels: 3 });
 * const dataset = imagesInMemory([10, 90, 170].map((light) => ({ image: grey(light), labels: { light } })));
 * const model = multiTask({ input: [4, 4, 3] })
 *   .task('light', regression({ unit: 'bytes' }), branch([flatten()]))
 *   .build();
 *
 * const { rows, engine } = await model.fit(dataset, { epochs: 2, batchSize: 3, engine: 'wasm' });
 * console.log(rows.length, engine.name); // 2 wasm
 * console.log(await model.evaluate(dataset)); // { loss: …, light_loss: …, light_mae: … }
 * console.log(await model.predict(grey(90))); // { light: … }
 * console.log((await model.predict([grey(90), grey(91)])).length); // 2
 * console.log(model.freeze('light_*')); // ['light_flatten1']
 * console.log(model.summary().split('\n')[0]); // Model: "multitask"
 * const store = memoryStore();
 * await model.save(store);
 * model.dispose();
 * ```
 * @category Compose
 */
export interface MultiTaskModel<T extends Tasks> {
  /** Its tasks by name, in the order of the outputs. */
  readonly tasks: T;
  /** Size and range of the images it takes. */
  readonly input: NetworkInput;
  /**
   * The flat `tf.LayersModel`, for its weights and for every tool that reads the format. During a run this property has the
   * weights of the last step each time it is read; a value that was read before has those of the last epoch or read.
   */
  readonly layersModel: tf.LayersModel;
  /** @internal */
  readonly '~network': Network<T>;
  /** @internal */
  readonly '~platform': Platform;

  /**
   * Trains. After every epoch the row of the history is told to the callbacks, and with `checkpoint` the state of the
   * run is written, so that a run killed at any moment goes on with `resume: true`, and the rest of its history is
   * equal to the bit (but `seconds`) on the same engine.
   *
   * Training columns are the means of each batch before its update, validation columns those of the epoch's end; both
   * losses contain the L2 penalties, as in Keras.
   *
   * @param train - Labels for the model's tasks; a missing label is masked and never counted.
   * @returns The history and the engine that made it. A run stopped by `signal` returns too: see `stopped`.
   * @throws `argument` or `data` fault before the first step for whatever would spoil the run later: a wrong label,
   *   images of another size, a monitor that does not exist, weights for an unknown task, a batch too large for the
   *   engine's memory; `checkpoint` fault for one that is corrupt or of another configuration; `missing-package`,
   *   `broken-package` or `engine` fault for an engine that is not there, does not start, or cannot run an operation of the
   *   model; `number` fault where `onnx` finds NaN in the first step; `file` fault for a kept graph that was changed.
   */
  fit<const W extends { readonly [task: string]: number }, const C extends ClassWeights>(
    train: Dataset<LabelsOf<T>>,
    options: FitOptions<T, W, C>,
  ): Promise<History<T>>;

  /**
   * Losses and metrics of a dataset, in inference mode; an augmented dataset is augmented.
   *
   * @throws `argument` or `data` fault for what `fit` refuses too; the faults of {@link useEngine} for a named engine.
   */
  evaluate<const W extends { readonly [task: string]: number }, const C extends ClassWeights>(
    dataset: Dataset<LabelsOf<T>>,
    options?: EvaluateOptions<T, W, C>,
  ): Promise<Evaluation<T>>;

  /**
   * The answers for one image. Never augments.
   *
   * @throws `argument` fault for an image of another size or kind; the faults of {@link useEngine} for a named engine.
   */
  predict(image: PredictInput, options?: PredictOptions): Promise<PredictionsOf<T>>;
  /** The answers for many images, in order; a tensor `[batch, height, width, channels]` counts as many. */
  predict(images: readonly PredictInput[] | Tensor4D, options?: PredictOptions): Promise<PredictionsOf<T>[]>;

  /**
   * Writes `model.json`, its weights and `tasks.json` into `store`, below `folder` if given. `tf.loadLayersModel`
   * opens the folder without this library; {@link loadModel} gives the typed model back.
   */
  save(store: Store, folder?: string): Promise<void>;

  /**
   * Freezes layers: training no longer changes their weights, as in Keras with `trainable = False`. A frozen layer gets no
   * gradient, its L2 penalty does not count, and a frozen batch normalization uses its moving statistics and keeps them. Frozen
   * layers stay frozen in saved models.
   *
   * @param layer - Name of a layer, a name with `*` for any characters (`trunk_*`), or a regular expression.
   * @returns The names of the frozen layers, in the order of the model.
   * @throws `argument` error when no layer matches, and while `fit` trains the model.
   */
  freeze(layer: string | RegExp): readonly string[];
  /**
   * Makes layers trainable again, as in Keras with `trainable = True`. The opposite of {@link MultiTaskModel.freeze}.
   *
   * @param layer - Name of a layer, a name with `*` for any characters (`trunk_*`), or a regular expression.
   * @returns The names of the trainable layers, in the order of the model.
   * @throws `argument` error when no layer matches, and while `fit` trains the model.
   */
  unfreeze(layer: string | RegExp): readonly string[];

  /**
   * Returns a table of the layers in the layout of Keras: name and type, output shape, number of parameters, and the layers
   * that feed it; below it the numbers of trainable and non-trainable parameters.
   *
   * @param options - Pass `{ log: console.log }` to print the table.
   */
  summary(options?: SummaryOptions): string;

  /** Returns layers, shapes and parameters as plain records, for diagrams and reports. */
  architecture(): ArchitectureRecord;

  /** Frees the weights; a second call does nothing. Throws an `argument` fault while a run trains it. */
  dispose(): void;
}

/** Creates the typed model of a network, which starts engines and reads images by way of `platform`. */
export function createModel<T extends Tasks>(platform: Platform, network: Network<T>): MultiTaskModel<T> {
  let disposed = false;
  const alive = (method: string) => {
    if (disposed) throw createDisposedModelError(`model.${method}`);
  };
  const changeTrainable = (method: 'freeze' | 'unfreeze', layer: string | RegExp) => {
    alive(method);
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
      alive('fit');
      return fitNetwork(platform, network, train, options);
    },
    evaluate: async (dataset, options) => {
      alive('evaluate');
      return evaluate(platform, network, dataset, options ?? {});
    },
    predict: (async (
      input: PredictInput | readonly PredictInput[] | Tensor4D,
      options: PredictOptions = {},
    ): Promise<PredictionsOf<T> | PredictionsOf<T>[]> => {
      alive('predict');
      const many = Array.isArray(input) || (input as Partial<Tensor3D | Tensor4D> | null)?.rank === 4;
      if (many) return predictImages(platform, network, input as readonly PredictInput[] | Tensor4D, options);
      return (await predictImages(platform, network, [input as PredictInput], options))[0]!;
    }) as MultiTaskModel<T>['predict'],
    save: async (store, folder = '') => {
      alive('save');
      await writeModelFolder(network, store, folder);
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
      if (disposed) return;
      if (isInTraining(network)) throw createInTrainingError('dispose');
      disposed = true;
      releaseGraph(network.graph);
      network.layersModel.dispose();
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
  /** Below the store's top. */
  readonly folder?: string;
  /** The tasks the folder must hold; they type the model, and bring their losses and metrics. */
  readonly tasks?: InferPerTask<T>;
}

/** The `loadModel` function of an entry. */
export interface LoadModel {
  /**
   * Opens what {@link MultiTaskModel.save} or `bestCheckpoint` wrote. Give `tasks` to have the model typed, and the
   * folder checked against them.
   *
   * @throws `file` fault for a missing, cut or changed file, a newer format, or other tasks.
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
   * const again = await loadModel(store, { tasks });
   * console.log(again.tasks.gender.labels); // ['male', 'female']
   * ```
   * @category Files
   */
  <const T extends Tasks = Tasks>(store: Store, options?: LoadModelOptions<T>): Promise<MultiTaskModel<T>>;
}

/** Creates the {@link LoadModel} function of a platform, which its models use to start engines and read images. */
export function createLoadModel(platform: Platform): LoadModel {
  return async (store, { folder = '', tasks } = {}) =>
    createModel(platform, await readModelFolder(store, folder, tasks));
}
