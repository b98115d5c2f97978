import { createError, createFileError } from '../core/errors/errors.js';
import type { Store } from '../core/platform/platform.js';

/**
 * A folder on a server, to read from: `loadModel(httpStore('models/faces'))` opens in the page what `save` or
 * `bestCheckpoint` wrote. A name that the server answers with 404 is not there; writing and listing are refused.
 *
 * @param url - Of the folder; relative to the page.
 * @throws `file` fault for another answer, or none.
 * @example
 * ```ts
 * import { httpStore } from 'tfjs-multitask/browser';
 * import { loadModel } from 'tfjs-multitask';
 *
 * const model = await loadModel(httpStore('model'));
 * console.log(Object.keys(model.tasks)); // ['age']
 * ```
 * @category Files
 */
export function httpStore(url: string): Store {
  const folder = url.replace(/\/?$/, '/');
  const refuse = async (name: string): Promise<never> => {
    throw createError({
      kind: 'file',
      path: folder + name,
      expected: 'a store that supports writing and listing',
      received: 'an HTTP store, which is read-only',
      advice: 'Write to memoryStore(), and send its files to the server yourself.',
    });
  };
  return {
    label: url,
    read: async (name) => {
      const answer = await fetch(folder + name).catch((cause) => {
        throw createRequestError(folder + name, `a failed request (${(cause as Error).message})`, cause);
      });
      if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
      if (answer.status === 404) return undefined;
      throw createRequestError(folder + name, `HTTP status ${answer.status}`);
    },
    write: refuse,
    append: refuse,
    remove: refuse,
    list: (prefix = '') => refuse(prefix),
  };
}

const createRequestError = (path: string, received: string, cause?: unknown) =>
  createFileError(
    path,
    'a file on the server',
    received,
    'Check the URL, and whether the server allows requests from this page (CORS).',
    cause,
  );
