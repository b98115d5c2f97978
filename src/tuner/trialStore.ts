import { createArgumentError } from '../core/errors/errors.js';
import type { Store } from '../core/platform/platform.js';

/** The folder of a trial. */
export const getTrialFolder = (number: number): string => `trials/${String(number).padStart(4, '0')}`;

/** What a search itself keeps in the folder of a trial: where it stands, what it came to, what it printed. */
export const RESERVED_FILES: readonly string[] = ['trial.json', 'end.json', 'output.txt'];

/** A part of a store as a store; names cannot leave it. */
export function subfolderStore(store: Store, folder: string): Store {
  const place = (name: string) => {
    if (!name.includes('\\') && !name.split('/').some((part) => ['', '.', '..'].includes(part)))
      return `${folder}/${name}`;
    throw createArgumentError(
      name,
      `a file name inside ${store.label}/${folder}`,
      'a name that leads out of this folder',
      'Use a relative name without "..".',
    );
  };
  return {
    label: `${store.label}/${folder}`,
    read: async (name) => store.read(place(name)),
    write: async (name, bytes) => store.write(place(name), bytes),
    ...(store.create && {
      create: async (name: string, bytes: Uint8Array) => store.create!(place(name), bytes),
    }),
    append: async (name, bytes) => store.append(place(name), bytes),
    remove: async (name) => store.remove(place(name)),
    list: async (prefix = '') =>
      (await store.list(`${folder}/${prefix}`)).map((name) => name.slice(folder.length + 1)),
  };
}

/** The store that a trial is given: its folder, without what the search keeps there. */
export function trialStore(store: Store, number: number): Store {
  const own = subfolderStore(store, getTrialFolder(number));
  const free = (name: string) => {
    if (!RESERVED_FILES.includes(name)) return name;
    throw createArgumentError(
      name,
      'a file name that the search does not use',
      'a reserved name',
      `Choose a name other than ${RESERVED_FILES.join(', ')}.`,
    );
  };
  return {
    ...own,
    write: async (name, bytes) => own.write(free(name), bytes),
    ...(own.create && { create: async (name: string, bytes: Uint8Array) => own.create!(free(name), bytes) }),
    append: async (name, bytes) => own.append(free(name), bytes),
    remove: async (name) => own.remove(free(name)),
  };
}
