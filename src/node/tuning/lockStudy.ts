import type { Store } from '../../core/platform/platform.js';
import { lockFile } from '../platform/lockFile.js';

/**
 * Locks a study, so that only one process at a time can run it. If an earlier process on this machine was killed without releasing its
 * lock, the lock is replaced.
 *
 * @returns A function that releases the lock.
 * @throws A `file` error if another process is running the study.
 */
export const lockStudy = (store: Store): Promise<() => Promise<void>> =>
  lockFile(store, 'search.lock', { noun: 'a study', expected: 'a study that no other process is running' });
