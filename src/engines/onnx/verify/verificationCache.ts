import { sha256 } from '../../../core/digest.js';
import { createError } from '../../../core/errors/errors.js';
import type { Store } from '../../../core/platform/platform.js';
import { readStoreFile } from '../../../core/platform/readStoreFile.js';

/** Cache of verified graphs. File names are computed from the graph and the runtime. */
export interface VerificationCache {
  readonly store: Store;
  /** Callback that receives a line when a graph cannot be stored. */
  readonly log: (line: string) => void;
}

/**
 * Calls `verify` unless the cache shows that this graph was already verified on this runtime. If `verify`
 * succeeds, the graph is stored. The key is the digest of the graph itself, so any change to a layer, an
 * attribute or this library that affects the graph leads to a new verification.
 *
 * @param runtimeLabel - Name and version of the runtime.
 * @throws `file` error if the stored graph was modified. Errors of `verify` are rethrown.
 */
export async function verifyOnce(
  cache: VerificationCache | undefined,
  graph: Uint8Array,
  runtimeLabel: string,
  verify: () => Promise<void>,
): Promise<void> {
  if (!cache) return verify();
  const { store, log } = cache;
  const digest = await sha256(graph);
  const runtimeDigest = await sha256(new TextEncoder().encode(runtimeLabel));
  const name = `${digest}-${runtimeDigest.slice(0, 8)}.onnx`;
  const stored = await readStoreFile(store, name);
  if (stored && (await sha256(stored)) === digest) return;
  if (stored) {
    throw createError({
      kind: 'file',
      path: `${store.label}/${name}`,
      expected: 'the compiled graph as it was written',
      received: 'a file that was modified later',
      advice: 'Delete the file; it will be created again.',
    });
  }
  await verify();
  try {
    await store.write(name, graph);
  } catch (error) {
    log(
      `compileCache: the graph was not stored, and the next run verifies it again: ${(error as Error).message}`,
    );
  }
}
