import { basename, dirname, extname } from 'node:path';
import { fault } from '../core/errors.js';
import type { Exportable } from '../engines/onnx/exportOnnx.js';
import type { KerasFormat } from '../io/keras/writeFile.js';
import type { Tasks } from '../tasks/task.js';
import type { tf } from '../tensor/tf.js';
import { type ExportKerasOptions, exportKeras } from '../training/exportKeras.js';
import { folderStore } from './folderStore.js';

const FORMATS: { readonly [ending: string]: KerasFormat } = { '.keras': 'keras', '.h5': 'h5' };

/**
 * Writes a model as a file that `keras.models.load_model` opens, whole or not at all; see `exportKeras` of `tfjs-multitask`
 * for what it holds. The format is the path's ending: `.keras`, or `.h5`.
 *
 * @param path - Folders on the way are made.
 * @throws `argument` fault for another ending and for what Keras cannot say, `file` fault for a path that cannot be written.
 * @example
 * ```ts
 * import { branch, flatten, multiTask, regression } from 'tfjs-multitask';
 * import { saveKeras } from 'tfjs-multitask/node';
 *
 * const model = multiTask({ input: [8, 8, 3] })
 *   .task('age', regression({ unit: 'years' }), branch([flatten()]))
 *   .build();
 * await saveKeras('out/age.keras', model, { bytes: true });
 * ```
 * @category Files
 */
export function saveKeras<T extends Tasks, const W extends { readonly [task: string]: number }>(
  path: string,
  model: Exportable & { readonly tasks: T },
  options?: Omit<ExportKerasOptions<T, W>, 'format'>,
): Promise<void>;
/** Without tasks: any flat model. */
export function saveKeras(path: string, model: tf.LayersModel): Promise<void>;
export async function saveKeras(
  path: string,
  model: Exportable | tf.LayersModel,
  options: object = {},
): Promise<void> {
  const format = FORMATS[extname(path)];
  if (format === undefined) {
    throw fault({
      kind: 'argument',
      path,
      expected: 'a name that ends with .keras or .h5',
      received: extname(path) || 'no ending',
      advice: 'Keras knows a file by it: take .keras.',
    });
  }
  const file = await exportKeras(model as Exportable, { ...options, format });
  await folderStore(dirname(path)).write(basename(path), file);
}
