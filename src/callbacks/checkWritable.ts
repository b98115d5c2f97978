import type { Store } from '../core/platform/platform.js';

/**
 * Throws what the store throws when it cannot be written: told when a run begins, not after its first epoch. What is in the
 * store stays as it is.
 */
export async function checkWritable(store: Store): Promise<void> {
  await store.write('.writable', new Uint8Array());
  await store.remove('.writable');
}
