import type { Store } from './platform.js';

/**
 * Writes a file unless it exists. Returns whether it was written. In a store without `create`, the function reads the file first, which is
 * not atomic.
 */
export async function writeIfAbsent(store: Store, name: string, bytes: Uint8Array): Promise<boolean> {
  if (store.create) return store.create(name, bytes);
  if ((await store.read(name)) !== undefined) return false;
  await store.write(name, bytes);
  return true;
}
