import * as checks from '../core/errors/checks.js';
import { createError, createFileError } from '../core/errors/errors.js';
import { download } from '../core/platform/download.js';
import type { Store } from '../core/platform/platform.js';

/**
 * Options for {@link httpStore}.
 *
 * @category Files
 */
export interface HttpStoreOptions {
  /** Signal that stops all downloads of the store. They then reject with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Creates a read-only store for a folder on a server. `loadModel(httpStore('models/faces'))` loads a model that `save` or
 * `bestCheckpoint` wrote. If the server responds with status 404, the store reports that the file does not exist.
 *
 * A download ends with an error if the server sends no byte for 60 seconds. A file can have up to 2 GiB.
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
export function httpStore(url: string, options: HttpStoreOptions = {}): Store {
  checks.string('httpStore', url, {
    noun: 'the URL of a folder',
    advice: "Write httpStore('/models/faces').",
  });
  checks.options<HttpStoreOptions>('httpStore', options, { signal: true });
  const { signal } = options;
  if (signal !== undefined) checks.signal('httpStore.signal', signal);
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
      const { response, bytes } = await download(
        (connection) => fetch(folder + name, { cache, signal: connection }),
        { signal },
      ).catch((cause) => {
        signal?.throwIfAborted();
        throw createRequestError(folder + name, (cause as Error).message, (cause as Error).cause ?? cause);
      });
      if (response.ok) return bytes;
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
