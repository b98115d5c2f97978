import { adviceOn, fault, kindOf } from '../core/errors.js';
import type { Tasks } from '../tasks/task.js';
import type { tf } from '../tensor/tf.js';
import {
  type LoadKerasOptions as BytesOptions,
  type LoadKerasTasks as BytesTasks,
  loadKeras as loadBytes,
} from '../training/loadKeras.js';
import type { MultiTaskModel } from '../training/model.js';
import { readPath } from './readPath.js';

/**
 * Options of {@link loadKeras}.
 *
 * @category Files
 */
export interface LoadKerasOptions extends Omit<BytesOptions, 'name' | 'weights' | 'weightsName'> {
  /** A second file: the weights of a model that was saved without, or others: `.weights.h5`, or a legacy weights `.h5`. */
  readonly weights?: string;
}

/**
 * Options of {@link loadKeras} for a typed model.
 *
 * @category Files
 */
export interface LoadKerasTasks<T extends Tasks>
  extends LoadKerasOptions,
    Pick<BytesTasks<T>, 'tasks' | 'range'> {}

/**
 * Reads a model that Keras saved from a file: `.keras` (Keras 3), or a whole model as `.h5` (Keras 2 and 3), flat, with what
 * was frozen still frozen. With `tasks` the result is a typed model; without, a plain `tf.LayersModel`.
 *
 * @throws `file` fault for a file that cannot be read or is damaged, an unknown layer or setting, and weights that do not fit,
 *   naming file and place; `argument` fault for tasks that are not the model's outputs.
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
 * const grey = { data: new Uint8Array(height * width * 3).fill(99), height, width, channels: 3 };
 * console.log(await model.predict(grey)); // { age: …, gender: { label: …, probability: … } }
 * ```
 * @category Files
 */
export function loadKeras<const T extends Tasks>(
  path: string,
  options: LoadKerasTasks<T>,
): Promise<MultiTaskModel<T>>;
/** Without tasks: the plain model. */
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
  const given = {
    ...options,
    name: path,
    ...(weights === undefined ? {} : { weights: await read(weights), weightsName: weights }),
  };
  return loadBytes<T>(await read(path), given as BytesTasks<T>);
}

const read = (path: string) => readPath(path, 'a file that can be read', 'Check the path.');

function checkPath(path: string, value: unknown): void {
  if (typeof value === 'string') return;
  throw fault({
    kind: 'argument',
    path,
    expected: 'the path of a file',
    received: value instanceof Uint8Array ? 'bytes' : kindOf(value),
    advice: adviceOn(value, 'Write its path; for bytes import loadKeras from tfjs-multitask.'),
  });
}
