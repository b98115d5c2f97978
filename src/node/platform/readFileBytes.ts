import type { ReadLimits } from '../../core/platform/platform.js';
import { createAccessError } from './files/accessError.js';
import { readRegularFile } from './files/regularFile.js';

/**
 * Reads a file whose path was passed by the user.
 *
 * @param expected - Noun phrase for the file, used in the error message.
 * @param advice - What to do if the file cannot be read, used in the error message.
 * @throws A `file` error if the file cannot be read or is too large. The reason of the signal if it is aborted.
 */
export async function readFileBytes(
  path: string | URL,
  expected: string,
  advice: string,
  limits: ReadLimits = {},
): Promise<Uint8Array> {
  try {
    return await readRegularFile(path, limits);
  } catch (cause) {
    limits.signal?.throwIfAborted();
    throw createAccessError(path instanceof URL ? path.href : path, expected, cause, advice);
  }
}
