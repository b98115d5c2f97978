import { createFileError, type MultitaskError } from '../../../core/errors/errors.js';
import { UnusableFileError } from './regularFile.js';

/** Noun phrases for the error codes of Node's file system functions. */
const DESCRIPTIONS: { readonly [code: string]: string } = {
  ENOENT: 'a file or folder that does not exist',
  ENOTDIR: 'a file in place of a folder',
  EISDIR: 'a folder in place of a file',
  EEXIST: 'an existing file in place of a folder',
  ENOTEMPTY: 'a folder in place of a file',
  EACCES: 'a file or folder without the required permission',
  EPERM: 'a file or folder without the required permission',
  EROFS: 'a read-only file system',
  ENOSPC: 'a full disk',
  ENAMETOOLONG: 'a name that is too long',
  ELOOP: 'a link that leads to itself',
  ERR_FS_EISDIR: 'a folder in place of a file',
  ERR_INVALID_URL_SCHEME: 'a URL that begins neither with file: nor with http(s):',
};

const OBSTACLE_CODES = ['ENOTDIR', 'EEXIST', 'EISDIR', 'ENOTEMPTY', 'ERR_FS_EISDIR', 'NOT_A_FILE'];

/**
 * Creates a `file` error from an error that Node's file system functions threw. The error code is described by a noun phrase, for example
 * `a file or folder that does not exist (ENOENT)`.
 */
export function createAccessError(
  path: string,
  expected: string,
  cause: unknown,
  advice?: string,
): MultitaskError {
  const { code = String(cause) } = cause as NodeJS.ErrnoException;
  return createFileError(path, expected, describeAccessError(cause), advice ?? chooseAdvice(code), cause);
}

/** Describes an error of the file system as a noun phrase, for example `no such file or folder (ENOENT)`. */
export function describeAccessError(cause: unknown): string {
  if (cause instanceof UnusableFileError) return cause.message;
  const { code = String(cause) } = cause as NodeJS.ErrnoException;
  const description = Object.hasOwn(DESCRIPTIONS, code) ? DESCRIPTIONS[code] : undefined;
  return description === undefined ? `the error ${code}` : `${description} (${code})`;
}

const chooseAdvice = (code: string) =>
  OBSTACLE_CODES.includes(code)
    ? 'Choose another path, or remove the file or folder that is in the way.'
    : 'Check that the folder exists, that you have permission to access it, and that the disk is not full.';
