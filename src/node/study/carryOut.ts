import type { Store } from '../../core/outside.js';
import { lacking } from '../../tuner/objectives.js';
import type { TrialRecord } from '../../tuner/records.js';
import type { Study } from '../../tuner/study.js';
import { type StudyRecords, withRow } from '../../tuner/studyRecords.js';
import { trialFolder, trialStore } from '../../tuner/trialStore.js';
import type { Settings } from './loadStudy.js';
import { runTrial } from './runTrial.js';

/** What it takes to carry trials out, here or on another machine. */
export interface Workplace {
  readonly study: Study;
  readonly records: StudyRecords;
  readonly store: Store;
  /** Of the module that every trial imports. */
  readonly address: string;
  readonly settings: Settings;
  readonly threads: number;
  readonly trialTimeout: number | undefined;
  readonly signal: AbortSignal;
  /** The trials as they stand, for the pruner. Default: what the records say. */
  known?(): readonly TrialRecord[];
  /** Told of every epoch, after it was written. */
  noted?(trial: TrialRecord): void;
}

/**
 * Runs a trial in a process of its own, and writes every epoch and what it came to. The first to write that counts: whoever carried
 * it out too gets what stands there. Undefined where it was stopped, and goes on another day.
 *
 * @throws The store's own fault where nothing can be written: no trial is to blame for a full disk.
 */
export async function carryOut(place: Workplace, begun: TrialRecord): Promise<TrialRecord | undefined> {
  const { study, records, store, address, settings, threads, trialTimeout, signal } = place;
  const { number, values, rung } = begun;
  const own = trialStore(store, number);
  let trial = begun;
  let pruned: string | undefined;
  const end = await runTrial({
    task: { module: address, settings, number, values, rung, threads, label: own.label },
    store: own,
    printed: (bytes) => store.append(`${trialFolder(number)}/output.txt`, bytes),
    trialTimeout,
    signal,
    report: async (row) => {
      trial = withRow(trial, row);
      await records.stands(trial);
      place.noted?.(trial);
      pruned = study.pruner?.prune(trial, place.known?.() ?? (await records.trials()), study.objectives);
      return pruned;
    },
    pruned: (reason) => {
      pruned = reason;
    },
  });
  if (signal.aborted) return undefined; // one that had just come to its end will do so at once
  const ended = outcome(trial, study, pruned, end.failed);
  return (await records.ends(ended)) ? ended : records.trial(number);
}

/** What to do where a trial trained, it may be, and nobody heard of it. */
const UNHEARD =
  'Spread ...fit into the options of model.fit, with callbacks: [...fit.callbacks, yours], or call report().';

/** What became of a trial whose process has ended. */
function outcome(
  trial: TrialRecord,
  { objectives }: Study,
  pruned: string | undefined,
  failed: string | undefined,
): TrialRecord {
  if (failed !== undefined) return { ...trial, state: 'failed', reason: failed };
  const why = lacking(trial.rows, objectives);
  if (why !== undefined) {
    const advice = trial.rows.length === 0 ? `. ${UNHEARD}` : '';
    return { ...trial, state: 'failed', reason: `${why}${advice}` };
  }
  const complete: TrialRecord = { ...trial, state: 'complete' };
  return pruned === undefined ? complete : { ...trial, state: 'pruned', reason: pruned };
}
