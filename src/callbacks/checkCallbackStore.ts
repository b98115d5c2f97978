import * as checks from '../core/errors/checks.js';

/**
 * Throws an `argument` error unless the first argument of a callback is a store.
 *
 * @param appends - Whether the callback appends to files.
 */
export function checkCallbackStore(callback: string, store: unknown, appends = false): void {
  const folder = typeof store === 'string' ? store : 'out';
  checks.store(`${callback}.store`, store, {
    appends,
    advice: `Write ${callback}(folderStore('${folder}')), with folderStore from tfjs-multitask/node.`,
  });
}
