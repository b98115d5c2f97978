import { equalBytes } from '../arrays.js';
import type { Store } from './platform.js';
import { readStoreFile } from './readStoreFile.js';

/**
 * Set of files that belong together: an index file, and parts that the index refers to by name. The name of a part contains the hash of its
 * bytes, so two sets in the same folder never contain different parts with the same name.
 */
export interface FileSet {
  /** Name of the index file. */
  readonly indexName: string;
  /** Contents of the index file. */
  readonly index: Uint8Array;
  /** Contents of the parts, keyed by file name. */
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

/** Rules that determine which files in a store are parts of a set. */
export interface PartLocation {
  /** Prefix of the names of all parts. */
  readonly prefix: string;
  /** Returns whether a file whose name begins with the prefix is a part of a set, as opposed to a file of the user. */
  isPart(name: string): boolean;
  /** Returns the names of the parts that an index refers to. Throws an error if the index is damaged. */
  findParts(index: Uint8Array): readonly string[];
}

/**
 * Replaces a set of files as one unit, on any store whose `write` is atomic: the parts are written first, then the index, and only then the
 * parts of older sets are removed. If the process is killed at any moment, the store contains either the old set or the new set.
 *
 * - If a write fails, the parts that were written are removed, and the old set is unchanged.
 * - Parts that earlier processes left behind are removed. A part that cannot be removed is removed by the next call.
 * - If several processes write the same set at the same time, the store contains the complete set of one of these processes.
 *
 * @throws The error of the store if a file cannot be written.
 */
export async function writeFileSet(store: Store, set: FileSet, location: PartLocation): Promise<void> {
  const { indexName, index, parts } = set;
  const earlierParts = (await store.list(location.prefix)).filter((name) => location.isPart(name));
  const writtenParts: string[] = [];
  try {
    for (const [name, bytes] of parts) {
      writtenParts.push(name);
      await store.write(name, bytes);
    }
    await store.write(indexName, index);
  } catch (error) {
    // The store may have written the index before it failed, for example if a connection ended before the response.
    await removeUnusedParts(
      store,
      indexName,
      location,
      writtenParts.filter((name) => !earlierParts.includes(name)),
    );
    throw error;
  }
  await removeUnusedParts(
    store,
    indexName,
    location,
    earlierParts.filter((name) => !parts.has(name)),
  );
  // Another process may have removed a part before it could see this index.
  const presentParts = new Set(await store.list(location.prefix));
  for (const [name, bytes] of parts) if (!presentParts.has(name)) await store.write(name, bytes);
}

/** Removes the parts that the current index does not refer to. Errors are ignored, because they do not affect the current set. */
async function removeUnusedParts(
  store: Store,
  indexName: string,
  location: PartLocation,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return;
  try {
    const index = await readStoreFile(store, indexName);
    const usedParts = new Set(index ? location.findParts(index) : []);
    for (const name of names) if (!usedParts.has(name)) await store.remove(name);
  } catch {
    // The next call tries again.
  }
}

/** Number of consecutive failed attempts to read a set with the same index, after which the set counts as damaged. */
const MAX_FAILURES = 3;
/** Maximum number of attempts to read a set, for a store whose index is different each time it is read. */
const MAX_ATTEMPTS = 1000;
/** Waiting time in milliseconds before the parts of the same index are read again. */
const RETRY_DELAY = 20;

/**
 * Reads a set of files that {@link writeFileSet} may replace at the same time. If the parts of an index cannot be read, the function reads
 * the index again, because the set may have been replaced and its old parts removed.
 *
 * @param parseIndex - Parses the bytes of the index, or undefined if there is no index.
 * @param readParts - Reads and checks the parts that the parsed index refers to.
 * @throws The error of `parseIndex`. The error of `readParts` if the set is not being replaced.
 */
export async function readFileSet<P, R>(
  store: Store,
  indexName: string,
  parseIndex: (index: Uint8Array | undefined) => P,
  readParts: (parsed: P) => Promise<R>,
): Promise<R> {
  let index = await readStoreFile(store, indexName);
  for (let attempts = 1, failures = 0; ; attempts++) {
    const parsed = parseIndex(index);
    try {
      return await readParts(parsed);
    } catch (error) {
      const current = await readStoreFile(store, indexName);
      // An equal index is tried again: the set may have been replaced by another one and then by an equal one.
      failures = equalBytes(current, index) ? failures + 1 : 0;
      if (failures >= MAX_FAILURES || attempts >= MAX_ATTEMPTS) throw error;
      if (failures > 0) await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY));
      index = current;
    }
  }
}
