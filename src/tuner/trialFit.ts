import { bestCheckpoint } from '../callbacks/bestCheckpoint.js';
import type { HistoryRow } from '../core/history.js';
import type { Store } from '../core/outside.js';
import type { Callback } from '../training/callback.js';
import { type Objectives, objectivesOf } from './objectives.js';
import type { TrialFit } from './study.js';

/** What a trial has at hand. */
export interface TrialParts {
  readonly store: Store;
  readonly signal: AbortSignal;
  readonly threads: number;
  readonly epochs: number | undefined;
  readonly objectives: Objectives;
  /** Answers why the trial should end now. */
  readonly report: (row: HistoryRow) => Promise<string | undefined>;
}

/** The options of `model.fit` that make a run a trial. */
export function trialFit({ store, signal, threads, epochs, objectives, report }: TrialParts): TrialFit {
  const [{ metric, direction }] = objectivesOf(objectives) as readonly [
    ReturnType<typeof objectivesOf>[number],
  ];
  const reporting: Callback = {
    name: 'trial',
    begin: async (run) => {
      // What a killed parent had not heard.
      for (const row of run.history) await report(row);
      return {
        epochEnd: async ({ row }) => {
          const reason = await report(row);
          if (reason !== undefined) run.stop(reason);
        },
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
