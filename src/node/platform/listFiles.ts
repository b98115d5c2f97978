import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/** Entry of a folder, with the properties of Node's `Dirent` that are needed to select files. */
export interface FolderEntry {
  readonly name: string;
  isFile(): boolean;
  isDirectory(): boolean;
}

/**
 * Lists the entries of a folder and its subfolders for which `select` returns true, as relative paths with `/` as the
 * separator.
 *
 * @throws The Node error if a folder cannot be read.
 */
export async function listFiles(root: string, select: (entry: FolderEntry) => boolean): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries.filter(select).map((entry) =>
    relative(root, join(entry.parentPath ?? entry.path, entry.name))
      .split(sep)
      .join('/'),
  );
}
