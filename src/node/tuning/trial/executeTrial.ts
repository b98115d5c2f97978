import type { Store } from '../../../core/platform/platform.js';
import { explainMissingObjectives } from '../../../tuner/results/objectives.js';
import type { TrialRecord } from '../../../tuner/results/trialRecord.js';
import type { Study } from '../../../tuner/study.js';
import { appendRow, type StudyRecords } from '../../../tuner/studyRecords.js';
import { getTrialFolder, trialStore } from '../../../tuner/trialStore.js';
import type { StudySettings } from './loadStudy.js';
import { spawnTrial } from './spawnTrial.js';

/** What it takes to carry trials out, here or on another machine. */
export interface TrialEnvironment {
  readonly study: Study;
  readonly records: StudyRecords;
  readonly store: Store;
  /** Of the module that every trial imports. */
  readonly moduleUrl: string;
  readonly settings: StudySettings;
  readonly threads: number;
  readonly trialTimeout: number | undefined;
  readonly signal: AbortSignal;
  /** The trials as they stand, for the pruner. Default: what the records say. */
  listTrials?(): readonly TrialRecord[];
  /** Told of every epoch, after it was written. */
  onEpoch?(trial: TrialRecord): void;
}

/**
 * Runs a trial in a process of its own, and writes every epoch and what it came to. The first to write that counts: whoever carried
 * it out too gets what stands there. Undefined where it was stopped, and goes on another day.
 *
 * @throws The store's own fault where nothing can be written: no trial is to blame for a full disk.
 */
export async function executeTrial(
  place: TrialEnvironment,
  begun: TrialRecord,
): Promise<TrialRecord | undefined> {
  const { study, records, store, moduleUrl, settings, threads, trialTimeout, signal } = place;
  const { number, params, rung } = begun;
  const own = trialStore(store, number);
  let trial = begun;
  let pruned: string | undefined;
  const end = await spawnTrial({
    spec: { module: moduleUrl, settings, number, params, rung, threads, label: own.label },
    store: own,
    onOutput: (bytes) => store.append(`${getTrialFolder(number)}/output.txt`, bytes),
    trialTimeout,
    signal,
    onEpoch: async (row) => {
      trial = appendRow(trial, row);
      await records.saveProgress(trial);
      place.onEpoch?.(trial);
      pruned = study.pruner?.prune(
        trial,
        place.listTrials?.() ?? (await records.readTrials()),
        study.objectives,
      );
      return pruned;
    },
    onPruned: (reason) => {
      pruned = reason;
    },
  });
  if (signal.aborted) return undefined; // one that had just come to its end will do so at once
  const ended = createFinalRecord(trial, study, pruned, end.failure);
  return (await records.saveResult(ended)) ? ended : records.readTrial(number);
}

/** What to do where a trial trained, it may be, and nobody heard of it. */
const NEVER_REPORTED_ADVICE =
  'Spread ...fitOptions into the options of model.fit, with callbacks: [...fitOptions.callbacks, yours], or call report().';

/** What became of a trial whose process has ended. */
function createFinalRecord(
  trial: TrialRecord,
  { objectives }: Study,
  pruned: string | undefined,
  failed: string | undefined,
): TrialRecord {
  if (failed !== undefined) return { ...trial, state: 'failed', reason: failed };
  const why = explainMissingObjectives(trial.rows, objectives);
  if (why !== undefined) {
    const advice = trial.rows.length === 0 ? `. ${NEVER_REPORTED_ADVICE}` : '';
    return { ...trial, state: 'failed', reason: `${why}${advice}` };
  }
  const complete: TrialRecord = { ...trial, state: 'complete' };
  return pruned === undefined ? complete : { ...trial, state: 'pruned', reason: pruned };
}
