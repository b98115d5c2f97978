import type { Store } from '../core/platform/platform.js';

/**
 * Writes and removes an empty file, so that a store that cannot be written rejects before the run begins and not after its
 * first epoch. The other files of the store are not changed.
 */
export async function checkWritable(store: Store): Promise<void> {
  await store.write('.writable', new Uint8Array());
  await store.remove('.writable');
}
