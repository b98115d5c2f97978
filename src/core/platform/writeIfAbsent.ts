import type { Store } from './platform.js';
import { readStoreFile } from './readStoreFile.js';

/**
 * Writes a file unless it already exists, and returns whether the file was written. The operation is atomic only if the store has a
 * `create` method.
 */
export async function writeIfAbsent(store: Store, name: string, bytes: Uint8Array): Promise<boolean> {
  if (store.create) return store.create(name, bytes);
  if ((await readStoreFile(store, name)) !== undefined) return false;
  await store.write(name, bytes);
  return true;
}
