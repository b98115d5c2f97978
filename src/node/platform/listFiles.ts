import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Entry of a folder, with the properties of Node's `Dirent` that are needed to select files. */
export interface FolderEntry {
  readonly name: string;
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

/**
 * Lists the entries of a folder and its subfolders for which `select` returns true, as relative paths with `/` as the separator.
 * If another process removes a subfolder while its parent folder is listed, the subfolder is treated as empty.
 *
 * @param select - Receives each entry, and its relative path with `/`.
 * @throws The Node error if a folder cannot be read. The reason of `signal` if it is aborted.
 */
export async function listFiles(
  root: string,
  select: (entry: FolderEntry, path: string) => boolean,
  signal?: AbortSignal,
): Promise<string[]> {
  const found: string[] = [];
  const visit = async (folder: string): Promise<void> => {
    signal?.throwIfAborted();
    for (const entry of await readEntries(root, folder)) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (select(entry, path)) found.push(path);
      if (entry.isDirectory()) await visit(path);
    }
  };
  await visit('');
  return found;
}

async function readEntries(root: string, folder: string): Promise<FolderEntry[]> {
  try {
    return await readdir(join(root, folder), { withFileTypes: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (folder !== '' && (code === 'ENOENT' || code === 'ENOTDIR')) return [];
    throw error;
  }
}
