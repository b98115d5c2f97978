import type { Store } from './platform.js';

/** Writes `name` where nothing is, and says whether it did; in a store without `create`, by looking first. */
export async function writeIfAbsent(store: Store, name: string, bytes: Uint8Array): Promise<boolean> {
  if (store.create) return store.create(name, bytes);
  if ((await store.read(name)) !== undefined) return false;
  await store.write(name, bytes);
  return true;
}
