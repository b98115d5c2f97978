import { hostname } from 'node:os';
import { fault } from '../../core/errors.js';
import type { Store } from '../../core/outside.js';

const LOCK = 'search.lock';

/**
 * Keeps a study for this process. The mark of one that was killed on this machine is taken over.
 *
 * @returns Gives it back.
 * @throws `file` fault while another process searches there.
 */
export async function lockStudy(store: Store): Promise<() => Promise<void>> {
  const own = new TextEncoder().encode(JSON.stringify({ host: hostname(), pid: process.pid }));
  const take = async () => {
    if (store.create) return store.create(LOCK, own);
    if ((await store.read(LOCK)) !== undefined) return false;
    await store.write(LOCK, own);
    return true;
  };
  for (let tries = 0; !(await take()); tries++) {
    const holder = holderOf(await store.read(LOCK));
    if (tries < 3 && (!holder || (holder.host === hostname() && !lives(holder.pid)))) {
      await store.remove(LOCK);
      continue;
    }
    throw fault({
      kind: 'file',
      path: `${store.label}/${LOCK}`,
      expected: 'a study that no other process searches',
      received: holder ? `one of process ${holder.pid} on ${holder.host}` : 'one of another process',
      advice: 'Wait for it, or choose another folder. If that process is gone, remove this file.',
    });
  }
  return () => store.remove(LOCK);
}

function holderOf(
  bytes: Uint8Array | undefined,
): { readonly host: string; readonly pid: number } | undefined {
  try {
    const { host, pid } = JSON.parse(new TextDecoder().decode(bytes ?? new Uint8Array()));
    return typeof host === 'string' && Number.isInteger(pid) ? { host, pid } : undefined;
  } catch {
    return undefined; // killed while it was written by a store without `create`
  }
}

/** Whether a process runs on this machine. */
function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
