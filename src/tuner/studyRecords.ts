import { createIn } from '../core/createIn.js';
import { fault, show } from '../core/errors.js';
import { canonical, exactJson, type Json, parseExact } from '../core/json.js';
import type { Store } from '../core/outside.js';
import { objectivesOf } from './objectives.js';
import { inOrder, isOver, isRecord, type TrialRecord } from './records.js';
import { flattened, spaceRecord } from './settings.js';
import type { Strategy } from './strategy.js';
import type { Study } from './study.js';
import { KEPT, trialFolder } from './trialStore.js';

/** Number of the layout. */
const FORMAT = 1;
const STUDY = 'study.json';

/**
 * What a study keeps in its store: `study.json`, what must not change; a folder for each trial with `trial.json`, where it stands,
 * and `end.json`, what it came to, which is written once and never again. Beside them lies what the trial itself wrote.
 */
export interface StudyRecords {
  /** One trial, or undefined where it never began. */
  trial(number: number): Promise<TrialRecord | undefined>;
  /** The trials, by number. */
  trials(): Promise<TrialRecord[]>;
  /** Writes where a trial stands. */
  stands(trial: TrialRecord): Promise<void>;
  /** Writes what a trial came to; false where somebody did before. */
  ends(trial: TrialRecord): Promise<boolean>;
  /** Makes a trial that failed one that has not ended, to be tried again. */
  reopen(trial: TrialRecord): Promise<void>;
  /** Removes what lies in the folder of a trial that has not begun. */
  clear(number: number): Promise<void>;
  /** Copies what one trial left to another, but not its record. */
  copy(from: number, to: number): Promise<void>;
}

/**
 * The records of a study in `store`, begun there if nothing is.
 *
 * @throws `checkpoint` fault where another study lies there, by what differs; `file` fault for records that cannot be read.
 */
export async function studyRecords(
  store: Store,
  study: Study,
  { library, settings }: { readonly library: string; readonly settings: Json },
): Promise<StudyRecords> {
  const own = { ...recordOf(study), library };
  const read = async (name: string) => parsed(await store.read(name), `${store.label}/${name}`);
  const write = (name: string, value: unknown) =>
    store.write(name, new TextEncoder().encode(`${exactJson(value)}\n`));
  const bytes = new TextEncoder().encode(`${exactJson({ ...own, settings })}\n`);
  let before = (await read(STUDY)) as { readonly [part: string]: Json } | undefined;
  if (before === undefined) {
    const begun = (await store.list('trials/')).length > 0;
    // Several machines may begin one study at the same time: the first does.
    if (!begun) await createIn(store, STUDY, bytes);
    before = (await read(STUDY)) as typeof before;
    if (before === undefined) throw another(store, 'study', 'a study.json beside its trials');
  }
  if (typeof before !== 'object' || before === null || Array.isArray(before))
    throw broken(`${store.label}/${STUDY}`, 'the record of a study', show(before));
  for (const [part, value] of Object.entries(own)) {
    if (canonical(before[part] ?? null) !== canonical(value ?? null))
      throw another(store, part, `the same ${part}`);
  }
  const ended = new Map<string, TrialRecord>(); // what has ended does not change
  const one = async (folder: string) => {
    const known = ended.get(folder);
    if (known) return known;
    for (const name of [`${folder}/end.json`, `${folder}/trial.json`]) {
      const found = (await read(name)) as TrialRecord | undefined;
      if (!found) continue;
      const trial = checked(found, study, `${store.label}/${name}`);
      if (isOver(trial)) ended.set(folder, trial);
      return trial;
    }
    return undefined;
  };
  return {
    trial: (number) => one(trialFolder(number)),
    trials: async () => {
      const names = await store.list('trials/');
      const folders = names.flatMap((name) => name.match(/^(trials\/\d+)\/(?:trial|end)\.json$/)?.[1] ?? []);
      const trials = await Promise.all([...new Set(folders)].map(one));
      return inOrder(trials.filter((trial) => trial !== undefined));
    },
    stands: (trial) => write(`${trialFolder(trial.number)}/trial.json`, trial),
    ends: (trial) => {
      const bytes = new TextEncoder().encode(`${exactJson(trial)}\n`);
      return createIn(store, `${trialFolder(trial.number)}/end.json`, bytes);
    },
    reopen: async ({ reason: _, ...trial }) => {
      const folder = trialFolder(trial.number);
      await write(`${folder}/trial.json`, { ...trial, state: 'running' });
      await store.remove(`${folder}/end.json`);
      ended.delete(folder);
    },
    clear: async (number) => {
      for (const name of await store.list(`${trialFolder(number)}/`)) await store.remove(name);
    },
    copy: async (from, to) => {
      const folder = `${trialFolder(from)}/`;
      for (const name of await store.list(folder)) {
        const file = name.slice(folder.length);
        if (KEPT.includes(file)) continue;
        const bytes = await store.read(name);
        if (bytes) await store.write(`${trialFolder(to)}/${file}`, bytes);
      }
    },
  };
}

/** What must be the same for a study to go on. */
function recordOf({ space, objectives, strategy, pruner, seed = 0, digest = '' }: Study): {
  readonly [part: string]: Json;
} {
  return {
    format: FORMAT,
    space: spaceRecord(space),
    objectives: objectivesOf(objectives).map(({ metric, direction }) => ({ metric, direction })),
    strategy: { name: strategy.name, options: strategy.options },
    pruner: pruner ? { name: pruner.name, options: pruner.options } : null,
    seed,
    digest,
  };
}

const another = (store: Store, part: string, expected: string) =>
  fault({
    kind: 'checkpoint',
    path: `${store.label}: ${part}`,
    expected,
    received: ['format', 'library'].includes(part) ? 'that of another version of the library' : 'another',
    advice: 'A study lies there that began otherwise: choose another folder, or remove it.',
  });

function parsed(bytes: Uint8Array | undefined, path: string): unknown {
  if (bytes === undefined) return undefined;
  try {
    return parseExact(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw broken(path, 'JSON', (cause as Error).message, cause);
  }
}

const broken = (path: string, expected: string, received: string, cause?: unknown) =>
  fault({
    kind: 'file',
    path,
    expected,
    received,
    advice: path.endsWith(STUDY)
      ? 'The file was changed. Bring back the one that the search wrote, or search in another folder.'
      : 'The file was changed. Remove it: its trial is tried again, or goes on where it stood.',
    cause,
  });

function checked(trial: TrialRecord, { space }: Study, path: string): TrialRecord {
  if (!isRecord(trial)) throw broken(path, 'the record of a trial', 'something else');
  flattened(space, trial.values, path);
  return trial;
}

/** Where a trial stands after a row: epochs that are made again take the place of those that were. */
export function withRow(trial: TrialRecord, row: TrialRecord['rows'][number]): TrialRecord {
  return { ...trial, rows: [...trial.rows.filter(({ epoch }) => epoch < row.epoch), row] };
}

/**
 * The number of the next trial: one more than there are; where a trial follows from its number alone, the first that is missing, since
 * each machine may have had its own.
 */
export function nextNumber(trials: readonly TrialRecord[], { alone }: Pick<Strategy, 'alone'>): number {
  const taken = new Set(trials.map(({ number }) => number));
  let number = alone ? 1 : Math.max(0, ...taken) + 1;
  while (taken.has(number)) number++;
  return number;
}

/** The trials that a killed search left running. */
export const leftOver = (trials: readonly TrialRecord[]): TrialRecord[] =>
  trials.filter((trial) => !isOver(trial));

/** The settings that a study began with; undefined where none did. */
export async function settingsOf(store: Store): Promise<{ readonly [name: string]: Json } | undefined> {
  const record = parsed(await store.read(STUDY), `${store.label}/${STUDY}`) as
    | { readonly settings?: { readonly [name: string]: Json } }
    | undefined;
  return record && (record.settings ?? {});
}
