import { availableParallelism } from 'node:os';
import * as checks from '../../core/errors/checks.js';
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
  checks.integer(`${caller}.parallel`, parallel, { min: 1, advice: 'Omit it to run one trial at a time.' });
  checks.integer(`${caller}.threads`, threads, {
    min: 1,
    advice: 'Omit it to share the threads of the machine equally.',
  });
  if (trialTimeout !== undefined) checks.number(`${caller}.trialTimeout`, trialTimeout, TIMEOUT_CHECK);
  return { store: toStore(folder), parallel, threads, trialTimeout, signal };
}

/** Check of a timeout in seconds; infinity means no timeout. */
export const TIMEOUT_CHECK = {
  noun: 'a number of seconds',
  above: 0,
  allowInfinity: true,
  advice: 'Omit it for no timeout.',
} as const;
