import { readFile } from 'node:fs/promises';
import { createError } from '../../core/errors/errors.js';

/** The bytes of a file that a user named; `wanted` is what it must be, `advice` what to do when it cannot be read. */
export async function readFileBytes(path: string | URL, wanted: string, advice: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw createError({
      kind: 'file',
      path: path instanceof URL ? path.href : path,
      expected: wanted,
      received: (cause as NodeJS.ErrnoException).code ?? String(cause),
      advice,
      cause,
    });
  }
}
