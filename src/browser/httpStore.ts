import * as checks from '../core/errors/checks.js';
import { createError, createFileError } from '../core/errors/errors.js';
import type { Store } from '../core/platform/platform.js';

/**
 * Creates a read-only store for a folder on a server. `loadModel(httpStore('models/faces'))` loads a model that `save` or
 * `bestCheckpoint` wrote. If the server responds with status 404, the store reports that the file does not exist.
 *
 * @param url - URL of the folder, absolute or relative to the page.
 * @throws A `file` error when a request fails, when the server returns another error status, or when a caller tries to write or
 *   list files.
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
  checks.noOptions('httpStore', arguments[1]);
  checks.string('httpStore', url, {
    noun: 'the URL of a folder',
    advice: "Write httpStore('/models/faces').",
  });
  const folder = url.replace(/\/?$/, '/');
  const rejectAccess = async (name: string): Promise<never> => {
    throw createError({
      kind: 'file',
      path: folder + name,
      expected: 'a store that supports writing and listing',
      received: 'an HTTP store, which is read-only',
      advice: 'Write the files to memoryStore(), and upload them to the server yourself.',
    });
  };
  return {
    label: url,
    read: async (name) => {
      // A cached model.json may refer to a weights file that no longer exists, because the folder was replaced on the server.
      const cache = name.endsWith('.json') ? 'no-cache' : 'default';
      const response = await fetch(folder + name, { cache }).catch((cause) => {
        throw createRequestError(folder + name, `a failed request (${(cause as Error).message})`, cause);
      });
      if (response.ok) return new Uint8Array(await response.arrayBuffer());
      if (response.status === 404) return undefined;
      throw createRequestError(folder + name, `a response with HTTP status ${response.status}`);
    },
    write: rejectAccess,
    append: rejectAccess,
    remove: rejectAccess,
    list: (prefix = '') => rejectAccess(prefix),
  };
}

const createRequestError = (path: string, received: string, cause?: unknown) =>
  createFileError(
    path,
    'a response that contains the file',
    received,
    'Check the URL, and check whether the server allows requests from this page (CORS).',
    cause,
  );
