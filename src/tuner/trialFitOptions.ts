import { bestCheckpoint } from '../callbacks/bestCheckpoint.js';
import type { Store } from '../core/platform/platform.js';
import type { HistoryRow } from '../core/records/history.js';
import type { Callback } from '../training/callback.js';
import { getPrimaryObjective, type Objectives } from './results/objectives.js';
import type { TrialFitOptions } from './study.js';

/** What a trial has at hand. */
export interface TrialFitContext {
  readonly store: Store;
  readonly signal: AbortSignal;
  readonly threads: number;
  readonly epochs: number | undefined;
  readonly objectives: Objectives;
  /** Answers why the trial should end now. */
  readonly report: (row: HistoryRow) => Promise<string | undefined>;
  /** Says once more why it was ended, where a kill came before that was written. */
  readonly reportPruned: (reason: string) => Promise<void>;
}

/** The options of `model.fit` that make a run a trial. */
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
  const reporting: Callback = {
    name: 'trial',
    create: async (run, saved) => {
      let reason = (saved?.values as { readonly reason?: string } | undefined)?.reason;
      // What a killed parent had not heard.
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
    // The model may lack the column: then its run says so, by name.
    callbacks: [reporting, bestCheckpoint(store, { monitor: metric, mode }) as unknown as Callback],
    ...(epochs !== undefined && { epochs }),
  };
}
