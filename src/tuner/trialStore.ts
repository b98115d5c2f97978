import { createArgumentError } from '../core/errors/errors.js';
import type { Store } from '../core/platform/platform.js';
import { readStoreFile } from '../core/platform/readStoreFile.js';

/** Returns the folder of a trial in the store of the study, for example `trials/0012`. */
export const getTrialFolder = (number: number): string => `trials/${String(number).padStart(4, '0')}`;

/** Files that the search itself writes in a trial folder: the progress, the result, and the printed output of the trial. */
export const RESERVED_FILES: readonly string[] = ['trial.json', 'end.json', 'output.txt'];

/** Creates a store for a subfolder of `store`. Names that refer to files outside the subfolder are rejected. */
export function subfolderStore(store: Store, folder: string): Store {
  const resolveName = (name: string) => {
    if (!name.includes('\\') && !name.split('/').some((part) => ['', '.', '..'].includes(part)))
      return `${folder}/${name}`;
    throw createArgumentError(
      name,
      `a file name inside ${store.label}/${folder}`,
      'a name that refers to a file outside this folder',
      'Use a relative name without "..".',
    );
  };
  return {
    label: `${store.label}/${folder}`,
    read: async (name) => readStoreFile(store, resolveName(name)),
    write: async (name, bytes) => store.write(resolveName(name), bytes),
    ...(store.create && {
      create: async (name: string, bytes: Uint8Array) => store.create!(resolveName(name), bytes),
    }),
    append: async (name, bytes) => store.append(resolveName(name), bytes),
    remove: async (name) => store.remove(resolveName(name)),
    list: async (prefix = '') =>
      (await store.list(`${folder}/${prefix}`)).map((name) => name.slice(folder.length + 1)),
  };
}

/**
 * Creates the store that is passed to a trial. The store contains the files in the trial folder, and rejects changes to the files
 * that the search itself writes.
 */
export function trialStore(store: Store, number: number): Store {
  const folder = subfolderStore(store, getTrialFolder(number));
  const checkName = (name: string) => {
    // Windows and macOS do not distinguish upper and lower case.
    if (!RESERVED_FILES.includes(name.toLowerCase())) return name;
    throw createArgumentError(
      name,
      'a file name that the search does not use',
      'a reserved name',
      `Choose a name other than ${RESERVED_FILES.join(', ')}.`,
    );
  };
  return {
    ...folder,
    write: async (name, bytes) => folder.write(checkName(name), bytes),
    ...(folder.create && {
      create: async (name: string, bytes: Uint8Array) => folder.create!(checkName(name), bytes),
    }),
    append: async (name, bytes) => folder.append(checkName(name), bytes),
    remove: async (name) => folder.remove(checkName(name)),
  };
}
