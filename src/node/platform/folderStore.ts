import { randomBytes } from 'node:crypto';
import { appendFile, link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import * as checks from '../../core/errors/checks.js';
import { createError } from '../../core/errors/errors.js';
import type { Store } from '../../core/platform/platform.js';
import { createAccessError } from './accessError.js';
import { listFiles } from './listFiles.js';

/** Suffix of a file that is being written. Such files are never listed. */
const TEMPORARY_SUFFIX = '.unfinished';

/**
 * Creates a store that reads and writes the files of a folder. Files are written atomically: a temporary file is flushed to the disk and
 * renamed, so even if the process is killed, the file contains either all old bytes or all new bytes. Names that refer to files
 * outside the folder are rejected.
 *
 * @throws A `file` error if a folder or file cannot be read or written. An `argument` error if a name refers to a file outside the folder.
 * @example
 * ```ts
 * import { folderStore } from 'tfjs-multitask/node';
 *
 * const store = folderStore('out/notes');
 * await store.write('hello.txt', new TextEncoder().encode('hello'));
 * console.log(await store.list()); // [ 'hello.txt' ]
 * ```
 * @category Files
 */
export function folderStore(folder: string): Store {
  checks.string('folderStore', folder, { noun: 'the path of a folder', advice: "Write folderStore('out')." });
  const root = resolve(folder);
  const resolvePath = (name: string) => {
    const path = resolve(root, name);
    if (path.startsWith(root + sep)) return path;
    throw createError({
      kind: 'argument',
      path: name,
      expected: `a file name inside ${folder}`,
      received: 'a name that refers to a file outside this folder',
      advice: 'Use a relative name without "..".',
    });
  };
  return {
    label: folder,
    read: async (name) => {
      const path = resolvePath(name);
      try {
        const bytes = await readFile(path);
        return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw createAccessError(path, 'a readable file', error);
      }
    },
    write: async (name, bytes) => writeAtomically(resolvePath(name), bytes),
    create: async (name, bytes) => createAtomically(resolvePath(name), bytes),
    append: async (name, bytes) => {
      const path = resolvePath(name);
      try {
        await mkdir(dirname(path), { recursive: true });
        await appendFile(path, bytes);
      } catch (error) {
        throw createAccessError(path, 'a writable file', error);
      }
    },
    remove: async (name) => {
      const path = resolvePath(name);
      try {
        await rm(path, { force: true });
      } catch (error) {
        throw createAccessError(path, 'a file that can be deleted', error);
      }
    },
    list: async (prefix = '') => {
      try {
        const files = await listFiles(
          root,
          (entry) => entry.isFile() && !entry.name.endsWith(TEMPORARY_SUFFIX),
        );
        return files.filter((name) => name.startsWith(prefix)).sort((a, b) => (a < b ? -1 : 1));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw createAccessError(root, 'a readable folder', error);
      }
    },
  };
}

/** Returns a store for a folder path. If the argument is a store, returns it unchanged. Throws an `argument` error for other values. */
export function toStore(path: string, folder: string | Store): Store {
  if (typeof folder === 'string') return folderStore(folder);
  checks.store(path, folder, {
    noun: 'the path of a folder, or a store',
    advice: "Write folder: 'out/study'.",
  });
  return folder;
}

/** Writes a file atomically. Missing folders are created. */
export const writeAtomically = (path: string, bytes: Uint8Array) => writeTemporaryFile(path, bytes, rename);

/**
 * Writes a file only if it does not exist, and returns whether it was written. A hard link is used, because creating a link fails
 * atomically if the name exists.
 */
const createAtomically = (path: string, bytes: Uint8Array) =>
  writeTemporaryFile(path, bytes, async (temporaryPath) => {
    try {
      await link(temporaryPath, path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      await rm(temporaryPath, { force: true });
    }
  });

/** Writes a temporary file next to `path` and flushes it to the disk. Then calls `publish`, which gives the file its final name. */
async function writeTemporaryFile<R>(
  path: string,
  bytes: Uint8Array,
  publish: (temporaryPath: string, path: string) => Promise<R>,
): Promise<R> {
  const temporaryPath = `${path}.${randomBytes(6).toString('hex')}${TEMPORARY_SUFFIX}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporaryPath, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    return await publish(temporaryPath, path);
  } catch (error) {
    await rm(temporaryPath, { force: true }).catch(() => {});
    throw createAccessError(path, 'a writable file', error);
  }
}
