import type { RunRecord } from '../core/records/runRecord.js';
import { isAbsolutePath } from '../core/shortenPaths.js';

/**
 * Removes the folder that all absolute paths among the ids of the images have in common, because records are shared. Ids that are not
 * absolute paths stay.
 */
export function shortenIds(record: RunRecord): RunRecord {
  const { answers, pictures, augmented, gradCams } = record;
  const all = [answers, pictures, augmented, gradCams].flatMap((entries) => entries.map(({ id }) => id));
  const folder = findCommonFolder(all.filter(isAbsolutePath));
  const shorten = <T extends { readonly id: string }>(entries: readonly T[]): T[] =>
    entries.map((entry) =>
      isAbsolutePath(entry.id) ? { ...entry, id: entry.id.slice(folder.length) } : entry,
    );
  return {
    ...record,
    answers: shorten(answers),
    pictures: shorten(pictures),
    augmented: shorten(augmented),
    gradCams: shorten(gradCams),
  };
}

/** Returns the longest path of a folder, with its last separator, at the start of all paths. */
function findCommonFolder(paths: readonly string[]): string {
  const [first = ''] = paths;
  const getFolder = (path: string) =>
    path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  let folder = getFolder(first);
  for (const path of paths) {
    while (!path.startsWith(folder)) folder = getFolder(folder.slice(0, -1));
  }
  return folder;
}
