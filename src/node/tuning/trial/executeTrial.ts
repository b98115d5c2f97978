import { explainMissingObjectives } from '../../../tuner/results/objectives.js';
import type { TrialRecord } from '../../../tuner/results/trialRecord.js';
import type { Study } from '../../../tuner/study.js';
import { appendRow, type StudyRecords } from '../../../tuner/studyRecords.js';
import { getTrialFolder, trialStore } from '../../../tuner/trialStore.js';
import type { StudySettings } from './loadStudy.js';
import { spawnTrial } from './spawnTrial.js';
import type { TrialResources } from './trialResources.js';

/** Resources and callbacks that {@link executeTrial} needs to run the trials of one study on this machine. */
export interface TrialEnvironment extends Omit<TrialResources, 'parallel'> {
  readonly study: Study;
  readonly records: StudyRecords;
  /** URL of the module that every trial imports. */
  readonly moduleUrl: string;
  readonly settings: StudySettings;
  /** Returns all current trials, so that the pruner can compare a trial with them. Default: the trials are read from the records. */
  listTrials?(): readonly TrialRecord[];
  /** Callback that receives the trial each time an epoch has been saved. */
  onEpoch?(trial: TrialRecord): void;
}

/**
 * Runs a trial in its own process, and saves every epoch and the result. If several machines run the same trial, only the result that is
 * saved first is used.
 *
 * @returns The saved result, or undefined if the signal stopped the trial. The trial can then be resumed.
 * @throws The error of the store if the store cannot be written. In this case, the trial does not count as failed.
 */
export async function executeTrial(
  environment: TrialEnvironment,
  initialTrial: TrialRecord,
): Promise<TrialRecord | undefined> {
  const { study, records, store, moduleUrl, settings, threads, trialTimeout, signal } = environment;
  const { number, params, rung } = initialTrial;
  const ownStore = trialStore(store, number);
  let trial = initialTrial;
  let pruneReason: string | undefined;
  const end = await spawnTrial({
    spec: { module: moduleUrl, settings, number, params, rung, threads, label: ownStore.label },
    store: ownStore,
    onOutput: (bytes) => store.append(`${getTrialFolder(number)}/output.txt`, bytes),
    trialTimeout,
    signal,
    onEpoch: async (row) => {
      trial = appendRow(trial, row);
      await records.saveProgress(trial);
      environment.onEpoch?.(trial);
      pruneReason = study.pruner?.prune(
        trial,
        environment.listTrials?.() ?? (await records.readTrials()),
        study.objectives,
      );
      return pruneReason;
    },
    onPruned: (reason) => {
      pruneReason = reason;
    },
  });
  if (signal.aborted) return undefined; // If the trial had just completed, it ends immediately when it is resumed.
  const ended = createFinalRecord(trial, study, pruneReason, end.failure);
  return (await records.saveResult(ended)) ? ended : records.readTrial(number);
}

/** Advice for a trial that reported no epochs, for example because `fitOptions` were not passed to `model.fit`. */
const NEVER_REPORTED_ADVICE =
  'Spread ...fitOptions into the options of model.fit, with callbacks: [...fitOptions.callbacks, yours], or call report().';

/** Creates the final record of a trial whose process has ended. */
function createFinalRecord(
  trial: TrialRecord,
  { objectives }: Study,
  pruneReason: string | undefined,
  failure: string | undefined,
): TrialRecord {
  if (failure !== undefined) return { ...trial, state: 'failed', reason: failure };
  const missingReason = explainMissingObjectives(trial.rows, objectives);
  if (missingReason !== undefined) {
    const advice = trial.rows.length === 0 ? `. ${NEVER_REPORTED_ADVICE}` : '';
    return { ...trial, state: 'failed', reason: `${missingReason}${advice}` };
  }
  const complete: TrialRecord = { ...trial, state: 'complete' };
  return pruneReason === undefined ? complete : { ...trial, state: 'pruned', reason: pruneReason };
}
