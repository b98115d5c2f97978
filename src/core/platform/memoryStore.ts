import { concatBytes } from '../arrays.js';
import * as checks from '../errors/checks.js';
import { createLockError, RUN_FILES } from './lockError.js';
import type { Store } from './platform.js';

/**
 * Creates a store in memory, for tests, web pages and experiments.
 *
 * @param label - Name of the store in error messages. Default `memory`.
 * @returns An empty store.
 * @example
 * ```ts
 * import { memoryStore } from 'tfjs-multitask';
 *
 * const store = memoryStore();
 * await store.write('notes/a.txt', new TextEncoder().encode('hello'));
 * console.log(await store.list('notes/')); // ['notes/a.txt']
 * ```
 * @category Files
 */
export function memoryStore(label = 'memory'): Store {
  checks.noOptions('memoryStore', arguments[1]);
  checks.text('memoryStore', label, {
    noun: 'a name for messages',
    advice: 'Omit it to use the default, memory.',
  });
  const files = new Map<string, Uint8Array>();
  const lockedNames = new Set<string>();
  return {
    label,
    // The constructor copies. `slice()` does not, if the bytes are a Node.js Buffer.
    read: async (name) => (files.has(name) ? new Uint8Array(files.get(name)!) : undefined),
    write: async (name, bytes) => void files.set(name, new Uint8Array(bytes)),
    create: async (name, bytes) => {
      if (files.has(name)) return false;
      files.set(name, new Uint8Array(bytes));
      return true;
    },
    append: async (name, bytes) => {
      files.set(name, concatBytes([files.get(name) ?? new Uint8Array(), bytes]));
    },
    remove: async (name) => void files.delete(name),
    list: async (prefix = '') => [...files.keys()].filter((name) => name.startsWith(prefix)).sort(),
    lock: async (name) => {
      if (lockedNames.has(name)) {
        const advice = 'Await that run, or use another store.';
        throw createLockError(`${label}/${name}`, RUN_FILES, 'another run in this process', advice);
      }
      lockedNames.add(name);
      return async () => void lockedNames.delete(name);
    },
  };
}
