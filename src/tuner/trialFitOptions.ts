import { bestCheckpoint } from '../callbacks/bestCheckpoint.js';
import type { Store } from '../core/platform/platform.js';
import type { HistoryRow } from '../core/records/history.js';
import type { Callback } from '../training/callback.js';
import { getPrimaryObjective, type Objectives } from './results/objectives.js';
import type { TrialFitOptions } from './study.js';

/** Resources of a trial that its fit options are created from. */
export interface TrialFitContext {
  readonly store: Store;
  readonly signal: AbortSignal;
  readonly threads: number;
  readonly epochs: number | undefined;
  readonly objectives: Objectives;
  /** Reports an epoch. Returns the pruner's reason to stop the trial now, or undefined. */
  readonly report: (row: HistoryRow) => Promise<string | undefined>;
  /** Reports the reason of the pruner again. The process may have been killed before the reason was written. */
  readonly reportPruned: (reason: string) => Promise<void>;
}

/** Creates the options of `model.fit` that connect a run to its trial. */
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
      // A parent process that was killed may not have received all epochs.
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
    resume: true,
    signal,
    threads,
    // If the model lacks the column, the callback's error names it.
    callbacks: [reportCallback, bestCheckpoint(store, { monitor: metric, mode }) as unknown as Callback],
    ...(epochs !== undefined && { epochs }),
  };
}
