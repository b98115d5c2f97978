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
 * Options of {@link loadKeras}.
 *
 * @category Files
 */
export interface LoadKerasOptions {
  /** Name of the file in error messages. Default: the path, the URL or the name of a `File`, otherwise `file`. */
  readonly name?: string;
  /**
   * Second file, with the weights: a `.weights.h5` file, or a legacy `.h5` file of weights. Needed for a model that was saved without
   * weights. Replaces the weights of a model that has them.
   */
  readonly weights?: KerasSource;
  /** Name of the second file in error messages. Default: its path, its URL or the name of a `File`, otherwise `weights`. */
  readonly weightsName?: string;
  /** `[height, width, channels]` of the images, for a model that was saved without a fixed input size. */
  readonly input?: ImageShape;
  /** Functions that create layers of custom classes: `{ Blur: (config, name) => layer }`. The key may include the package: `mine>Blur`. */
  readonly layers?: { readonly [className: string]: LayerFactory };
  /** Receives a line for each layer or setting that is omitted because it only affects training, and for each task that is matched by order. */
  readonly log?: (text: string) => void;
}

/**
 * Options of {@link loadKeras} for a typed model.
 *
 * @category Files
 */
export interface LoadKerasModelOptions<T extends Tasks> extends LoadKerasOptions {
  /**
   * Tasks of the model's outputs. If all task names are names of outputs, they are matched by name and other outputs are removed. If
   * no task name is, tasks are matched by order.
   */
  readonly tasks: InferPerTask<T> & ValidTaskNames<T>;
  /**
   * The values that the bytes 0 and 255 become at the model's input. Default: the range in the file if this library wrote it, else
   * `[0, 1]`. A model that begins with `Rescaling` or `Normalization` usually expects `[0, 255]`.
   */
  readonly range?: PixelRange;
}

/** The `loadKeras` function of an entry. */
export interface LoadKeras {
  /**
   * Reads a model that Keras saved: `.keras` (Keras 3), or a whole model as `.h5` (Keras 2 and 3).
   *
   * Nested models are flattened, and frozen layers stay frozen. Layers that TensorFlow.js cannot express are an error with the name
   * of the layer. `Random*` layers, noise and constraints, which act only in training, are omitted, and `log` receives a line for each.
   *
   * @param source - Path, URL or content of the file, see {@link KerasSource}. The format is detected from the content.
   * @returns With `tasks`, a typed model that can be trained and saved; without `tasks`, a plain `tf.LayersModel`.
   * @throws A `file` error for a file that cannot be read or is damaged, an unknown layer or setting, or weights of another shape;
   *   its path contains the file and the part of it. An `argument` error for tasks that do not match the model's outputs, and for a
   *   path or URL in a runtime without access to files.
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
  /** Reads the model as a plain `tf.LayersModel`. */
  (source: KerasSource, options?: LoadKerasOptions & { readonly tasks?: undefined }): Promise<tf.LayersModel>;
}

/** Creates the {@link LoadKeras} function of a platform. Its models use the platform to start engines and read images. */
export const createLoadKeras = (platform: Platform): LoadKeras =>
  ((source: KerasSource, options?: LoadKerasOptions) => loadKeras(platform, source, options)) as LoadKeras;

async function loadKeras<T extends Tasks>(
  platform: Platform,
  source: KerasSource,
  options: LoadKerasOptions & { readonly tasks?: T | undefined; readonly range?: PixelRange } = {},
): Promise<tf.LayersModel | MultiTaskModel<T>> {
  const {
    name,
    weights: weightsSource,
    weightsName,
    tasks,
    range: requestedRange,
    ...readerOptions
  } = options;
  checks.optionNames('loadKeras', options, OPTION_NAMES);
  checkKerasSource('loadKeras', source, platform);
  if (weightsSource !== undefined) checkKerasSource('loadKeras.weights', weightsSource, platform);
  checkInputShape(readerOptions.input);
  if (tasks && requestedRange !== undefined) checkPixelRange('loadKeras.range', requestedRange);
  const taskNames = Object.keys(tasks ?? {});
  taskNames.forEach((task, i) => {
    checkNamedTask(`loadKeras.tasks.${task}`, task, tasks![task]!, taskNames.slice(0, i));
  });
  const path = name ?? getSourceName(source) ?? 'file';
  const weightsPath = weightsName ?? getSourceName(weightsSource) ?? 'weights';
  const file = await readKerasSource(platform, source, path);
  const weights = weightsSource && (await readKerasSource(platform, weightsSource, weightsPath));
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

const OPTION_NAMES = ['name', 'weights', 'weightsName', 'input', 'layers', 'log', 'tasks', 'range'];

function checkInputShape(input: unknown): void {
  if (input === undefined) return;
  checks.shape('loadKeras.input', input, ['height', 'width', 'channels'], {
    advice: 'For color images of 128x128 pixels, write [128, 128, 3].',
  });
}
