import * as checks from '../../core/errors/checks.js';
import { createArgumentError } from '../../core/errors/errors.js';
import { describeType } from '../../core/errors/formatValue.js';
import { suggestAwait } from '../../core/errors/suggestions.js';
import { createAccessError } from './files/accessError.js';
import { writeAtomically } from './files/atomicWrite.js';

/**
 * Writes bytes to a file, for example a model from `exportKeras` or `exportOnnx`. The write is atomic: a temporary file next to `path` is
 * flushed to the disk and renamed, so even if the process is killed, either the complete old file or the complete new file remains.
 *
 * @param path - Path of the file. Missing folders are created, and an existing file is replaced.
 * @param bytes - Contents of the file.
 * @returns A promise that resolves when the file is on the disk.
 * @throws An `argument` error if `path` is not a path or `bytes` is not a `Uint8Array`. A `file` error if the file cannot be written.
 * @example
 * ```ts
 * import { branch, exportKeras, flatten, multiTask, regression } from 'tfjs-multitask';
 * import { saveFile } from 'tfjs-multitask/node';
 *
 * const model = multiTask({ input: [8, 8, 3] })
 *   .task('age', regression({ unit: 'years' }), branch([flatten()]))
 *   .build();
 * await saveFile('out/age.keras', await exportKeras(model));
 * ```
 * @category Files
 */
export async function saveFile(path: string, bytes: Uint8Array): Promise<void> {
  checks.noOptions('saveFile', arguments[2]);
  if (typeof path !== 'string' || path === '') {
    throw createArgumentError(
      'saveFile',
      'the path of a file as the first argument',
      describeType(path),
      suggestAwait(path, EXAMPLE),
    );
  }
  if (!(bytes instanceof Uint8Array)) {
    throw createArgumentError(
      path,
      'the contents of the file as a Uint8Array',
      describeType(bytes),
      suggestAwait(bytes, EXAMPLE),
    );
  }
  try {
    await writeAtomically(path, bytes);
  } catch (error) {
    throw createAccessError(path, 'a writable file', error);
  }
}

const EXAMPLE = "Write saveFile('face.keras', await exportKeras(model)).";
