import * as checks from '../core/errors/checks.js';
import type { ImageShape, PixelRange } from '../core/images.js';
import type { InferPerTask } from '../core/inferenceTypes.js';
import type { Platform } from '../core/platform/platform.js';
import {
  checkTaskMatchesFile,
  checkTaskOutput,
  getImageShape,
  matchOutputs,
} from '../interop/keras/kerasTasks.js';
import type { LayerFactory } from '../interop/keras/read/customLayers.js';
import { type KerasOutput, readKerasModel } from '../interop/keras/read/readKerasModel.js';
import { createNetwork } from '../network/buildNetwork.js';
import { parseTaskTable, type TaskTable } from '../network/savedModel/taskTable.js';
import type { Tasks } from '../tasks/task.js';
import type { tf } from '../tensor/tf.js';
import { checkKerasSource, getSourceName, type KerasSource, readKerasSource } from './kerasSource.js';
import { checkNamedTask, checkPixelRange, type ValidTaskNames } from './multiTask.js';
import { createModel, type MultiTaskModel } from './multiTaskModel.js';

/**
 * Options for {@link loadKeras}.
 *
 * @category Files
 */
export interface LoadKerasOptions {
  /** Name of the model file in error messages. Default: its path or URL, or the name of a `File`, otherwise `file`. */
  readonly name?: string;
  /**
   * File with the weights: a `.weights.h5` file, or a legacy `.h5` weights file. Required if the model was saved without weights.
   * Otherwise, it replaces the weights in the model file.
   */
  readonly weights?: KerasSource;
  /** Name of the weights file in error messages. Default: its path or URL, or the name of a `File`, otherwise `weights`. */
  readonly weightsName?: string;
  /** Shape of the images, `[height, width, channels]`. Required if the model was saved without a fixed input size. */
  readonly input?: ImageShape;
  /**
   * Functions that create custom layers, keyed by Keras class name, for example `{ Blur: (config, name) => layer }`. A class name may
   * include the package, for example `mine>Blur`.
   */
  readonly layers?: { readonly [className: string]: LayerFactory };
  /**
   * Callback for log messages. The callback receives one line of text for each layer or setting that is omitted because it affects only
   * training, and one line if tasks are matched to outputs by order.
   */
  readonly log?: (text: string) => void;
  /** Signal that stops reading or downloading the files. The returned promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Options for {@link loadKeras} for a typed model.
 *
 * @category Files
 */
export interface LoadKerasModelOptions<T extends Tasks> extends LoadKerasOptions {
  /**
   * Tasks that the outputs of the model predict. Tasks are matched to outputs by name, and outputs without a task are removed. If no task
   * has the name of an output, all tasks are matched by order.
   */
  readonly tasks: InferPerTask<T> & ValidTaskNames<T>;
  /**
   * Pixel range that the model expects: the numbers to which the pixel values 0 and 255 are mapped. Default: the range in the file if this
   * library wrote it, otherwise `[0, 1]`. A model that begins with `Rescaling` or `Normalization` usually expects `[0, 255]`.
   */
  readonly range?: PixelRange;
}

/** Type of the `loadKeras` function. */
export interface LoadKeras {
  /**
   * Loads a model that was saved by Keras, either as a `.keras` file (Keras 3) or as an `.h5` file with the whole model (Keras 2 and 3).
   *
   * Nested models are flattened, and frozen layers stay frozen. A layer that TensorFlow.js cannot express causes an error that contains the
   * layer's name. `Random*` layers, noise layers and constraints only affect training. Such layers and constraints are omitted, and each of
   * them is reported to `log`.
   *
   * A download ends with an error if the server sends no byte for 60 seconds. A file can have up to 2 GiB.
   *
   * @param source - Path, URL or contents of the file, see {@link KerasSource}. The format is detected from the contents.
   * @returns With `tasks`, a typed model that can be trained and saved; without `tasks`, a plain `tf.LayersModel`.
   * @throws A `file` error if the file cannot be read or is corrupted, if a layer or setting is not supported, or if the weights do not fit
   *   the layers; the error contains the path inside the file. An `argument` error if the tasks do not match the model's outputs, or if a
   *   path or URL is passed in a runtime that cannot read files.
   * @example
   * ```ts
   * import { binary, loadKeras, regression } from 'tfjs-multitask';
   *
   * const model = await loadKeras('face.keras', {
   *   tasks: { age: regression({ unit: 'years' }), gender: binary(['male', 'female']) },
   *   range: [0, 255], // the model begins with Rescaling(1 / 255)
   *   log: console.log,
   * });
   * const [height, width] = model.input.shape;
   * const image = { data: new Uint8Array(height * width * 3).fill(99), height, width, channels: 3 };
   * console.log(await model.predict(image)); // { age: …, gender: { label: …, probability: … } }
   * ```
   * @category Files
   */
  <const T extends Tasks>(source: KerasSource, options: LoadKerasModelOptions<T>): Promise<MultiTaskModel<T>>;
  /** Loads a Keras model as a plain `tf.LayersModel` without tasks. */
  (source: KerasSource, options?: LoadKerasOptions & { readonly tasks?: undefined }): Promise<tf.LayersModel>;
}

/** Creates the `loadKeras` function for a platform. The models that it loads use the platform to start engines and read images. */
export const createLoadKeras = (platform: Platform): LoadKeras =>
  ((source: KerasSource, options?: LoadKerasOptions) => loadKeras(platform, source, options)) as LoadKeras;

async function loadKeras<T extends Tasks>(
  platform: Platform,
  source: KerasSource,
  options: LoadKerasOptions & { readonly tasks?: T | undefined; readonly range?: PixelRange } = {},
): Promise<tf.LayersModel | MultiTaskModel<T>> {
  checks.options('loadKeras', options, OPTION_NAMES);
  const {
    name,
    weights: weightsSource,
    weightsName,
    tasks,
    range: requestedRange,
    signal,
    ...readerOptions
  } = options;
  checkKerasSource('loadKeras', source, platform);
  if (weightsSource !== undefined) checkKerasSource('loadKeras.weights', weightsSource, platform);
  if (signal !== undefined) checks.signal('loadKeras.signal', signal);
  checkInputShape(readerOptions.input);
  for (const [option, text] of Object.entries({ name, weightsName }))
    if (text !== undefined)
      checks.text(`loadKeras.${option}`, text, { advice: 'Omit it to use the name of the file.' });
  const { layers, log } = readerOptions;
  if (log !== undefined) checks.callable('loadKeras.log', log, { advice: 'Write log: console.log.' });
  const layersAdvice = 'Write layers: { Blur: (config, name) => layer }.';
  if (layers !== undefined)
    checks.record('loadKeras.layers', layers, {
      noun: 'an object with a function for each class',
      advice: layersAdvice,
    });
  for (const [className, create] of Object.entries(layers ?? {}))
    checks.callable(`loadKeras.layers.${className}`, create, { advice: layersAdvice });
  if (tasks !== undefined) {
    checks.record('loadKeras.tasks', tasks, {
      noun: 'an object with a task for each name',
      advice: "Write tasks: { age: regression({ unit: 'years' }) }.",
    });
  }
  if (tasks && requestedRange !== undefined) checkPixelRange('loadKeras.range', requestedRange);
  const taskNames = Object.keys(tasks ?? {});
  taskNames.forEach((task, i) => {
    checkNamedTask(`loadKeras.tasks.${task}`, task, tasks![task]!, taskNames.slice(0, i));
  });
  const path = name ?? getSourceName(source) ?? 'file';
  const weightsPath = weightsName ?? getSourceName(weightsSource) ?? 'weights';
  const file = await readKerasSource(platform, source, path, signal);
  const weights = weightsSource && (await readKerasSource(platform, weightsSource, weightsPath, signal));
  const reading = { ...readerOptions, path, weightsPath, ...(weights && { weights }) };
  if (!tasks) return (await readKerasModel(file, reading)).layersModel;
  const chooseOutputs = (outputs: readonly KerasOutput[]) =>
    matchOutputs(taskNames, outputs, readerOptions.log);
  const { layersModel, taskTable: table } = await readKerasModel(file, { ...reading, chooseOutputs });
  try {
    const fileTable = table && parseTaskTable(table.value as TaskTable, table.path);
    const range = requestedRange ?? fileTable?.input.range ?? [0, 1];
    for (const task of taskNames) checkTaskMatchesFile(task, tasks[task]!, fileTable?.tasks[task]);
    const shape = getImageShape(layersModel, path);
    taskNames.forEach((task, i) => {
      checkTaskOutput(layersModel.outputs[i]!, tasks[task]!, `${path}: ${task}`);
    });
    const network = createNetwork(layersModel, tasks, { shape, range });
    // The tasks may be others than those of the file.
    if (taskNames.join() === Object.keys(fileTable?.tasks ?? {}).join())
      network.lastFit.defaults = fileTable?.evaluation;
    return createModel(platform, network);
  } catch (error) {
    layersModel.dispose();
    throw error;
  }
}

const OPTION_NAMES: checks.OptionNames<LoadKerasModelOptions<Tasks>> = {
  name: true,
  weights: true,
  weightsName: true,
  input: true,
  layers: true,
  log: true,
  signal: true,
  tasks: true,
  range: true,
};

function checkInputShape(input: unknown): void {
  if (input === undefined) return;
  checks.shape('loadKeras.input', input, ['height', 'width', 'channels'], {
    advice: 'For color images of 128x128 pixels, write [128, 128, 3].',
  });
}
