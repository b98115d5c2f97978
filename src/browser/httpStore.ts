import { createError } from '../core/errors/errors.js';
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
      expected: 'a store that can be written and listed',
      received: 'one over HTTP, which can only be read',
      advice: 'Write to memoryStore(), and send from there.',
    });
  };
  return {
    label: url,
    read: async (name) => {
      const answer = await fetch(folder + name).catch((cause) => {
        throw createRequestError(folder + name, 'no answer', cause);
      });
      if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
      if (answer.status === 404) return undefined;
      throw createRequestError(folder + name, `HTTP ${answer.status}`);
    },
    write: refuse,
    append: refuse,
    remove: refuse,
    list: (prefix = '') => refuse(prefix),
  };
}

const createRequestError = (path: string, received: string, cause?: unknown) =>
  createError({
    kind: 'file',
    path,
    expected: 'a file that the server gives',
    received,
    advice: 'Check the address, and that this page may read from there (CORS).',
    cause,
  });
