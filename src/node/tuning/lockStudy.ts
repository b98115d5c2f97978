import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { equalBytes } from '../../core/arrays.js';
import { sha256 } from '../../core/digest.js';
import { createError } from '../../core/errors/errors.js';
import type { Store } from '../../core/platform/platform.js';
import { readStoreFile } from '../../core/platform/readStoreFile.js';
import { writeIfAbsent } from '../../core/platform/writeIfAbsent.js';
import { isProcessAlive } from '../platform/files/isProcessAlive.js';

const LOCK_FILE = 'search.lock';

/**
 * Tokens of the locks that this process holds. If a lock has the id of this process but a different token, an earlier process with the
 * same id created the lock.
 */
const heldTokens = new Set<string>();

/**
 * Locks a study, so that only one process at a time can run it. If an earlier process on this machine was killed without releasing its
 * lock, the lock is replaced.
 *
 * @returns A function that releases the lock.
 * @throws A `file` error if another process is running the study.
 */
export async function lockStudy(store: Store): Promise<() => Promise<void>> {
  const token = randomBytes(8).toString('hex');
  const lockBytes = new TextEncoder().encode(JSON.stringify({ host: hostname(), pid: process.pid, token }));
  const create = (name: string) => writeIfAbsent(store, name, lockBytes);
  // The token is added before the lock is created, so that no other call in this process mistakes the new lock for an old one.
  heldTokens.add(token);
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

/** Creates the lock file. If the file exists but the process that created it has exited, replaces it. */
async function acquireLock(store: Store, create: (name: string) => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await create(LOCK_FILE)); tries++) {
    const bytes = await readStoreFile(store, LOCK_FILE);
    const holder = parseLockHolder(bytes);
    if (bytes && tries < 3 && hasHolderExited(holder)) {
      // Only the process that creates this second file may remove the old lock. Otherwise, two processes that both find the old
      // lock could remove each other's new lock.
      const takeoverName = `${LOCK_FILE}.${(await sha256(bytes)).slice(0, 16)}`;
      if (await create(takeoverName)) {
        // A slow process may reach this line after another process has replaced the lock, run the study and released its lock.
        if (equalBytes(await readStoreFile(store, LOCK_FILE), bytes)) await store.remove(LOCK_FILE);
        else await store.remove(takeoverName);
        continue;
      }
    }
    if (bytes === undefined && tries < 3) continue; // The lock has just been released.
    throw createError({
      kind: 'file',
      path: `${store.label}/${LOCK_FILE}`,
      expected: 'a study that no other process is running',
      received: holder
        ? `a study that process ${holder.pid} on ${holder.host} has locked`
        : 'a study that another process has locked',
      advice:
        'Wait for that process, or choose another folder. If the process no longer exists, remove this file.',
    });
  }
}

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
    return undefined; // The process was killed while writing the lock to a store without `create`.
  }
}

/** Tests whether the process that holds a lock has exited. Returns false for a process on another machine. */
function hasHolderExited(holder: LockHolder | undefined): boolean {
  if (!holder) return true;
  if (holder.host !== hostname()) return false;
  return holder.pid === process.pid ? !heldTokens.has(holder.token) : !isProcessAlive(holder.pid);
}
