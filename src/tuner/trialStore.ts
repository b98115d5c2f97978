import { createError } from '../core/errors/errors.js';
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
    throw createNameError(
      name,
      `a name inside ${store.label}/${folder}`,
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
    throw createNameError(
      name,
      'a name of your own',
      `The search keeps ${RESERVED_FILES.join(', ')}: choose another name.`,
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

const createNameError = (name: string, expected: string, advice: string) =>
  createError({ kind: 'argument', path: name, expected, received: 'another', advice });
