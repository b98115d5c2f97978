import { sha256 } from '../../../core/digest.js';
import { createError } from '../../../core/errors/errors.js';
import type { Store } from '../../../core/platform/platform.js';

/** Where graphs are kept that were found right, each under the digest of its bytes and of the runtime that was asked. */
export interface VerificationCache {
  readonly store: Store;
  /** Told what could not be kept. */
  readonly log: (line: string) => void;
}

/**
 * Calls `check` unless this very graph was found right before on this runtime, and keeps it when `check` throws nothing. The
 * name is the digest of the graph itself: another layer, another attribute, another version of this library is another graph.
 *
 * @throws `file` fault for a kept graph that was changed since.
 */
export async function verifyOnce(
  cache: VerificationCache | undefined,
  graph: Uint8Array,
  runtime: string,
  check: () => Promise<void>,
): Promise<void> {
  if (!cache) return check();
  const { store, log } = cache;
  const own = await sha256(graph);
  const name = `${own}-${(await sha256(new TextEncoder().encode(runtime))).slice(0, 8)}.onnx`;
  const kept = await store.read(name);
  if (kept && (await sha256(kept)) === own) return;
  if (kept) {
    throw createError({
      kind: 'file',
      path: `${store.label}/${name}`,
      expected: 'the graph that was written there',
      received: 'bytes that were changed since',
      advice: 'Remove the file; it is made anew.',
    });
  }
  await check();
  try {
    await store.write(name, graph);
  } catch (error) {
    log(`graph not kept, the next run checks it again: ${(error as Error).message}`);
  }
}
