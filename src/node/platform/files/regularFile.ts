import type { Stats } from 'node:fs';
import { constants, type FileHandle, open, stat } from 'node:fs/promises';

/** Default maximum size of a file in bytes. On some platforms, Node cannot read a larger file into one buffer. */
export const MAX_FILE_BYTES = 2 ** 31 - 1;

/** Number of bytes that are read at a time. A large file is read in several steps, so that an abort signal can stop the read. */
const CHUNK_BYTES = 16 * 2 ** 20;

/**
 * Flag that makes opening a named pipe or a device return immediately. The flag has no effect on regular files, and does not exist on
 * Windows.
 */
const NON_BLOCKING = constants.O_NONBLOCK ?? 0;

/** Options for {@link readRegularFile}. */
export interface ReadFileOptions {
  /** Maximum size of the file in bytes. Default: {@link MAX_FILE_BYTES}. */
  readonly maxBytes?: number;
  /** Signal that stops the read. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Error for a path that does not refer to a regular file, or that refers to a file that is too large. Its `message` is a noun phrase that
 * describes the file.
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
 * Reads a file. A named pipe, a device, a socket or a folder is rejected before it is opened, even if the path is a link to it, because
 * reading it could block or never end. The number of bytes that are read is the size of the file when it was opened, so the read ends even
 * if the file grows.
 *
 * All code that reads a user's files calls this function.
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

/** Appends bytes to a file. The file is created if it does not exist. A path that does not refer to a regular file is rejected. */
export async function appendRegularFile(path: string, bytes: Uint8Array): Promise<void> {
  const file = await openRegularFile(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT);
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}

/** Throws an {@link UnusableFileError} if a path exists and does not refer to a regular file. The file is not opened. */
export async function checkRegularFile(path: string | URL): Promise<void> {
  try {
    checkStats(await stat(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/**
 * Opens a regular file. The path is checked before the file is opened, because opening a device can have side effects. The open file is
 * checked again, because the path may have changed.
 */
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
