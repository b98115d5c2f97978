import { lstat, realpath } from 'node:fs/promises';
import path, { basename, dirname, join, resolve } from 'node:path';
import { createArgumentError, createFileError } from '../../../core/errors/errors.js';
import { createAccessError } from './accessError.js';
import { findWindowsNameProblem } from './windowsNames.js';

/**
 * Returns the path of the file `name` in a folder. The folder does not need to exist, and can itself be a link.
 *
 * @param folder - Path of the folder, as the user passed it.
 * @param platform - Operating system whose rules apply to the name.
 * @throws An `argument` error if the name refers to a file outside the folder, or if Windows cannot store a file of this name.
 */
export function joinInside(
  folder: string,
  name: string,
  platform: NodeJS.Platform = process.platform,
): string {
  const { resolve } = platform === 'win32' ? path.win32 : path.posix;
  if (
    typeof name !== 'string' ||
    name.includes('\0') ||
    !isInside(resolve(folder), resolve(folder, name), platform)
  ) {
    throw createArgumentError(
      String(name) || folder,
      `a file name inside ${folder}`,
      'a name that refers to a file outside this folder',
      'Use a relative name without "..".',
    );
  }
  const problem = platform === 'win32' ? findWindowsNameProblem(name) : undefined;
  if (problem === undefined) return resolve(folder, name);
  throw createArgumentError(name, 'a name for a file on Windows', problem, 'Choose another name.');
}

/**
 * Returns the path of a file in a folder, in which all links have been resolved, so that the file system follows no more
 * links.
 *
 * @param folder - Path of the folder, as the user passed it.
 * @param filePath - Path from {@link joinInside}.
 * @param options - `keepLink`: whether to return the path of a link itself if the last part of the path is one.
 * @throws A `file` error if a link leads out of the folder or to a missing file.
 */
export async function resolveLinks(
  folder: string,
  filePath: string,
  { keepLink = false }: { readonly keepLink?: boolean } = {},
): Promise<string> {
  try {
    const root = (await findRealPath(resolve(folder))) ?? resolve(folder);
    const realFolder = keepLink ? await findRealPath(dirname(filePath)) : undefined;
    const realPath = keepLink
      ? realFolder && join(realFolder, basename(filePath))
      : await findRealPath(filePath);
    if (realPath !== undefined && isInside(root, realPath)) return realPath;
  } catch (error) {
    throw createAccessError(filePath, `a file inside ${folder}`, error);
  }
  throw createFileError(
    filePath,
    `a file inside ${folder}`,
    'a link that leads out of this folder or to a missing file',
    'Replace the link with the file, or use the folder that contains the file.',
  );
}

/** Returns whether a path is below `folder`. Both paths must be absolute. On Windows, the comparison ignores case. */
function isInside(folder: string, filePath: string, platform: NodeJS.Platform = process.platform): boolean {
  const { isAbsolute, relative, sep } = platform === 'win32' ? path.win32 : path.posix;
  const steps = relative(folder, filePath);
  return steps !== '' && steps !== '..' && !steps.startsWith(`..${sep}`) && !isAbsolute(steps);
}

/** Returns the real path of a file that may not exist. Returns undefined if the path contains a link to a missing file. */
async function findRealPath(filePath: string): Promise<string | undefined> {
  try {
    return await realpath(filePath);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The error ENOTDIR is left to the operation that uses the path.
    if ((code !== 'ENOENT' && code !== 'ENOTDIR') || dirname(filePath) === filePath) throw error;
  }
  if (await isLink(filePath)) return undefined;
  const parent = await findRealPath(dirname(filePath));
  return parent && join(parent, basename(filePath));
}

async function isLink(filePath: string): Promise<boolean> {
  try {
    return (await lstat(filePath)).isSymbolicLink();
  } catch {
    return false;
  }
}
