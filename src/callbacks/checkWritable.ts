import * as checks from '../core/errors/checks.js';
import type { Store } from '../core/platform/platform.js';

/**
 * Creates and deletes an empty file to check that a store is writable, so that a run with a read-only store fails at the start rather than
 * after the first epoch.
 */
export async function checkWritable(store: Store): Promise<void> {
  await store.write('.writable', new Uint8Array());
  await store.remove('.writable');
}

/** Throws an `argument` error unless the first argument of a callback is a store. */
export function checkCallbackStore(callback: string, store: unknown): void {
  const folder = typeof store === 'string' ? store : 'out';
  checks.store(`${callback}.store`, store, {
    advice: `Write ${callback}(folderStore('${folder}')), with folderStore from tfjs-multitask/node.`,
  });
}
