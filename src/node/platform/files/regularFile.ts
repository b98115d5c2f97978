import type { Stats } from 'node:fs';
import { constants, type FileHandle, open, stat } from 'node:fs/promises';

/** Default limit for the size of a file in bytes. Node.js cannot read larger files into one Buffer on all platforms. */
export const MAX_FILE_BYTES = 2 ** 31 - 1;

/** Number of bytes that are read at a time, so that an abort signal ends a read early. */
const CHUNK_BYTES = 16 * 2 ** 20;

/**
 * Flag that makes opening a named pipe or a device return immediately. It has no effect on regular files. Windows does not have it.
 */
const NON_BLOCKING = constants.O_NONBLOCK ?? 0;

/** Options of {@link readRegularFile}. */
export interface ReadFileOptions {
  /** Limit for the size of the file. Default {@link MAX_FILE_BYTES}. */
  readonly maxBytes?: number;
  /** Signal that ends the read. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Error of a path that is not a regular file of a limited size. Its `message` is a noun phrase that describes what the path refers to.
 */
export class UnusableFileError extends Error {
  constructor(
    readonly code: 'EISDIR' | 'NOT_A_FILE' | 'FILE_TOO_LARGE',
    description: string,
  ) {
    super(description);
  }
}

/**
 * Reads a file. The path is checked before anything is opened or allocated: a named pipe, a device, a socket or a folder is rejected instead
 * of blocking or never ending, directly or behind a link. Reads as many bytes as the file had when it was opened, so a file that grows
 * meanwhile has an end.
 *
 * All code that reads files of a user calls this function.
 *
 * @throws An {@link UnusableFileError} if the path is not a regular file or the file is too large. The Node.js error if the file cannot be
 *   read. The reason of `signal` if it is aborted.
 */
export async function readRegularFile(
  path: string | URL,
  { maxBytes = MAX_FILE_BYTES, signal }: ReadFileOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  signal?.throwIfAborted();
  const file = await openRegularFile(path, constants.O_RDONLY);
  try {
    const { size } = await file.stat();
    if (size > maxBytes) {
      throw new UnusableFileError('FILE_TOO_LARGE', `a file of ${size} bytes, more than ${maxBytes}`);
    }
    const bytes = new Uint8Array(size);
    let length = 0;
    while (length < size) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(bytes, length, Math.min(CHUNK_BYTES, size - length), length);
      if (bytesRead === 0) break; // The file was truncated meanwhile.
      length += bytesRead;
    }
    return length === size ? bytes : bytes.slice(0, length);
  } finally {
    await file.close();
  }
}

/** Appends bytes to a file, and creates it if it does not exist. Rejects a path that is not a regular file. */
export async function appendRegularFile(path: string, bytes: Uint8Array): Promise<void> {
  const file = await openRegularFile(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT);
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}

/** Throws an {@link UnusableFileError} if a path exists and is not a regular file. Does not open the path. */
export async function checkRegularFile(path: string | URL): Promise<void> {
  try {
    checkStats(await stat(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Opens a regular file. It is checked before it is opened, because opening a device can have effects, and again afterwards. */
async function openRegularFile(path: string | URL, flags: number): Promise<FileHandle> {
  await checkRegularFile(path);
  const file = await open(path, flags | NON_BLOCKING);
  try {
    checkStats(await file.stat());
  } catch (error) {
    await file.close();
    throw error;
  }
  return file;
}

function checkStats(stats: Stats): void {
  if (stats.isFile()) return;
  if (stats.isDirectory()) throw new UnusableFileError('EISDIR', 'a folder in place of a file (EISDIR)');
  const type = stats.isFIFO() ? 'a named pipe' : stats.isSocket() ? 'a socket' : 'a device';
  throw new UnusableFileError('NOT_A_FILE', `${type} in place of a file`);
}
