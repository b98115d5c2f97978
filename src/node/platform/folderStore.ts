import { mkdir, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import * as checks from '../../core/errors/checks.js';
import type { Store } from '../../core/platform/platform.js';
import { createAccessError } from './files/accessError.js';
import {
  createAtomically,
  isTemporaryFile,
  removeIfLeftBehind,
  writeAtomically,
} from './files/atomicWrite.js';
import { joinInside, resolveLinks } from './files/pathInside.js';
import { appendRegularFile, MAX_FILE_BYTES, readRegularFile } from './files/regularFile.js';
import { type FolderEntry, listFiles } from './listFiles.js';
import { lockFile } from './lockFile.js';

/** Pattern of the names of files that are decoded into one string. V8 limits the size of a string to 512 MiB. */
const TEXT_FILE = /\.(?:json|jsonl|csv|txt|md|lock)$/i;
/** Maximum size of a text file in bytes. */
const MAX_TEXT_BYTES = 2 ** 28;

/**
 * Creates a store that reads and writes the files of a folder.
 *
 * - Files are written atomically: a temporary file is flushed to the disk and renamed, so if the process is killed at any moment, the file
 *   contains either all old bytes or all new bytes. A temporary file that a killed process left behind is removed by the next write or
 *   list in its folder.
 * - Names that refer to files outside the folder are rejected, even if they refer to such files through a link. The folder itself may be a
 *   link. If a name refers to a link, `remove` removes the link and not its target. `list` contains links to files inside the folder, and the
 *   files of linked folders, each folder once.
 * - Only regular files are read and replaced: a named pipe, a device or a socket is rejected before it is opened. A file that is larger than
 *   2 GiB is also rejected. The limit for text files (`.json`, `.jsonl`, `.csv`, `.txt`, `.md`) is 256 MiB.
 * - On Windows, names that Windows changes or reserves are rejected, for example `con.json`, `a:b` and names that end with a period.
 *
 * @throws A `file` error if a folder or file cannot be read or written, or a link leads out of the folder. An `argument` error if a name
 *   refers to a file outside the folder or is not valid on Windows.
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
  checks.noOptions('folderStore', arguments[1]);
  checks.string('folderStore', folder, { noun: 'the path of a folder', advice: "Write folderStore('out')." });
  const root = resolve(folder);
  /** Calls `action` with the path of a file. Errors of the file system are rethrown as `file` errors with the path that was requested. */
  const access = async <R>(
    name: string,
    expected: string,
    action: (path: string) => Promise<R>,
    options?: { readonly keepLink: boolean },
  ): Promise<R> => {
    const path = joinInside(root, name);
    const realPath = await resolveLinks(root, path, options);
    try {
      return await action(realPath);
    } catch (error) {
      throw createAccessError(path, expected, error);
    }
  };
  const store: Store = {
    label: folder,
    read: (name) =>
      access(name, 'a readable file', async (path) => {
        try {
          const maxBytes = TEXT_FILE.test(name) ? MAX_TEXT_BYTES : MAX_FILE_BYTES;
          return await readRegularFile(path, { maxBytes });
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
          throw error;
        }
      }),
    write: (name, bytes) => access(name, 'a writable file', (path) => writeAtomically(path, bytes)),
    create: (name, bytes) => access(name, 'a writable file', (path) => createAtomically(path, bytes)),
    append: (name, bytes) =>
      access(name, 'a writable file', async (path) => {
        await mkdir(dirname(path), { recursive: true });
        await appendRegularFile(path, bytes);
      }),
    remove: (name) =>
      access(name, 'a file that can be deleted', (path) => rm(path, { force: true }), { keepLink: true }),
    list: async (prefix = '') => {
      // Only the folder of the prefix is read, because the store may be part of a large folder.
      const parent = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')));
      if (parent !== '' && parent.split('/').some((part) => ['', '.', '..'].includes(part))) return [];
      const start = parent === '' ? root : await resolveLinks(root, joinInside(root, parent));
      try {
        const files = await listWithLinks(start, root);
        const names = files.map((path) => (parent === '' ? path : `${parent}/${path}`));
        return names.filter((name) => name.startsWith(prefix)).sort((a, b) => (a < b ? -1 : 1));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT' || (code === 'ENOTDIR' && parent !== '')) return [];
        throw createAccessError(root, 'a readable folder', error);
      }
    },
    lock: (name) => lockFile(store, `${name}.lock`),
  };
  return store;
}

/**
 * Lists the files of a folder, including those that can be read through links. A linked folder is listed once, because links can form a
 * circle. Removes temporary files that killed processes left behind.
 *
 * @param root - Folder of the store. Links that lead out of it are omitted, like links to missing files: they cannot be read or written.
 */
async function listWithLinks(start: string, root: string): Promise<string[]> {
  const found: string[] = [];
  const listedFolders = new Set([await realpath(start)]);
  const visit = async (folder: string): Promise<void> => {
    const prefix = folder === '' ? '' : `${folder}/`;
    const leftBehind: string[] = [];
    const links: string[] = [];
    const select = (entry: FolderEntry, path: string) => {
      if (entry.isSymbolicLink()) links.push(path);
      if (!entry.isFile()) return false;
      if (isTemporaryFile(entry.name)) leftBehind.push(path);
      return !isTemporaryFile(entry.name);
    };
    for (const path of await listFiles(join(start, folder), select)) found.push(`${prefix}${path}`);
    for (const path of leftBehind) await removeIfLeftBehind(join(start, folder, path));
    for (const path of links) {
      const target = await resolveLinks(root, join(start, folder, path)).catch(() => undefined);
      const stats = target === undefined ? undefined : await stat(target).catch(() => undefined);
      if (stats?.isFile()) found.push(`${prefix}${path}`);
      if (!stats?.isDirectory() || listedFolders.has(target!)) continue;
      listedFolders.add(target!);
      await visit(`${prefix}${path}`);
    }
  };
  await visit('');
  return found;
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
