import { fault } from '../core/errors.js';
import type { ImageShape, PixelRange } from '../core/images.js';
import type { LayerMaker } from '../io/keras/custom.js';
import { type KerasOutput, readKerasModel } from '../io/keras/readModel.js';
import { checkTaskTable, type TaskTable } from '../io/taskTable.js';
import { networkOf } from '../models/compose.js';
import type { Tasks } from '../tasks/task.js';
import type { tf } from '../tensor/tf.js';
import { type MultiTaskModel, modelOf } from './model.js';
import { checkNamedTask, checkRange } from './multiTask.js';

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
  /** Told what is not kept: layers and settings that only matter to training. */
  readonly log?: (text: string) => void;
}

/**
 * Options of {@link loadKeras} for a typed model.
 *
 * @category Files
 */
export interface LoadKerasTasks<T extends Tasks> extends LoadKerasOptions {
  /** The model's outputs: by name where all names are outputs (others are then left out), by order where none is. */
  readonly tasks: T;
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

/** Which output each task is: `[task, number of the output]`. */
function outputsOf(
  tasks: readonly string[],
  outputs: readonly KerasOutput[],
  log: LoadKerasOptions['log'],
): [task: string, output: number][] {
  const numberOf = (task: string) => {
    const named = outputs.findIndex(({ name }) => name === task);
    return named >= 0 ? named : outputs.findIndex(({ layer }) => layer === task);
  };
  const found = tasks.map((task) => [task, numberOf(task)] as [string, number]);
  if (found.every(([, output]) => output < 0) && tasks.length === outputs.length && tasks.length > 0) {
    return tasks.map((task, i) => [task, i]);
  }
  const lost = found.find(([, output]) => output < 0);
  if (lost || tasks.length === 0) {
    throw fault({
      kind: 'argument',
      path: 'loadKeras.tasks',
      expected: `names of the model's outputs (${outputs.map(({ name }) => name).join(', ')}), or one other name for each`,
      received: tasks.map((task) => `"${task}"`).join(', ') || 'none',
      advice: 'Name the tasks like the outputs, or give as many tasks as outputs, in their order.',
    });
  }
  const left = outputs.filter((_, i) => !found.some(([, output]) => output === i));
  if (left.length > 0)
    log?.(`outputs without a task are left out: ${left.map(({ name }) => name).join(', ')}`);
  return found;
}

/** A task that this library wrote into the file is the one that is given: labels in another order would turn answers round. */
function checkLikeFile(name: string, task: Tasks[string], known: Tasks[string] | undefined): void {
  const show = ({ kind, labels }: Tasks[string]) => (labels ? `${kind}([${labels.join(', ')}])` : kind);
  if (!known || show(known) === show(task)) return;
  throw fault({
    kind: 'argument',
    path: `loadKeras.tasks.${name}`,
    expected: `${show(known)}, as the file says`,
    received: show(task),
    advice: 'Give the labels in the order in which the model was trained.',
  });
}

/** The one image a typed model takes. */
function imageOf({ inputs }: tf.LayersModel, path: string): ImageShape {
  const wrong = (expected: string, received: string, advice: string) =>
    fault({ kind: 'file', path, expected, received, advice });
  const [image, ...more] = inputs;
  if (!image || more.length > 0) {
    throw wrong(
      'a model of one input, the image',
      `${inputs.length} inputs`,
      'Leave `tasks` out to have it as it is.',
    );
  }
  const [, ...shape] = image.shape;
  const [height, width, channels] = shape;
  if (shape.length === 3 && height && width && (channels === 1 || channels === 3)) {
    return [height, width, channels];
  }
  throw wrong(
    'images of a known size with 1 or 3 channels',
    `[${shape.map((size) => size ?? '?').join(', ')}]`,
    'Give the size as `input: [128, 128, 3]` where the model leaves it open.',
  );
}

/** A task's output has the numbers that its answers are made of: as many, and probabilities where they are ones. */
function checkOutput(output: tf.SymbolicTensor, task: Tasks[string], path: string): void {
  const wrong = (expected: string, received: string, advice: string) =>
    fault({ kind: 'argument', path, expected, received, advice });
  const [, ...shape] = output.shape;
  if (shape.length !== 1 || shape[0] !== task.units) {
    throw wrong(
      `an output of [${task.units}], for ${task.kind}`,
      `[${shape.join(', ')}]`,
      'regression() and binary() are one number, categorical() one a label.',
    );
  }
  if (task.kind === 'regression' || lastFunction(output) !== 'linear') return;
  throw wrong(
    `an output that ends with ${task.activation}`,
    'one that ends without activation',
    `Put Activation('${task.activation}') at the end of the model in Keras.`,
  );
}

/** The activation that an output ends with, where its layers tell. */
function lastFunction({ sourceLayer, nodeIndex }: tf.SymbolicTensor): string | undefined {
  const { activation } = sourceLayer.getConfig();
  const [before] = sourceLayer.inboundNodes[nodeIndex]?.inputTensors ?? [];
  const passes = sourceLayer.getClassName() === 'Activation' && activation === 'linear';
  return passes && before ? lastFunction(before) : (activation as string | undefined);
}
