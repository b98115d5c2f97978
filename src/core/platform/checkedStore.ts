import { createArgumentError, createFileError } from '../errors/errors.js';
import { describeType } from '../errors/formatValue.js';
import { toError } from '../errors/thrownValue.js';
import type { Store } from './platform.js';
import { readStoreFile } from './readStoreFile.js';

/**
 * Calls a method of a store. Every call of a checked store goes through such a function.
 *
 * @param description - The call as it appears in messages, for example `write('history.csv') of the store out`.
 * @param bytes - Number of bytes that the call writes.
 */
export type StoreCaller = <R>(description: string, call: () => Promise<R>, bytes: number) => Promise<R>;

const callDirectly: StoreCaller = (_, call) => call();

const checkedStores = new WeakSet<Store>();

/**
 * Wraps a store whose class a user of this library may have written, so that a mistake in the class becomes an error that describes it:
 *
 * - a value of the wrong type from `read`, `list` or `lock`: an `argument` error;
 * - a thrown value that is not an error, such as a string or undefined: a `file` error.
 *
 * Errors that the store throws are not changed. `list` returns only names that begin with the prefix.
 */
export function toCheckedStore(store: Store, caller: StoreCaller = callDirectly): Store {
  if (checkedStores.has(store) && caller === callDirectly) return store;
  const label = typeof store.label === 'string' ? store.label : 'store';
  const call = async <R>(
    method: string,
    name: string,
    action: () => Promise<R>,
    bytes: Uint8Array = new Uint8Array(),
  ): Promise<R> => {
    try {
      return await caller(`${method}('${name}') of the store ${label}`, async () => action(), bytes.length);
    } catch (thrown) {
      throw toError(thrown, (description) =>
        createFileError(
          `${label}/${name}`,
          `an Error object from ${method}() of the store`,
          description,
          'Find the cause in the store, and throw an Error there.',
          thrown,
        ),
      );
    }
  };
  const checked: Store = {
    label,
    read: (name) => call('read', name, () => readStoreFile(store, name)),
    write: (name, bytes) => call('write', name, () => store.write(name, bytes), bytes),
    append: (name, bytes) => call('append', name, () => store.append(name, bytes), bytes),
    remove: (name) => call('remove', name, () => store.remove(name)),
    list: async (prefix = '') => {
      const names: unknown = await call('list', prefix, () => store.list(prefix));
      if (Array.isArray(names) && names.every((name) => typeof name === 'string'))
        return names.filter((name) => name.startsWith(prefix));
      throw createArgumentError(
        `${label}: list('${prefix}')`,
        'an array of file names',
        Array.isArray(names) ? 'an array of other values' : describeType(names),
        'Return an array of strings from the list() function of the store.',
      );
    },
    ...(store.create && {
      create: (name: string, bytes: Uint8Array) =>
        call('create', name, () => store.create!(name, bytes), bytes),
    }),
    ...(store.lock && {
      lock: async (name: string) => {
        const release: unknown = await call('lock', name, () => store.lock!(name));
        if (typeof release === 'function')
          return () => call('the release function of lock', name, async () => release());
        if (release === undefined) return async () => {};
        throw createArgumentError(
          `${label}: lock('${name}')`,
          'a function that releases the lock',
          describeType(release),
          'Throw an error from the lock() function of the store if the lock is held, and return a function otherwise.',
        );
      },
    }),
  };
  checkedStores.add(checked);
  return checked;
}
