import { randomBytes } from 'node:crypto';
import { appendFile, link, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { createError } from '../../core/errors/errors.js';
import type { Store } from '../../core/platform/platform.js';
import { createAccessError } from './accessError.js';

/** Ends the name of a file that is being written; never listed. */
const TEMPORARY_SUFFIX = '.unfinished';

/**
 * A folder as a store. A file is written beside its place, flushed to the disk, and renamed, so a process killed at any
 * moment leaves the old bytes or the new. Names cannot leave the folder.
 *
 * @throws `file` fault for a folder or file that cannot be read or written; `argument` fault for a name outside the folder.
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
  const root = resolve(folder);
  const place = (name: string) => {
    const path = resolve(root, name);
    if (path.startsWith(root + sep)) return path;
    throw createError({
      kind: 'argument',
      path: name,
      expected: `a file name inside ${folder}`,
      received: 'a name that leads out of this folder',
      advice: 'Use a relative name without "..".',
    });
  };
  return {
    label: folder,
    read: async (name) => {
      const path = place(name);
      try {
        const bytes = await readFile(path);
        return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw createAccessError(path, 'a readable file', error);
      }
    },
    write: async (name, bytes) => writeAtomically(place(name), bytes),
    create: async (name, bytes) => createAtomically(place(name), bytes),
    append: async (name, bytes) => {
      const path = place(name);
      try {
        await mkdir(dirname(path), { recursive: true });
        await appendFile(path, bytes);
      } catch (error) {
        throw createAccessError(path, 'a writable file', error);
      }
    },
    remove: async (name) => {
      const path = place(name);
      try {
        await rm(path, { force: true });
      } catch (error) {
        throw createAccessError(path, 'a removable file', error);
      }
    },
    list: async (prefix = '') => {
      try {
        const entries = await readdir(root, { recursive: true, withFileTypes: true });
        return entries
          .filter((entry) => entry.isFile() && !entry.name.endsWith(TEMPORARY_SUFFIX))
          .map((entry) =>
            relative(root, join(entry.parentPath ?? entry.path, entry.name))
              .split(sep)
              .join('/'),
          )
          .filter((name) => name.startsWith(prefix))
          .sort((a, b) => (a < b ? -1 : 1));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw createAccessError(root, 'a readable folder', error);
      }
    },
  };
}

/** A folder that was named, or a store as it is. */
export const toStore = (folder: string | Store): Store =>
  typeof folder === 'string' ? folderStore(folder) : folder;

const writeAtomically = (path: string, bytes: Uint8Array) => writeTemporaryFile(path, bytes, rename);

/** A second name of one file is refused where the name is taken, in one step of the file system. */
const createAtomically = (path: string, bytes: Uint8Array) =>
  writeTemporaryFile(path, bytes, async (unfinished) => {
    try {
      await link(unfinished, path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      await rm(unfinished, { force: true });
    }
  });

/** Writes beside `path`, flushes to the disk, and has `place` bring it there. */
async function writeTemporaryFile<R>(
  path: string,
  bytes: Uint8Array,
  place: (unfinished: string, path: string) => Promise<R>,
): Promise<R> {
  const unfinished = `${path}.${randomBytes(6).toString('hex')}${TEMPORARY_SUFFIX}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(unfinished, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    return await place(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => {});
    throw createAccessError(path, 'a writable file', error);
  }
}
