import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { threadId } from 'node:worker_threads';
import { equalBytes } from '../../core/arrays.js';
import { sha256 } from '../../core/digest.js';
import { createLockError, type LockSubject, RUN_FILES } from '../../core/platform/lockError.js';
import type { Store } from '../../core/platform/platform.js';
import { readStoreFile } from '../../core/platform/readStoreFile.js';
import { writeIfAbsent } from '../../core/platform/writeIfAbsent.js';
import { isProcessAlive } from './files/isProcessAlive.js';
import { readProcessFields } from './files/readProcessFields.js';

/**
 * Tokens of the locks that this thread holds. A lock of this thread with a different token was created by an earlier process with the same
 * id. The ESM and the CommonJS copy of the library share the set.
 */
const heldTokens = getSharedSet(Symbol.for('tfjs-multitask/heldLocks'));

function getSharedSet(key: symbol): Set<string> {
  const shared = globalThis as { [key: symbol]: Set<string> | undefined };
  const tokens = shared[key] ?? new Set();
  shared[key] = tokens;
  return tokens;
}

/**
 * Creates the lock file `name` for this process. Replaces the lock of a process that has ended on this machine. Only one process can
 * replace it.
 *
 * @returns A function that removes the lock.
 * @throws A `file` error if another process, or another call in this process, holds the lock.
 */
export async function lockFile(
  store: Store,
  name: string,
  subject: LockSubject = RUN_FILES,
): Promise<() => Promise<void>> {
  const token = randomBytes(8).toString('hex');
  const holder: LockHolder = {
    host: hostname(),
    pid: process.pid,
    thread: threadId,
    ...describeStart(process.pid),
    token,
  };
  const lockBytes = new TextEncoder().encode(JSON.stringify(holder));
  const create = (fileName: string) => writeIfAbsent(store, fileName, lockBytes);
  // The token is added before the lock is created, so that no other call in this process mistakes the new lock for an old one.
  heldTokens.add(token);
  try {
    await acquireLock(store, name, create, subject);
  } catch (error) {
    heldTokens.delete(token);
    throw error;
  }
  return async () => {
    heldTokens.delete(token);
    for (const file of await store.list(`${name}.`)) await store.remove(file);
    await store.remove(name);
  };
}

/** Creates the lock, or throws a `file` error if it is held. */
async function acquireLock(
  store: Store,
  name: string,
  create: (name: string) => Promise<boolean>,
  subject: LockSubject,
): Promise<void> {
  const blocking = await tryLock(store, name, create);
  if (!blocking) return;
  const advice =
    'Wait for that process, or choose another folder. If the process no longer exists, remove this file.';
  throw createLockError(`${store.label}/${name}`, subject, describeHolder(blocking.holder), advice);
}

/** Creates the lock. Removes the lock of a process that has ended. Returns the holder if another process or call holds the lock. */
async function tryLock(
  store: Store,
  name: string,
  create: (name: string) => Promise<boolean>,
): Promise<{ readonly holder: LockHolder | undefined } | undefined> {
  for (let tries = 0; !(await create(name)); tries++) {
    const bytes = await readStoreFile(store, name);
    const holder = parseLockHolder(bytes);
    if (bytes && tries < 3 && hasHolderEnded(holder)) {
      // Only the process that holds this second lock may remove the old lock. Otherwise, two processes that both find the old lock could
      // remove each other's new lock. The holder of the second lock may have been killed too.
      const takeoverName = `${name}.${(await sha256(bytes)).slice(0, 16)}`;
      if (!(await tryLock(store, takeoverName, create))) {
        // A slow process may reach this line after another process has replaced the lock, ended its work and released its lock.
        if (equalBytes(await readStoreFile(store, name), bytes)) await store.remove(name);
        else await store.remove(takeoverName);
        continue;
      }
    }
    if (bytes === undefined && tries < 3) continue; // The lock has just been released.
    return { holder };
  }
  return undefined;
}

interface LockHolder {
  readonly host: string;
  readonly pid: number;
  readonly thread?: number;
  /** Start time of the process in ticks since the system started, which distinguishes it from a later process with the same id. */
  readonly started?: string;
  readonly token: string;
}

function describeHolder(holder: LockHolder | undefined): string {
  if (!holder) return 'another process';
  const text = `process ${holder.pid} on ${holder.host}`;
  return heldTokens.has(holder.token) ? `${text} (this process)` : text;
}

function parseLockHolder(bytes: Uint8Array | undefined): LockHolder | undefined {
  try {
    const { host, pid, thread, started, token } = JSON.parse(
      new TextDecoder().decode(bytes ?? new Uint8Array()),
    );
    return typeof host === 'string' && Number.isInteger(pid)
      ? { host, pid, thread, started, token: String(token) }
      : undefined;
  } catch {
    return undefined; // The process was killed while writing the lock to a store without `create`.
  }
}

/** Tests whether the process that holds a lock has ended. Returns false for a process on another machine. */
function hasHolderEnded(holder: LockHolder | undefined): boolean {
  if (!holder) return true;
  const { host, pid, thread = threadId, started, token } = holder;
  if (host !== hostname()) return false;
  const current = describeStart(pid);
  if (started !== undefined && current.started !== undefined && started !== current.started) return true;
  // Another thread of this process may hold the lock.
  if (pid === process.pid) return thread === threadId && !heldTokens.has(token);
  return !isProcessAlive(pid);
}

/** Returns the start time of a process, or an empty object on systems without `/proc`. */
function describeStart(pid: number): Pick<LockHolder, 'started'> {
  const started = readProcessFields(pid)?.[19];
  return started === undefined ? {} : { started };
}
