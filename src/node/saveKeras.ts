import { basename, dirname, extname } from 'node:path';
import { createError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import type { TypeErrorMessage } from '../core/inferenceTypes.js';
import { type ExportKerasOptions, exportKeras } from '../interop/keras/exportKeras.js';
import type { KerasFormat } from '../interop/keras/write/writeKerasFile.js';
import { checkModel } from '../network/checkModel.js';
import type { ExportableModel } from '../network/exportableModel.js';
import type { Tasks } from '../tasks/task.js';
import type { tf } from '../tensor/tf.js';
import { folderStore } from './platform/folderStore.js';

const FORMAT_BY_EXTENSION: { readonly [ending: string]: KerasFormat } = { '.keras': 'keras', '.h5': 'h5' };

/**
 * Writes a model as a file that `keras.models.load_model` opens. The write is atomic. The extension of the
 * path selects the format: `.keras` or `.h5`. See `exportKeras` of `tfjs-multitask` for the content of the
 * file.
 *
 * @param path - Path of the file. Missing folders are created.
 * @throws An `argument` error if the extension is unknown, `model` is not a model, or Keras cannot express
 *   the model. A `file` error if the path cannot be written.
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
  model: ExportableModel & { readonly tasks: T },
  options?: Omit<ExportKerasOptions<T, W>, 'format'>,
): Promise<void>;
/** Writes a flat `tf.LayersModel`, without tasks. */
export function saveKeras(
  path: string,
  model: tf.LayersModel,
  options?: {
    readonly [option in
      | 'bytes'
      | 'optimizer'
      | 'loss'
      | 'checkpoint']?: TypeErrorMessage<'leave it out: a LayersModel has no range and no tasks'>;
  },
): Promise<void>;
export async function saveKeras(
  path: string,
  model: ExportableModel | tf.LayersModel,
  options: object = {},
): Promise<void> {
  if (typeof path !== 'string') {
    throw createError({
      kind: 'argument',
      path: 'saveKeras',
      expected: 'the path of the file as the first argument',
      received: describeType(path),
      advice: "Write saveKeras('face.keras', model).",
    });
  }
  if (path.endsWith('.weights.h5')) {
    throw createError({
      kind: 'argument',
      path,
      expected: 'the name of a model file',
      received: 'the name of a weights file, which Keras does not read as a model',
      advice: `Write ${path.replace('.weights.h5', '.h5')}, or use the extension .keras.`,
    });
  }
  checkModel('saveKeras', model, true);
  const format = FORMAT_BY_EXTENSION[extname(path)];
  if (format === undefined) {
    throw createError({
      kind: 'argument',
      path,
      expected: 'a file name with the extension .keras or .h5',
      received: extname(path) ? `the extension ${extname(path)}` : 'no extension',
      advice: 'Use .keras, because Keras recognizes a file by its extension.',
    });
  }
  const file = await exportKeras(model as ExportableModel, { ...options, format });
  await folderStore(dirname(path)).write(basename(path), file);
}
