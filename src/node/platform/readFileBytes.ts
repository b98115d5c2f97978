import { readFile } from 'node:fs/promises';
import { createAccessError } from './accessError.js';

/** The bytes of a file that a user named; `wanted` is what it must be, `advice` what to do when it cannot be read. */
export async function readFileBytes(path: string | URL, wanted: string, advice: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw createAccessError(path instanceof URL ? path.href : path, wanted, cause, advice);
  }
}
