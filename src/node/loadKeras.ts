import { createError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import { suggestAwait } from '../core/errors/suggestions.js';
import {
  type LoadKerasOptions as BytesOptions,
  type LoadKerasModelOptions as BytesTasks,
  createLoadKeras,
} from '../model/loadKeras.js';
import type { MultiTaskModel } from '../model/multiTaskModel.js';
import type { Tasks } from '../tasks/task.js';
import type { tf } from '../tensor/tf.js';
import { nodePlatform } from './platform/nodePlatform.js';
import { readFileBytes } from './platform/readFileBytes.js';

/**
 * Options of {@link loadKeras}.
 *
 * @category Files
 */
export interface LoadKerasOptions extends Omit<BytesOptions, 'name' | 'weights' | 'weightsName'> {
  /**
   * Path of a second file with the weights, if the model was saved without weights or should get others:
   * `.weights.h5`, or a legacy weights `.h5`.
   */
  readonly weights?: string;
}

/**
 * Options of {@link loadKeras} for a typed model.
 *
 * @category Files
 */
export interface LoadKerasModelOptions<T extends Tasks>
  extends LoadKerasOptions,
    Pick<BytesTasks<T>, 'tasks' | 'range'> {}

/**
 * Reads a model from a file that Keras saved: `.keras` (Keras 3), or a whole model as `.h5` (Keras 2 and 3).
 * Nested models are flattened, and frozen layers stay frozen.
 *
 * @returns A typed model if `tasks` is passed, otherwise a plain `tf.LayersModel`.
 * @throws A `file` error if a file cannot be read or is corrupted, a layer or setting is unknown, or the
 *   weights do not fit; its path contains the file and the part of it. An `argument` error if the tasks do
 *   not match the model's outputs.
 * @example
 * ```ts
 * import { binary, regression } from 'tfjs-multitask';
 * import { loadKeras } from 'tfjs-multitask/node';
 *
 * const model = await loadKeras('face.keras', {
 *   tasks: { age: regression({ unit: 'years' }), gender: binary(['male', 'female']) },
 *   range: [0, 255], // the model begins with Rescaling(1 / 255)
 * });
 * const [height, width] = model.input.shape;
 * const image = { data: new Uint8Array(height * width * 3).fill(99), height, width, channels: 3 };
 * console.log(await model.predict(image)); // { age: …, gender: { label: …, probability: … } }
 * ```
 * @category Files
 */
export function loadKeras<const T extends Tasks>(
  path: string,
  options: LoadKerasModelOptions<T>,
): Promise<MultiTaskModel<T>>;
/** Reads a Keras file as a plain `tf.LayersModel`, without tasks. */
export function loadKeras(
  path: string,
  options?: LoadKerasOptions & { readonly tasks?: undefined },
): Promise<tf.LayersModel>;
export async function loadKeras<T extends Tasks>(
  path: string,
  { weights, ...options }: LoadKerasOptions & { readonly tasks?: T | undefined } = {},
): Promise<tf.LayersModel | MultiTaskModel<T>> {
  checkPath('loadKeras', path);
  if (weights !== undefined) checkPath('loadKeras.weights', weights);
  const bytesOptions = {
    ...options,
    name: path,
    ...(weights === undefined ? {} : { weights: await readBytes(weights), weightsName: weights }),
  };
  return createLoadKeras(nodePlatform)(await readBytes(path), bytesOptions as BytesTasks<T>);
}

const readBytes = (path: string) => readFileBytes(path, 'a readable file', 'Check the path.');

function checkPath(path: string, value: unknown): void {
  if (typeof value === 'string') return;
  throw createError({
    kind: 'argument',
    path,
    expected: 'the path of a file',
    received: value instanceof Uint8Array ? 'bytes' : describeType(value),
    advice: suggestAwait(value, 'Pass the path; for bytes, import loadKeras from tfjs-multitask.'),
  });
}
