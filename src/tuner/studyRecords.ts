import { createCheckpointError, createFileError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import { parseExact, stringifyExact } from '../core/exactJson.js';
import { type Json, toCanonicalJson } from '../core/json.js';
import type { Store } from '../core/platform/platform.js';
import { readStoreFile } from '../core/platform/readStoreFile.js';
import { writeIfAbsent } from '../core/platform/writeIfAbsent.js';
import { toObjectiveList } from './results/objectives.js';
import { hasEnded, isTrialRecord, sortByNumber, type TrialRecord } from './results/trialRecord.js';
import { flattenParams, serializeSpace } from './space/flatParams.js';
import type { Strategy } from './strategies/strategy.js';
import type { Study } from './study.js';
import { getTrialFolder, RESERVED_FILES } from './trialStore.js';

/** Version of the file format of study records. A study with a different version cannot be resumed. */
const FORMAT_VERSION = 1;
const STUDY_FILE = 'study.json';

/**
 * Access to the records of a study. The store of the study contains these files:
 *
 * - `study.json`: the definition of the study, which must not change.
 * - `trials/NNNN/trial.json`: the progress of a trial.
 * - `trials/NNNN/end.json`: the result of a trial. This file is written only once.
 *
 * The trial folder also contains the files that the trial writes.
 */
export interface StudyRecords {
  /** Reads the record of one trial. Returns undefined if the trial has not started. */
  readTrial(number: number): Promise<TrialRecord | undefined>;
  /** Reads the records of all trials, sorted by number. */
  readTrials(): Promise<TrialRecord[]>;
  /** Writes the record of a running trial. */
  saveProgress(trial: TrialRecord): Promise<void>;
  /** Writes the record of a trial that has ended. Returns false, and writes nothing, if the trial already has a result. */
  saveResult(trial: TrialRecord): Promise<boolean>;
  /** Sets a failed trial back to `running`, so that the trial runs again. */
  reopenTrial(trial: TrialRecord): Promise<void>;
  /** Removes all files in the folder of a trial. The trial must not have started. */
  clearTrial(number: number): Promise<void>;
  /** Copies the files that trial `from` has written, such as its checkpoint, to the folder of trial `to`. */
  copyTrial(from: number, to: number): Promise<void>;
}

/**
 * Opens the records of a study in `store`, or creates them if the store contains no study.
 *
 * @throws A `checkpoint` error that reports the difference if the store contains a different study. A `file` error if records
 *   cannot be read.
 */
export async function openStudyRecords(
  store: Store,
  study: Study,
  { library, settings }: { readonly library: string; readonly settings: Json },
): Promise<StudyRecords> {
  const definition = { ...createStudyRecord(study), library };
  const read = async (name: string) =>
    parseRecord(await readStoreFile(store, name), `${store.label}/${name}`);
  const write = (name: string, value: unknown) =>
    store.write(name, new TextEncoder().encode(`${stringifyExact(value)}\n`));
  const bytes = new TextEncoder().encode(`${stringifyExact({ ...definition, settings })}\n`);
  let saved = (await read(STUDY_FILE)) as { readonly [part: string]: Json } | undefined;
  if (saved === undefined) {
    const hasTrials = (await store.list('trials/')).length > 0;
    // Several machines may start one study at the same time: only the first one creates the file.
    if (!hasTrials) await writeIfAbsent(store, STUDY_FILE, bytes);
    saved = (await read(STUDY_FILE)) as typeof saved;
    if (saved === undefined)
      throw createCheckpointError(
        `${store.label}/${STUDY_FILE}`,
        'a file with the definition of the study, because the folder contains trials',
        'a file that does not exist',
        'Restore the file, or choose another folder.',
      );
  }
  if (typeof saved !== 'object' || saved === null || Array.isArray(saved))
    throw createRecordError(`${store.label}/${STUDY_FILE}`, 'the record of a study', formatValue(saved));
  for (const [part, value] of Object.entries(definition)) {
    if (toCanonicalJson(saved[part] ?? null) !== toCanonicalJson(value ?? null))
      throw createMismatchError(store, part);
  }
  // Records of trials that have ended do not change, so each is read once.
  const endedTrials = new Map<string, TrialRecord>();
  const readTrialFolder = async (folder: string) => {
    const cached = endedTrials.get(folder);
    if (cached) return cached;
    for (const name of [`${folder}/end.json`, `${folder}/trial.json`]) {
      const record = (await read(name)) as TrialRecord | undefined;
      if (!record) continue;
      const trial = validateTrial(record, study, `${store.label}/${name}`);
      if (hasEnded(trial)) endedTrials.set(folder, trial);
      return trial;
    }
    return undefined;
  };
  return {
    readTrial: (number) => readTrialFolder(getTrialFolder(number)),
    readTrials: async () => {
      const names = await store.list('trials/');
      const folders = names.flatMap((name) => name.match(/^(trials\/\d+)\/(?:trial|end)\.json$/)?.[1] ?? []);
      const trials = await Promise.all([...new Set(folders)].map(readTrialFolder));
      return sortByNumber(trials.filter((trial) => trial !== undefined));
    },
    saveProgress: (trial) => write(`${getTrialFolder(trial.number)}/trial.json`, trial),
    saveResult: (trial) => {
      const bytes = new TextEncoder().encode(`${stringifyExact(trial)}\n`);
      return writeIfAbsent(store, `${getTrialFolder(trial.number)}/end.json`, bytes);
    },
    reopenTrial: async ({ reason: _, ...trial }) => {
      const folder = getTrialFolder(trial.number);
      await write(`${folder}/trial.json`, { ...trial, state: 'running' });
      await store.remove(`${folder}/end.json`);
      endedTrials.delete(folder);
    },
    clearTrial: async (number) => {
      for (const name of await store.list(`${getTrialFolder(number)}/`)) await store.remove(name);
    },
    copyTrial: async (from, to) => {
      const folder = `${getTrialFolder(from)}/`;
      for (const name of await store.list(folder)) {
        const file = name.slice(folder.length);
        if (RESERVED_FILES.includes(file)) continue;
        const bytes = await readStoreFile(store, name);
        if (bytes) await store.write(`${getTrialFolder(to)}/${file}`, bytes);
      }
    },
  };
}

/** Returns the properties of a study that must not change when the study is resumed. */
function createStudyRecord({ space, objectives, strategy, pruner, seed = 0, digest = '' }: Study): {
  readonly [part: string]: Json;
} {
  return {
    format: FORMAT_VERSION,
    space: serializeSpace(space),
    objectives: toObjectiveList(objectives).map(({ metric, direction }) => ({ metric, direction })),
    strategy: { name: strategy.name, options: strategy.options },
    pruner: pruner ? { name: pruner.name, options: pruner.options } : null,
    seed,
    digest,
  };
}

const createMismatchError = (store: Store, part: string) => {
  const noun = ['format', 'library'].includes(part) ? 'version of the library' : part;
  const advice = 'Choose another folder, or remove this folder, because it contains a different study.';
  return createCheckpointError(
    `${store.label}: ${part}`,
    `the same ${noun} as when the study was started`,
    `a different ${noun}`,
    advice,
  );
};

function parseRecord(bytes: Uint8Array | undefined, path: string): unknown {
  if (bytes === undefined) return undefined;
  try {
    return parseExact(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw createRecordError(path, 'JSON', `invalid JSON (${(cause as Error).message})`, cause);
  }
}

const createRecordError = (path: string, expected: string, received: string, cause?: unknown) => {
  const advice = path.endsWith(STUDY_FILE)
    ? 'Restore the original file, or run the search in another folder.'
    : 'Remove the file. The search then repeats the trial, or resumes it from its last checkpoint.';
  return createFileError(path, expected, received, advice, cause);
};

function validateTrial(trial: TrialRecord, { space }: Study, path: string): TrialRecord {
  if (!isTrialRecord(trial)) throw createRecordError(path, 'the record of a trial', formatValue(trial));
  flattenParams(space, trial.params, path);
  return trial;
}

/**
 * Appends a row to a trial. A resumed trial may repeat epochs, so earlier rows of the same epoch and of later epochs are removed.
 */
export function appendRow(trial: TrialRecord, row: TrialRecord['rows'][number]): TrialRecord {
  return { ...trial, rows: [...trial.rows.filter(({ epoch }) => epoch < row.epoch), row] };
}

/**
 * Returns the number of the next trial: the largest number plus one. With an independent strategy, returns the smallest unused
 * number, because several machines may have run trials in any order.
 */
export function getNextTrialNumber(
  trials: readonly TrialRecord[],
  { independent }: Pick<Strategy, 'independent'>,
): number {
  const usedNumbers = new Set(trials.map(({ number }) => number));
  let number = independent ? 1 : Math.max(0, ...usedNumbers) + 1;
  while (usedNumbers.has(number)) number++;
  return number;
}

/** Returns the trials that were still running when the search was stopped or killed. */
export const getUnfinishedTrials = (trials: readonly TrialRecord[]): TrialRecord[] =>
  trials.filter((trial) => !hasEnded(trial));

/** Reads the settings with which a study was started. Returns undefined if the store contains no study. */
export async function readStudySettings(
  store: Store,
): Promise<{ readonly [name: string]: Json } | undefined> {
  const record = parseRecord(await readStoreFile(store, STUDY_FILE), `${store.label}/${STUDY_FILE}`) as
    | { readonly settings?: { readonly [name: string]: Json } }
    | undefined;
  return record && (record.settings ?? {});
}
