import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Callback } from 'tfjs-multitask';

type Api = typeof import('tfjs-multitask');

/** The public API of a checkout of this repository, which may be an older one. */
export interface Library {
  readonly api: Api;
  /** Options that every call needs which may start an engine. Empty if the entry of the package passes the platform. */
  readonly platformOptions: object;
  /** Creates a callback of the interface that this checkout has. */
  createCallback(name: string, hooks: BatchHooks): Callback;
}

export interface BatchHooks {
  readonly onEpochBegin: () => Promise<void> | void;
  readonly onBatchEnd: () => Promise<void> | void;
}

/**
 * Imports the library from the sources of a checkout.
 *
 * @param checkout - Root folder. Its tsconfig.json states which files the entries of the package are.
 */
export async function importLibrary(checkout: string): Promise<Library> {
  const tsconfig = JSON.parse(readFileSync(join(checkout, 'tsconfig.json'), 'utf8')) as {
    readonly compilerOptions: { readonly paths: { readonly [entry: string]: readonly [string] } };
  };
  const { paths } = tsconfig.compilerOptions;
  const importEntry = (name: string) => import(pathToFileURL(join(checkout, paths[name]![0])).href);

  const api = (await importEntry('tfjs-multitask')) as Api;
  // An entry in src/entries passes the platform by itself. Before there were entries, the caller passed it.
  const passesPlatform = paths['tfjs-multitask']![0].includes('/entries/');
  const platformOptions = passesPlatform
    ? {}
    : { load: (await importEntry('tfjs-multitask/node')).loadPackage };
  // `csvLog` is the older name of `csvLogger`. At that time the hooks had other names, too.
  const hasOldHooks = 'csvLog' in api;
  return {
    api,
    platformOptions,
    createCallback: (name, { onEpochBegin, onBatchEnd }) =>
      (hasOldHooks
        ? { name, begin: () => ({ epochBegin: onEpochBegin, step: onBatchEnd }) }
        : { name, create: () => ({ onEpochBegin, onBatchEnd }) }) as unknown as Callback,
  };
}
