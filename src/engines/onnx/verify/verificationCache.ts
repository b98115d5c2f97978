import { sha256 } from '../../../core/digest.js';
import { createError } from '../../../core/errors/errors.js';
import type { Store } from '../../../core/platform/platform.js';
import { readStoreFile } from '../../../core/platform/readStoreFile.js';

/** Cache of verified ONNX graphs. The file name of a graph is computed from its digest and from the version of ONNX Runtime. */
export interface VerificationCache {
  readonly store: Store;
  /** Called with a message if a graph cannot be written to the store. */
  readonly log: (line: string) => void;
}

/**
 * Calls `verify` unless the cache shows that the same graph was already verified with the same version of ONNX Runtime. If `verify`
 * succeeds, the graph is added to the cache. The cache key is the digest of the graph itself, so any change to the network or to this
 * library that affects the graph leads to a new verification.
 *
 * @param runtimeLabel - Name and version of the ONNX Runtime package.
 * @throws `file` error if the file in the cache was modified. Errors of `verify` are rethrown.
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
      expected: 'an unmodified compiled graph',
      received: 'a file whose contents have changed',
      advice: 'Delete the file. The next run creates it again.',
    });
  }
  await verify();
  try {
    await store.write(name, graph);
  } catch (error) {
    log(
      `compileCache: the compiled graph could not be saved, so the next run verifies it again: ${(error as Error).message}`,
    );
  }
}
