import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { sha256 } from '../../core/digest.js';
import { createError } from '../../core/errors/errors.js';
import type { Store } from '../../core/platform/platform.js';
import { writeIfAbsent } from '../../core/platform/writeIfAbsent.js';

const LOCK_FILE = 'search.lock';

/** The locks that this process holds: one that bears its number and is not here was left by an earlier process of that number. */
const heldTokens = new Set<string>();

/**
 * Keeps a study for this process. The mark of one that was killed on this machine is taken over, by one process alone.
 *
 * @returns Gives it back.
 * @throws `file` fault while another process searches there.
 */
export async function lockStudy(store: Store): Promise<() => Promise<void>> {
  const token = randomBytes(8).toString('hex');
  const own = new TextEncoder().encode(JSON.stringify({ host: hostname(), pid: process.pid, token }));
  const create = (name: string) => writeIfAbsent(store, name, own);
  heldTokens.add(token); // before it can be read: what stands there is known a while later
  try {
    await acquireLock(store, create);
  } catch (error) {
    heldTokens.delete(token);
    throw error;
  }
  return async () => {
    heldTokens.delete(token);
    for (const name of await store.list(`${LOCK_FILE}.`)) await store.remove(name);
    await store.remove(LOCK_FILE);
  };
}

/** Creates the lock, once that of a process that is gone is out of the way. */
async function acquireLock(store: Store, create: (name: string) => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await create(LOCK_FILE)); tries++) {
    const bytes = await store.read(LOCK_FILE);
    const holder = parseLockHolder(bytes);
    if (bytes && tries < 3 && hasHolderExited(holder)) {
      // Who creates this name may remove the lock that it names: two that find it must not remove each other's.
      const taking = `${LOCK_FILE}.${(await sha256(bytes)).slice(0, 16)}`;
      if (await create(taking)) {
        // It may be another's by now: a slow one comes here after somebody took it over, searched and gave it back.
        if (equalBytes(await store.read(LOCK_FILE), bytes)) await store.remove(LOCK_FILE);
        else await store.remove(taking);
        continue;
      }
    }
    if (bytes === undefined && tries < 3) continue; // given back just now
    throw createError({
      kind: 'file',
      path: `${store.label}/${LOCK_FILE}`,
      expected: 'a study that no other process is running',
      received: holder ? `a lock of process ${holder.pid} on ${holder.host}` : 'a lock of another process',
      advice:
        'Wait for that process, or choose another folder. If the process no longer exists, remove this file.',
    });
  }
}

const equalBytes = (bytes: Uint8Array | undefined, others: Uint8Array) =>
  bytes?.length === others.length && bytes.every((byte, i) => byte === others[i]);

interface LockHolder {
  readonly host: string;
  readonly pid: number;
  readonly token: string;
}

function parseLockHolder(bytes: Uint8Array | undefined): LockHolder | undefined {
  try {
    const { host, pid, token } = JSON.parse(new TextDecoder().decode(bytes ?? new Uint8Array()));
    return typeof host === 'string' && Number.isInteger(pid)
      ? { host, pid, token: String(token) }
      : undefined;
  } catch {
    return undefined; // killed while it was written by a store without `create`
  }
}

/** Whether the process that holds a lock is known to be gone: of another machine nothing is known. */
function hasHolderExited(holder: LockHolder | undefined): boolean {
  if (!holder) return true;
  if (holder.host !== hostname()) return false;
  return holder.pid === process.pid ? !heldTokens.has(holder.token) : !isProcessAlive(holder.pid);
}

/** Whether a process runs on this machine. */
function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
