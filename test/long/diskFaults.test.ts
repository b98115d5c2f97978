import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { isMultitaskError, useEngine } from '../../src/entries/node.js';
import { folderStore, saveFile, writeReport, writeStudyResults } from '../../src/node/index.js';
import { lockStudy } from '../../src/node/tuning/lockStudy.js';
import { openStudyRecords } from '../../src/tuner/studyRecords.js';
import { type FaultMode, runWithFault } from './diskFaults.js';
import { plainStudy, startSearch } from './fileKinds.js';
import { readTestSize } from './testSize.js';
import {
  checkInterruptedFolder,
  compareFolders,
  createReference,
  readFolder,
  trainAndRecord,
} from './trainingRun.js';

const { allFaults } = readTestSize();
const MODES: readonly FaultMode[] = ['fails', 'half', 'full'];
// A file system in memory, if there is one: these tests flush thousands of files.
const scratch = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'disk-faults-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;
const createPath = () => join(scratch, String(folders++));

/** An action that is repeated, each time with a fault at another operation. */
interface Faulty {
  /** Prepares the folder, without faults. */
  readonly prepare?: (folder: string) => Promise<unknown>;
  readonly action: (folder: string) => Promise<unknown>;
  /** Checks the folder after the fault. Returns the problems. */
  readonly check: (folder: string) => Promise<readonly string[]>;
  /** Continues without faults. Default: `action`. */
  readonly continue?: (folder: string) => Promise<unknown>;
  /** Files of the folder in the end. */
  readonly expected: Map<string, Buffer>;
  /** Interval of the operations that fail in CI. In the full size, each operation fails. Default 1. */
  readonly step?: number;
}

/** Injects a fault at each operation of an action, in each mode, and checks what is left. Returns the number of faults. */
async function expectNoProblems({ prepare, action, check, step = 1, ...others }: Faulty): Promise<number> {
  const problems: string[] = [];
  let count = 0;
  for (const mode of MODES) {
    // A full disk is like a single failure, and all later operations fail too, so CI tries it less often.
    const interval = allFaults ? 1 : step * (mode === 'full' ? 6 : 1);
    for (let failing = 1; problems.length < 10; failing += interval) {
      const folder = createPath();
      await prepare?.(folder);
      const { error, operation } = await runWithFault(folder, failing, mode, () => action(folder));
      if (operation === undefined) {
        if (error !== undefined) throw error;
        break;
      }
      count++;
      const fault = `operation ${failing} (${operation}), mode ${mode}`;
      if (error !== undefined && !isMultitaskError(error))
        problems.push(`${fault}: ${(error as Error).stack}`);
      for (const problem of await check(folder)) problems.push(`${fault}: ${problem}`);
      try {
        await (others.continue ?? action)(folder);
        // An old file that could not be removed is removed when the next file of its kind is written.
        const unremovable = operation.startsWith('rm ') ? operation.slice(3) : undefined;
        const differing = compareFolders(readFolder(folder), others.expected).filter(
          (name) => name !== unremovable || others.expected.has(name),
        );
        if (differing.length > 0) problems.push(`${fault}: in the end, these files differ: ${differing}`);
      } catch (later) {
        problems.push(`${fault}: the next run failed: ${(later as Error).stack}`);
      }
      rmSync(folder, { recursive: true, force: true });
    }
  }
  expect(problems).toEqual([]);
  return count;
}

const timeout = 2 * 3_600_000;
const engines = allFaults ? (['wasm', 'onnx'] as const) : (['wasm'] as const);

test.each(engines)(
  'a fault at any disk operation of a run of two epochs on %s throws a library error, and the run can be resumed',
  { timeout },
  async (engine) => {
    await useEngine(engine, { threads: 1 });
    const options = { engine, epochs: 2 };
    const reference = await createReference(createPath(), options);
    const count = await expectNoProblems({
      action: (folder) => trainAndRecord(folder, options),
      check: (folder) => checkInterruptedFolder(folder, [reference]),
      expected: reference.files,
      step: 3,
    });
    console.log(`${count} faults in a run of two epochs on ${engine}`);
    expect(count).toBeGreaterThan(100);
  },
);

test.each(engines)(
  'a fault while a run on %s is resumed, or replaces an earlier run, leaves the earlier files readable',
  { timeout },
  async (engine) => {
    await useEngine(engine, { threads: 1 });
    const earlier = createPath();
    const earlierReference = await createReference(earlier, { engine, epochs: 1 });
    const prepare = async (folder: string) => cpSync(earlier, folder, { recursive: true });
    const step = 23;

    const resumed = await createReference(createPath(), { engine, epochs: 2 });
    const resumedCount = await expectNoProblems({
      prepare,
      action: (folder) => trainAndRecord(folder, { engine, epochs: 2 }),
      check: (folder) => checkInterruptedFolder(folder, [resumed, earlierReference]),
      expected: resumed.files,
      step,
    });

    const other = { engine, epochs: 1, seed: 2 };
    const replaced = await createReference(createPath(), other);
    const replacedCount = await expectNoProblems({
      prepare,
      action: (folder) => trainAndRecord(folder, { ...other, overwrite: true }),
      check: (folder) => checkInterruptedFolder(folder, [replaced, earlierReference]),
      expected: replaced.files,
      step,
    });
    console.log(
      `${resumedCount} faults in a resumed run, ${replacedCount} in a run that replaces another, on ${engine}`,
    );
  },
);

test('a fault while a report is written leaves each file complete', { timeout }, async () => {
  await useEngine('wasm', { threads: 1 });
  const run = createPath();
  await trainAndRecord(run, { engine: 'wasm', epochs: 1 });
  const whole = createPath();
  cpSync(run, whole, { recursive: true });
  await writeReport(whole);
  const expected = readFolder(whole);
  const count = await expectNoProblems({
    prepare: async (folder) => cpSync(run, folder, { recursive: true }),
    action: (folder) => writeReport(folder),
    check: async (folder) => findIncompleteFiles(folder, expected),
    expected,
    step: 61,
  });
  console.log(`${count} faults in a report`);
});

/** Returns the files of a folder whose contents are not the expected ones. Missing files are not returned. */
function findIncompleteFiles(folder: string, expected: Map<string, Buffer>): string[] {
  const found = readFolder(folder);
  return compareFolders(found, expected).filter((name) => found.has(name));
}

test('a fault while a study is written leaves its records readable, and the study can be continued', {
  timeout,
}, async () => {
  const settings = { library: '1', settings: {} };
  const search = async (folder: string) => {
    const store = folderStore(folder);
    const unlock = await lockStudy(store);
    try {
      const records = await openStudyRecords(store, plainStudy, settings);
      const told = startSearch(await records.readTrials());
      while (told.trials.length < 4 || told.trials.some(({ state }) => state === 'running')) {
        const { number, rows } = told.trials.find(({ state }) => state === 'running') ?? told.ask()!;
        const get = () => told.trials.find((trial) => trial.number === number)!;
        await records.saveProgress(get());
        for (let epoch = rows.length + 1; epoch <= 2; epoch++) {
          told.report(number, { loss: number / epoch });
          await records.saveProgress(get());
        }
        await store.write(`trials/000${number}/best/model.json`, new Uint8Array([number]));
        told.tell(number);
        await records.saveResult(get());
      }
      await records.copyTrial(1, 9);
      await records.clearTrial(9);
    } finally {
      await unlock();
    }
  };
  const whole = createPath();
  await search(whole);
  const expected = readFolder(whole);
  const count = await expectNoProblems({
    action: search,
    check: async (folder) => {
      const store = folderStore(folder);
      if ((await store.read('study.json')) === undefined) return [];
      await (await openStudyRecords(store, plainStudy, settings)).readTrials();
      return [];
    },
    expected,
  });
  const records = await openStudyRecords(folderStore(whole), plainStudy, settings);
  const trials = await records.readTrials();
  const results = createPath();
  await writeStudyResults(results, plainStudy, trials);
  const resultFiles = readFolder(results);
  const resultCount = await expectNoProblems({
    action: (folder) => writeStudyResults(folder, plainStudy, trials),
    check: async (folder) => findIncompleteFiles(folder, resultFiles),
    expected: resultFiles,
    step: 61,
  });
  console.log(`${count} faults in a study, ${resultCount} in its results`);
});

test('a fault in saveFile leaves the earlier file unchanged', async () => {
  const [before, after] = [new Uint8Array([1, 2, 3]), new Uint8Array(1000).fill(4)];
  await expectNoProblems({
    prepare: (folder) => saveFile(join(folder, 'x.keras'), before),
    action: (folder) => saveFile(join(folder, 'x.keras'), after),
    check: async (folder) => {
      const [[name, bytes] = [], ...others] = readFolder(folder);
      const isWhole = bytes && [before, after].some((content) => bytes.equals(content));
      return isWhole && others.length === 0
        ? []
        : [`${name}: ${bytes?.length} bytes, and ${others.length} other files`];
    },
    expected: new Map([['x.keras', Buffer.from(after)]]),
  });
});
