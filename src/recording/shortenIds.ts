import { addToGroup } from '../core/arrays.js';
import type { RunRecord } from '../core/records/runRecord.js';
import { PATH_START } from '../core/shortenPaths.js';

/** Number of folders, counted from the root, that are never part of a record, for example `/home/jane` or `C:\\Users\\jane`. */
const HIDDEN_FOLDERS = 2;

/**
 * Shortens the absolute paths among the ids of the images, because records are shared. Of the ids below the same two folders, such as
 * `/home/jane`, the folder is removed that they have in common. Ids that would then be equal get a number in front. Other ids stay.
 */
export function shortenIds(record: RunRecord): RunRecord {
  const { answers, pictures, augmented, gradCams } = record;
  const all = [answers, pictures, augmented, gradCams].flatMap((entries) => entries.map(({ id }) => id));
  const shortIds = createShortIds([...new Set(all)]);
  const shorten = <T extends { readonly id: string }>(entries: readonly T[]): T[] =>
    entries.map((entry) => ({ ...entry, id: shortIds.get(entry.id)! }));
  return {
    ...record,
    answers: shorten(answers),
    pictures: shorten(pictures),
    augmented: shorten(augmented),
    gradCams: shorten(gradCams),
  };
}

/** Returns the short id of every id. */
function createShortIds(ids: readonly string[]): ReadonlyMap<string, string> {
  const partsById = new Map(ids.filter((id) => PATH_START.test(id)).map((id) => [id, splitPath(id)]));
  const groups = new Map<string, (readonly string[])[]>();
  const getRoot = (parts: readonly string[]) =>
    JSON.stringify(parts.slice(0, Math.min(HIDDEN_FOLDERS, parts.length - 1)));
  for (const parts of partsById.values()) addToGroup(groups, getRoot(parts), parts);
  const commonLengths = new Map(
    [...groups].map(([root, group]) => [root, countCommonFolders(group)] as const),
  );
  const shortIds = new Map<string, string>();
  const used = new Set(ids.filter((id) => !partsById.has(id)));
  for (const id of ids) {
    const parts = partsById.get(id);
    const shortId = parts ? parts.slice(commonLengths.get(getRoot(parts))).join('/') : id;
    let unique = shortId;
    for (let i = 2; parts && used.has(unique); i++) unique = `${i}/${shortId}`;
    used.add(unique);
    shortIds.set(id, unique);
  }
  return shortIds;
}

/** Returns the folders and the name of an absolute path, without its drive. */
const splitPath = (path: string): readonly string[] =>
  path
    .replace(/^file:/, '')
    .split(/[\\/]/)
    .filter((part) => part !== '' && !/^[A-Za-z]:$/.test(part));

/** Returns the number of folders at the start that all paths have in common. */
function countCommonFolders(paths: readonly (readonly string[])[]): number {
  const [first] = paths;
  let count = first!.length - 1;
  for (const path of paths) {
    count = Math.min(count, path.length - 1);
    while (path.slice(0, count).join('/') !== first!.slice(0, count).join('/')) count--;
  }
  return count;
}
