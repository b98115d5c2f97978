import { createError, createFileError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import { parseExact, stringifyExact } from '../core/exactJson.js';
import { type Json, toCanonicalJson } from '../core/json.js';
import type { Store } from '../core/platform/platform.js';
import { writeIfAbsent } from '../core/platform/writeIfAbsent.js';
import { toObjectiveList } from './results/objectives.js';
import { hasEnded, isTrialRecord, sortByNumber, type TrialRecord } from './results/trialRecord.js';
import { flattenParams, serializeSpace } from './space/flatParams.js';
import type { Strategy } from './strategies/strategy.js';
import type { Study } from './study.js';
import { getTrialFolder, RESERVED_FILES } from './trialStore.js';

/** Number of the layout. */
const FORMAT_VERSION = 1;
const STUDY_FILE = 'study.json';

/**
 * What a study keeps in its store: `study.json`, what must not change; a folder for each trial with `trial.json`, where it stands,
 * and `end.json`, what it came to, which is written once and never again. Beside them lies what the trial itself wrote.
 */
export interface StudyRecords {
  /** One trial, or undefined where it never began. */
  readTrial(number: number): Promise<TrialRecord | undefined>;
  /** The trials, by number. */
  readTrials(): Promise<TrialRecord[]>;
  /** Writes where a trial stands. */
  saveProgress(trial: TrialRecord): Promise<void>;
  /** Writes what a trial came to; false where somebody did before. */
  saveResult(trial: TrialRecord): Promise<boolean>;
  /** Makes a trial that failed one that has not ended, to be tried again. */
  reopenTrial(trial: TrialRecord): Promise<void>;
  /** Removes what lies in the folder of a trial that has not begun. */
  clearTrial(number: number): Promise<void>;
  /** Copies what one trial left to another, but not its record. */
  copyTrial(from: number, to: number): Promise<void>;
}

/**
 * The records of a study in `store`, begun there if nothing is.
 *
 * @throws `checkpoint` fault where another study lies there, by what differs; `file` fault for records that cannot be read.
 */
export async function openStudyRecords(
  store: Store,
  study: Study,
  { library, settings }: { readonly library: string; readonly settings: Json },
): Promise<StudyRecords> {
  const own = { ...createStudyRecord(study), library };
  const read = async (name: string) => parseRecord(await store.read(name), `${store.label}/${name}`);
  const write = (name: string, value: unknown) =>
    store.write(name, new TextEncoder().encode(`${stringifyExact(value)}\n`));
  const bytes = new TextEncoder().encode(`${stringifyExact({ ...own, settings })}\n`);
  let before = (await read(STUDY_FILE)) as { readonly [part: string]: Json } | undefined;
  if (before === undefined) {
    const begun = (await store.list('trials/')).length > 0;
    // Several machines may begin one study at the same time: the first does.
    if (!begun) await writeIfAbsent(store, STUDY_FILE, bytes);
    before = (await read(STUDY_FILE)) as typeof before;
    if (before === undefined)
      throw createMismatchError(store, 'study', 'a study.json in the folder of its trials');
  }
  if (typeof before !== 'object' || before === null || Array.isArray(before))
    throw createRecordError(`${store.label}/${STUDY_FILE}`, 'the record of a study', formatValue(before));
  for (const [part, value] of Object.entries(own)) {
    if (toCanonicalJson(before[part] ?? null) !== toCanonicalJson(value ?? null))
      throw createMismatchError(store, part, `the same ${part}`);
  }
  const ended = new Map<string, TrialRecord>(); // what has ended does not change
  const one = async (folder: string) => {
    const known = ended.get(folder);
    if (known) return known;
    for (const name of [`${folder}/end.json`, `${folder}/trial.json`]) {
      const found = (await read(name)) as TrialRecord | undefined;
      if (!found) continue;
      const trial = validateTrial(found, study, `${store.label}/${name}`);
      if (hasEnded(trial)) ended.set(folder, trial);
      return trial;
    }
    return undefined;
  };
  return {
    readTrial: (number) => one(getTrialFolder(number)),
    readTrials: async () => {
      const names = await store.list('trials/');
      const folders = names.flatMap((name) => name.match(/^(trials\/\d+)\/(?:trial|end)\.json$/)?.[1] ?? []);
      const trials = await Promise.all([...new Set(folders)].map(one));
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
      ended.delete(folder);
    },
    clearTrial: async (number) => {
      for (const name of await store.list(`${getTrialFolder(number)}/`)) await store.remove(name);
    },
    copyTrial: async (from, to) => {
      const folder = `${getTrialFolder(from)}/`;
      for (const name of await store.list(folder)) {
        const file = name.slice(folder.length);
        if (RESERVED_FILES.includes(file)) continue;
        const bytes = await store.read(name);
        if (bytes) await store.write(`${getTrialFolder(to)}/${file}`, bytes);
      }
    },
  };
}

/** What must be the same for a study to go on. */
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

const createMismatchError = (store: Store, part: string, expected: string) =>
  createError({
    kind: 'checkpoint',
    path: `${store.label}: ${part}`,
    expected,
    received: ['format', 'library'].includes(part)
      ? 'records of another version of the library'
      : `another ${part}`,
    advice: 'Choose another folder, or remove this one: it contains a different study.',
  });

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
    ? 'Restore the file as the search wrote it, or search in another folder.'
    : 'Remove the file: the search repeats the trial, or resumes it from its last checkpoint.';
  return createFileError(path, expected, received, advice, cause);
};

function validateTrial(trial: TrialRecord, { space }: Study, path: string): TrialRecord {
  if (!isTrialRecord(trial)) throw createRecordError(path, 'the record of a trial', formatValue(trial));
  flattenParams(space, trial.params, path);
  return trial;
}

/** Where a trial stands after a row: epochs that are made again take the place of those that were. */
export function appendRow(trial: TrialRecord, row: TrialRecord['rows'][number]): TrialRecord {
  return { ...trial, rows: [...trial.rows.filter(({ epoch }) => epoch < row.epoch), row] };
}

/**
 * The number of the next trial: one more than there are; where a trial follows from its number alone, the first that is missing, since
 * each machine may have had its own.
 */
export function getNextTrialNumber(
  trials: readonly TrialRecord[],
  { independent }: Pick<Strategy, 'independent'>,
): number {
  const taken = new Set(trials.map(({ number }) => number));
  let number = independent ? 1 : Math.max(0, ...taken) + 1;
  while (taken.has(number)) number++;
  return number;
}

/** The trials that a killed search left running. */
export const getUnfinishedTrials = (trials: readonly TrialRecord[]): TrialRecord[] =>
  trials.filter((trial) => !hasEnded(trial));

/** The settings that a study began with; undefined where none did. */
export async function readStudySettings(
  store: Store,
): Promise<{ readonly [name: string]: Json } | undefined> {
  const record = parseRecord(await store.read(STUDY_FILE), `${store.label}/${STUDY_FILE}`) as
    | { readonly settings?: { readonly [name: string]: Json } }
    | undefined;
  return record && (record.settings ?? {});
}
