import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/** An entry of a folder: the properties of Node's `Dirent` that select files. */
export interface FolderEntry {
  readonly name: string;
  isFile(): boolean;
  isDirectory(): boolean;
}

/**
 * Lists the selected entries of a folder and its subfolders, as relative paths with `/`.
 *
 * @throws The error of Node if a folder cannot be read.
 */
export async function listFiles(root: string, select: (entry: FolderEntry) => boolean): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries.filter(select).map((entry) =>
    relative(root, join(entry.parentPath ?? entry.path, entry.name))
      .split(sep)
      .join('/'),
  );
}
