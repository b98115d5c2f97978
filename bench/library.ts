import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Callback } from 'tfjs-multitask';

type Api = typeof import('tfjs-multitask');

/** Public API of a checkout of this repository, which may be an older version. */
export interface Library {
  readonly api: Api;
  /**
   * Options that an old version requires for every call that may start an engine. Empty for newer versions, whose package entries provide
   * the platform.
   */
  readonly platformOptions: object;
  /** Imports the functions that exist only in Node. */
  importNode(): Promise<typeof import('tfjs-multitask/node')>;
  /** Creates a callback with the callback interface of this checkout. */
  createCallback(name: string, hooks: BatchHooks): Callback;
}

export interface BatchHooks {
  readonly onEpochBegin: () => Promise<void> | void;
  readonly onBatchEnd: () => Promise<void> | void;
}

/**
 * Imports the library from the sources of a checkout.
 *
 * @param checkout - Root folder of the checkout. Its tsconfig.json maps the package entries to files.
 */
export async function importLibrary(checkout: string): Promise<Library> {
  const tsconfig = JSON.parse(readFileSync(join(checkout, 'tsconfig.json'), 'utf8')) as {
    readonly compilerOptions: { readonly paths: { readonly [entry: string]: readonly [string] } };
  };
  const { paths } = tsconfig.compilerOptions;
  const importEntry = (name: string) => import(pathToFileURL(join(checkout, paths[name]![0])).href);

  const api = (await importEntry('tfjs-multitask')) as Api;
  // An entry in src/entries provides the platform. In versions without entries, the caller had to pass it.
  const passesPlatform = paths['tfjs-multitask']![0].includes('/entries/');
  const platformOptions = passesPlatform
    ? {}
    : { load: (await importEntry('tfjs-multitask/node')).loadPackage };
  // `csvLog` is the older name of `csvLogger`. At that time the hooks had other names, too.
  const hasOldHooks = 'csvLog' in api;
  return {
    api,
    platformOptions,
    importNode: () => importEntry('tfjs-multitask/node'),
    createCallback: (name, { onEpochBegin, onBatchEnd }) =>
      (hasOldHooks
        ? { name, begin: () => ({ epochBegin: onEpochBegin, step: onBatchEnd }) }
        : { name, create: () => ({ onEpochBegin, onBatchEnd }) }) as unknown as Callback,
  };
}
