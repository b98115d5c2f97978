import { availableParallelism } from 'node:os';
import * as checks from '../../../core/errors/checks.js';
import type { Store } from '../../../core/platform/platform.js';
import { toStore } from '../../platform/folderStore.js';

/** Store, limits and stop signal of the trials on this machine. */
export interface TrialResources {
  /** Store of the study. */
  readonly store: Store;
  /** Number of trials that run at a time. */
  readonly parallel: number;
  /** Number of threads that one trial may use. */
  readonly threads: number;
  /** Time limit of each trial in seconds. A trial that exceeds this limit fails. */
  readonly trialTimeout: number | undefined;
  /** Signal that stops trials after the current training step. */
  readonly signal: AbortSignal;
}

/**
 * Returns the resources that the options of the function `caller` specify. Missing options are replaced with default
 * values.
 *
 * @throws An `argument` error if an option is out of range.
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
  checks.signal(`${caller}.signal`, signal);
  return { store: toStore(`${caller}.folder`, folder), parallel, threads, trialTimeout, signal };
}

/** Rules for the argument check of a timeout in seconds. Infinity means that there is no timeout. */
export const TIMEOUT_CHECK = {
  noun: 'a number of seconds',
  above: 0,
  allowInfinity: true,
  advice: 'Omit it for no timeout.',
} as const;
