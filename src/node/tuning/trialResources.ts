import { availableParallelism } from 'node:os';
import * as checks from '../../core/errors/checks.js';
import { createError } from '../../core/errors/errors.js';
import { formatValue } from '../../core/errors/formatValue.js';
import type { Store } from '../../core/platform/platform.js';
import { toStore } from '../platform/folderStore.js';

/** What trials have of this machine. */
export interface TrialResources {
  /** Where the study is kept. */
  readonly store: Store;
  /** Trials at a time. */
  readonly parallel: number;
  /** Threads of one trial. */
  readonly threads: number;
  /** Seconds after which a trial is taken to hang. */
  readonly trialTimeout: number | undefined;
  /** Stops trials after their step. */
  readonly signal: AbortSignal;
}

/**
 * What `caller` was told of it, and what is so by default.
 *
 * @throws `argument` fault for what is out of range.
 */
export function resolveTrialResources(
  caller: string,
  {
    folder,
    parallel = 1,
    threads = Math.max(1, Math.floor(availableParallelism() / parallel)),
    trialTimeout,
    signal = new AbortController().signal,
  }: { readonly folder: string | Store } & {
    readonly [M in Exclude<keyof TrialResources, 'store'>]?: TrialResources[M];
  },
): TrialResources {
  checks.integer(`${caller}.parallel`, parallel, { min: 1, advice: 'Leave it out for one trial at a time.' });
  checks.integer(`${caller}.threads`, threads, {
    min: 1,
    advice: 'Leave it out: the threads of the machine are shared equally.',
  });
  checkSeconds(`${caller}.trialTimeout`, trialTimeout);
  return { store: toStore(folder), parallel, threads, trialTimeout, signal };
}

/** Throws an `argument` fault for what is no time; without one there is no end. */
export function checkSeconds(path: string, seconds: number | undefined): void {
  if (seconds === undefined || (typeof seconds === 'number' && seconds > 0)) return;
  throw createError({
    kind: 'argument',
    path,
    expected: 'seconds above 0',
    received: formatValue(seconds),
    advice: 'Leave it out for none.',
  });
}
