import { bestCheckpoint } from '../callbacks/bestCheckpoint.js';
import type { Store } from '../core/platform/platform.js';
import type { HistoryRow } from '../core/records/history.js';
import type { Callback } from '../training/callback.js';
import { getPrimaryObjective, type Objectives } from './results/objectives.js';
import type { TrialFitOptions } from './study.js';

/** Resources from which the fit options of a trial are created. */
export interface TrialFitContext {
  readonly store: Store;
  readonly signal: AbortSignal;
  readonly threads: number;
  readonly epochs: number | undefined;
  readonly objectives: Objectives;
  /** Reports an epoch. Returns the pruner's reason to stop the trial now, or undefined to continue. */
  readonly report: (row: HistoryRow) => Promise<string | undefined>;
  /** Reports the pruner's reason again when a trial is resumed, in case the process was killed before the reason was saved. */
  readonly reportPruned: (reason: string) => Promise<void>;
}

/**
 * Creates the `model.fit` options that connect a training run to its trial: they report every epoch, stop a pruned run, and save
 * checkpoints in the trial's store.
 */
export function createTrialFitOptions({
  store,
  signal,
  threads,
  epochs,
  objectives,
  report,
  reportPruned,
}: TrialFitContext): TrialFitOptions {
  const { metric, direction } = getPrimaryObjective(objectives);
  const reportCallback: Callback = {
    name: 'trial',
    create: async (run, saved) => {
      let reason = (saved?.values as { readonly reason?: string } | undefined)?.reason;
      // Earlier epochs are reported again, because the previous parent process may have been killed before it received all of them.
      for (const row of run.history) await report(row);
      if (reason !== undefined) await reportPruned(reason);
      return {
        onEpochEnd: async ({ row }) => {
          reason = await report(row);
          if (reason !== undefined) run.stop(reason);
        },
        getState: () => ({ values: { ...(reason !== undefined && { reason }) } }),
      };
    },
  };
  const mode = direction === 'minimize' ? 'min' : 'max';
  return {
    checkpoint: store,
    resume: 'auto',
    signal,
    threads,
    // If the history does not contain the monitored column, `bestCheckpoint` throws an error that contains its name.
    callbacks: [reportCallback, bestCheckpoint(store, { monitor: metric, mode }) as unknown as Callback],
    ...(epochs !== undefined && { epochs }),
  };
}
