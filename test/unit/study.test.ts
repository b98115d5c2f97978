import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { threadId } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { memoryStore, type Store } from '../../src/entries/node.js';
import { liveTable } from '../../src/node/tuning/liveTable.js';
import { lockStudy } from '../../src/node/tuning/lockStudy.js';
import {
  choice,
  grid,
  minimize,
  random,
  space,
  study,
  type TrialRecord,
  tpe,
} from '../../src/tuner/index.js';
import { getNextTrialNumber, openStudyRecords } from '../../src/tuner/studyRecords.js';

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
/** Process id above the maximum on Linux, so no process has this id. */
const EXITED_PID = 2 ** 22 + 1;

/** Adds random delays before and after each request to a store, so that the requests of several callers interleave. */
const slow = (store: Store): Store => {
  const pause = () => new Promise((resolve) => setTimeout(resolve, 5 * Math.random()));
  const delayed = async <R>(action: () => Promise<R>) => {
    await pause();
    const answer = await action();
    await pause();
    return answer;
  };
  return {
    ...store,
    read: (name) => delayed(() => store.read(name)),
    write: (name, content) => delayed(() => store.write(name, content)),
    create: (name, content) => delayed(() => store.create!(name, content)),
    remove: (name) => delayed(() => store.remove(name)),
    list: (prefix) => delayed(() => store.list(prefix)),
  };
};

/** Creates a promise and returns it together with its resolve function. */
function createSignal() {
  let send!: () => void;
  const received = new Promise<void>((resolve) => {
    send = resolve;
  });
  return { received, send };
}

describe('lockStudy', () => {
  test('lets exactly one of several callers replace the lock of an exited process', async () => {
    for (let round = 0; round < 20; round++) {
      const store = memoryStore();
      await store.write('search.lock', bytes({ host: hostname(), pid: EXITED_PID, token: 'x' }));
      const attempts = await Promise.allSettled(Array.from({ length: 4 }, () => lockStudy(slow(store))));
      const successes = attempts.filter(({ status }) => status === 'fulfilled');
      expect(successes).toHaveLength(1);
      await (successes[0] as PromiseFulfilledResult<() => Promise<void>>).value();
      expect(await store.list()).toEqual([]);
    }
  });

  test('locks the study as soon as the lock file exists, even before the store responds', async () => {
    const store = memoryStore();
    const { received, send } = createSignal();
    const first = lockStudy({
      ...store,
      create: async (name, content) => {
        const isNew = await store.create!(name, content);
        await received;
        return isNew;
      },
    });
    expect(await store.list()).toEqual(['search.lock']);
    await expect(lockStudy(store)).rejects.toMatchObject({ kind: 'file' });
    send();
    await (await first)();
    expect(await store.list()).toEqual([]);
  });

  test('does not remove a new lock after a slow caller read the old lock of an exited process', async () => {
    const store = memoryStore();
    await store.write('search.lock', bytes({ host: hostname(), pid: EXITED_PID, token: 'x' }));
    const [oldLockFound, newLockCreated] = [createSignal(), createSignal()];
    const slowCall = lockStudy({
      ...store,
      create: async (name, content) => {
        if (name !== 'search.lock') {
          oldLockFound.send();
          await newLockCreated.received;
        }
        return store.create!(name, content);
      },
    });
    await oldLockFound.received;
    await (await lockStudy(store))(); // Another caller replaces the old lock, and then releases the new lock.
    const unlock = await lockStudy(store);
    const lock = await store.read('search.lock');
    newLockCreated.send();
    await expect(slowCall).rejects.toMatchObject({ kind: 'file' });
    expect(await store.read('search.lock')).toEqual(lock);
    await unlock();
    expect(await store.list()).toEqual([]);
  });

  test('replaces a lock that contains the id of this process but was created by another process', async () => {
    const store = memoryStore();
    await store.write('search.lock', bytes({ host: hostname(), pid: process.pid, token: 'x' }));
    const unlock = await lockStudy(store);
    await expect(lockStudy(store)).rejects.toMatchObject({ kind: 'file' });
    await unlock();
  });

  test.skipIf(!existsSync('/proc/self/stat'))(
    'replaces the lock of an earlier process whose id another process has now',
    async () => {
      const store = memoryStore();
      const holder = { host: hostname(), pid: process.ppid, thread: 0, token: 'x' };
      await store.write('search.lock', bytes({ ...holder, started: '1' }));
      await (await lockStudy(store))();
      await store.write('search.lock', bytes(holder)); // Without a start time, the process is the holder.
      await expect(lockStudy(store)).rejects.toMatchObject({
        received: `a study that process ${process.ppid} on ${hostname()} has locked`,
      });
    },
  );

  test('does not replace the lock of another thread of this process', async () => {
    const store = memoryStore();
    await store.write(
      'search.lock',
      bytes({ host: hostname(), pid: process.pid, thread: threadId + 1, token: 'x' }),
    );
    await expect(lockStudy(store)).rejects.toMatchObject({ kind: 'file' });
  });

  test('does not replace the lock of a process on another machine', async () => {
    const store = memoryStore();
    await store.write('search.lock', bytes({ host: 'elsewhere', pid: 1, token: 'x' }));
    await expect(lockStudy(store)).rejects.toMatchObject({
      received: 'a study that process 1 on elsewhere has locked',
    });
  });
});

const plain = study({
  space: space({ filters: choice([32, 64]) }),
  objectives: minimize('loss'),
  strategy: random(),
  run: async () => {},
});
const options = { library: '1', settings: {} };
const trial = (number: number, state: TrialRecord['state'] = 'complete'): TrialRecord => ({
  ...{ number, params: { filters: 32 }, state, after: [] },
  rows: [{ epoch: 1, loss: number }],
});

describe('openStudyRecords', () => {
  test('lets several callers create the records concurrently, and all callers use the same records', async () => {
    for (let round = 0; round < 20; round++) {
      const store = memoryStore();
      const all = Array.from({ length: 3 }, async (_, i) => {
        const records = await openStudyRecords(slow(store), plain, options);
        await records.saveProgress(trial(i + 1, 'running'));
      });
      await Promise.all(all);
      expect(await (await openStudyRecords(store, plain, options)).readTrials()).toHaveLength(3);
    }
  });

  test('keeps only the first result that is saved for a trial', async () => {
    const store = memoryStore();
    const records = await openStudyRecords(store, plain, options);
    expect(await records.saveResult(trial(1))).toBe(true);
    expect(await records.saveResult({ ...trial(1), state: 'failed', reason: 'later' })).toBe(false);
    await records.saveProgress({ ...trial(1), state: 'running' });
    expect((await records.readTrial(1))?.state).toBe('complete');
  });

  test('copies all files of a trial except its records, after removing the files of an interrupted copy', async () => {
    const store = memoryStore();
    const records = await openStudyRecords(store, plain, options);
    await records.saveResult(trial(1));
    await store.write('trials/0001/best/model.json', bytes(1));
    await store.write('trials/0002/checkpoint.safetensors', bytes('half'));
    await records.clearTrial(2);
    await records.copyTrial(1, 2);
    expect(await store.list('trials/0002/')).toEqual(['trials/0002/best/model.json']);
  });
});

test('getNextTrialNumber fills a gap in the trial numbers only if the strategy is independent', () => {
  const trials = [1, 3, 4].map((number) => trial(number));
  expect(getNextTrialNumber(trials, grid())).toBe(2);
  expect(getNextTrialNumber(trials, random())).toBe(2);
  expect(getNextTrialNumber(trials, tpe())).toBe(5);
  expect(getNextTrialNumber([], tpe())).toBe(1);
});

test('liveTable draws 80 columns on a terminal that does not report its size', () => {
  const wideStudy = study({
    space: space({
      [`parameter${'x'.repeat(60)}`]: choice([1, 2]),
      [`other${'x'.repeat(60)}`]: choice([1, 2]),
    }),
    objectives: minimize('loss'),
    strategy: random(),
    run: async () => {},
  });
  const draw = (size: { readonly columns?: number; readonly rows?: number }) => {
    const output: string[] = [];
    liveTable({ isTTY: true, write: (text) => output.push(text), ...size }).show([], wideStudy);
    return output.join('');
  };
  expect(draw({})).toBe(draw({ columns: 80, rows: 24 }));
  expect(draw({})).not.toBe(draw({ columns: 1000, rows: 24 }));
});
