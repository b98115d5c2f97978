import { adviceOn, checkNames, fault, kindOf, show } from '../core/errors.js';
import type { ImageShape, PixelRange } from '../core/images.js';
import type { InPlace } from '../core/types.js';
import type { LayerMaker } from '../io/keras/custom.js';
import { type KerasOutput, readKerasModel } from '../io/keras/readModel.js';
import { checkTaskTable, type TaskTable } from '../io/taskTable.js';
import { networkOf } from '../models/compose.js';
import type { Tasks } from '../tasks/task.js';
import type { tf } from '../tensor/tf.js';
import { checkLikeFile, checkOutput, imageOf, outputsOf } from './kerasTasks.js';
import { type MultiTaskModel, modelOf } from './model.js';
import { checkNamedTask, checkRange, type TaskNames } from './multiTask.js';

/**
 * Options of {@link loadKeras}.
 *
 * @category Files
 */
export interface LoadKerasOptions {
  /** The file's name, for errors. Default `file`. */
  readonly name?: string;
  /** A second file: the weights of a model that was saved without, or others: `.weights.h5`, or a legacy weights `.h5`. */
  readonly weights?: Uint8Array;
  /** The second file's name, for errors. Default `weights`. */
  readonly weightsName?: string;
  /** `[height, width, channels]` of the images where the model leaves them open. */
  readonly input?: ImageShape;
  /** Layers of classes that are unknown here: `{ Blur: (config, name) => layer }`, or `mine>Blur` with the package. */
  readonly layers?: { readonly [className: string]: LayerMaker };
  /** Told what is not kept (layers and settings that only matter to training), and which output a task has by its order. */
  readonly log?: (text: string) => void;
}

/**
 * Options of {@link loadKeras} for a typed model.
 *
 * @category Files
 */
export interface LoadKerasTasks<T extends Tasks> extends LoadKerasOptions {
  /** The model's outputs: by name where all names are outputs (others are then left out), by order where none is. */
  readonly tasks: InPlace<T> & TaskNames<T>;
  /**
   * What the bytes 0 and 255 become at the model's door. Default: what the file says, where this library wrote it, else
   * `[0, 1]`. A model that begins with `Rescaling` or `Normalization` usually wants `[0, 255]`.
   */
  readonly range?: PixelRange;
}

/**
 * Reads a model that Keras saved: `.keras` (Keras 3), or a whole model as `.h5` (Keras 2 and 3). With `tasks` the result is a
 * typed model to train, save and predict with; without, a plain `tf.LayersModel`.
 *
 * Models inside the model are opened: the result is flat, and what was frozen stays frozen, layer by layer. Layers are those
 * for images; what no layer of TensorFlow.js says is an error that names it. `Random*` layers, noise and constraints, which act
 * in training only, are left out, and `log` is told.
 *
 * @param file - The bytes of the file; its kind is told by them.
 * @throws `file` fault for a damaged file, an unknown layer or setting, and weights that do not fit, naming file and place;
 *   `argument` fault for tasks that are not the model's outputs.
 * @example
 * ```ts
 * import { binary, loadKeras, regression } from 'tfjs-multitask';
 *
 * export async function faces(url: string) {
 *   const file = new Uint8Array(await (await fetch(url)).arrayBuffer());
 *   return loadKeras(file, {
 *     tasks: { age: regression({ unit: 'years' }), gender: binary(['male', 'female']) },
 *     range: [0, 255], // the model begins with Rescaling(1 / 255)
 *     log: console.log,
 *   });
 * }
 * ```
 * @category Files
 */
export function loadKeras<const T extends Tasks>(
  file: Uint8Array,
  options: LoadKerasTasks<T>,
): Promise<MultiTaskModel<T>>;
/** Without tasks: the plain model. */
export function loadKeras(
  file: Uint8Array,
  options?: LoadKerasOptions & { readonly tasks?: undefined },
): Promise<tf.LayersModel>;
export async function loadKeras<T extends Tasks>(
  file: Uint8Array,
  options: LoadKerasOptions & { readonly tasks?: T | undefined; readonly range?: PixelRange } = {},
): Promise<tf.LayersModel | MultiTaskModel<T>> {
  const {
    name: path = 'file',
    weightsName: weightsPath = 'weights',
    tasks,
    range: given,
    ...reads
  } = options;
  checkNames('loadKeras', options, OPTIONS);
  checkBytes('loadKeras', file);
  if (reads.weights !== undefined) checkBytes('loadKeras.weights', reads.weights);
  checkInput(reads.input);
  const reading = { ...reads, path, weightsPath };
  if (!tasks) return (await readKerasModel(file, reading)).layersModel;
  if (given !== undefined) checkRange('loadKeras.range', given);
  const names = Object.keys(tasks);
  names.forEach((name, i) => {
    checkNamedTask(`loadKeras.tasks.${name}`, name, tasks[name]!, names.slice(0, i));
  });
  const choose = (outputs: readonly KerasOutput[]) => outputsOf(names, outputs, reads.log);
  const { layersModel, table } = await readKerasModel(file, { ...reading, choose });
  try {
    const known = table && checkTaskTable(table.value as TaskTable, table.path);
    const range = given ?? known?.input.range ?? [0, 1];
    for (const name of names) checkLikeFile(name, tasks[name]!, known?.tasks[name]);
    const shape = imageOf(layersModel, path);
    names.forEach((name, i) => {
      checkOutput(layersModel.outputs[i]!, tasks[name]!, `${path}: ${name}`);
    });
    return modelOf(networkOf(layersModel, tasks, { shape, range }));
  } catch (error) {
    layersModel.dispose();
    throw error;
  }
}

const OPTIONS = ['name', 'weights', 'weightsName', 'input', 'layers', 'log', 'tasks', 'range'];

function checkBytes(path: string, file: unknown): void {
  if (file instanceof Uint8Array) return;
  const buffer = file instanceof ArrayBuffer;
  throw fault({
    kind: 'argument',
    path,
    expected: 'the bytes of a file, a Uint8Array',
    received: buffer ? 'an ArrayBuffer' : typeof file === 'string' ? show(file) : kindOf(file),
    advice: adviceOn(
      file,
      buffer ? 'Write new Uint8Array(buffer).' : 'For a path import loadKeras from tfjs-multitask/node.',
    ),
  });
}

function checkInput(input: unknown): void {
  const sizes = Array.isArray(input) && input.length === 3 && input.every((size) => Number.isInteger(size));
  if (input === undefined || (sizes && input.every((size) => size > 0))) return;
  throw fault({
    kind: 'argument',
    path: 'loadKeras.input',
    expected: '[height, width, channels]',
    received: show(input),
    advice: 'Faces of 128 pixels in colour are [128, 128, 3].',
  });
}
