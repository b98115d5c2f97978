import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import { memoryStore, type Store } from '../../src/entries/node.js';
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
/** Beyond the largest number of a process that Linux gives. */
const GONE = 2 ** 22 + 1;

/** A store each of whose steps takes a while, and its answer too, so that two who use it meet in the middle. */
const slow = (store: Store): Store => {
  const pause = () => new Promise((resolve) => setTimeout(resolve, 5 * Math.random()));
  const late = async <R>(action: () => Promise<R>) => {
    await pause();
    const answer = await action();
    await pause();
    return answer;
  };
  return {
    ...store,
    read: (name) => late(() => store.read(name)),
    write: (name, own) => late(() => store.write(name, own)),
    create: (name, own) => late(() => store.create!(name, own)),
    remove: (name) => late(() => store.remove(name)),
    list: (prefix) => late(() => store.list(prefix)),
  };
};

/** What one waits for until another tells it. */
function signal() {
  let tell!: () => void;
  const told = new Promise<void>((resolve) => {
    tell = resolve;
  });
  return { told, tell };
}

describe('the lock of a study', () => {
  test('left by a process that is gone is taken over by one alone, however many come', async () => {
    for (let round = 0; round < 20; round++) {
      const store = memoryStore();
      await store.write('search.lock', bytes({ host: hostname(), pid: GONE, token: 'x' }));
      const tries = await Promise.allSettled(Array.from({ length: 4 }, () => lockStudy(slow(store))));
      const won = tries.filter(({ status }) => status === 'fulfilled');
      expect(won).toHaveLength(1);
      await (won[0] as PromiseFulfilledResult<() => Promise<void>>).value();
      expect(await store.list()).toEqual([]);
    }
  });

  test('is held from when it stands there, though the answer comes late', async () => {
    const store = memoryStore();
    const { told, tell } = signal();
    const first = lockStudy({
      ...store,
      create: async (name, own) => {
        const made = await store.create!(name, own);
        await told;
        return made;
      },
    });
    expect(await store.list()).toEqual(['search.lock']);
    await expect(lockStudy(store)).rejects.toMatchObject({ kind: 'file' });
    tell();
    await (await first)();
    expect(await store.list()).toEqual([]);
  });

  test('is left to its holder by one who saw that of a process that is gone, and comes late', async () => {
    const store = memoryStore();
    await store.write('search.lock', bytes({ host: hostname(), pid: GONE, token: 'x' }));
    const [saw, go] = [signal(), signal()];
    const late = lockStudy({
      ...store,
      create: async (name, own) => {
        if (name !== 'search.lock') {
          saw.tell();
          await go.told;
        }
        return store.create!(name, own);
      },
    });
    await saw.told;
    await (await lockStudy(store))(); // another takes it over, and gives it back
    const unlock = await lockStudy(store);
    const lock = await store.read('search.lock');
    go.tell();
    await expect(late).rejects.toMatchObject({ kind: 'file' });
    expect(await store.read('search.lock')).toEqual(lock);
    await unlock();
    expect(await store.list()).toEqual([]);
  });

  test('that bears the number of this very process, but is not its own, was left by one before it', async () => {
    const store = memoryStore();
    await store.write('search.lock', bytes({ host: hostname(), pid: process.pid, token: 'x' }));
    const unlock = await lockStudy(store);
    await expect(lockStudy(store)).rejects.toMatchObject({ kind: 'file' });
    await unlock();
  });

  test('of another machine is left alone', async () => {
    const store = memoryStore();
    await store.write('search.lock', bytes({ host: 'elsewhere', pid: 1, token: 'x' }));
    await expect(lockStudy(store)).rejects.toMatchObject({ received: 'a lock of process 1 on elsewhere' });
  });
});

const plain = study({
  space: space({ filters: choice([32, 64]) }),
  objectives: minimize('loss'),
  strategy: random(),
  run: async () => {},
});
const begun = { library: '1', settings: {} };
const trial = (number: number, state: TrialRecord['state'] = 'complete'): TrialRecord => ({
  ...{ number, params: { filters: 32 }, state, after: [] },
  rows: [{ epoch: 1, loss: number }],
});

describe('the records of a study', () => {
  test('may be begun by several at the same time, who all go on with the same', async () => {
    for (let round = 0; round < 20; round++) {
      const store = memoryStore();
      const all = Array.from({ length: 3 }, async (_, i) => {
        const records = await openStudyRecords(slow(store), plain, begun);
        await records.saveProgress(trial(i + 1, 'running'));
      });
      await Promise.all(all);
      expect(await (await openStudyRecords(store, plain, begun)).readTrials()).toHaveLength(3);
    }
  });

  test('keep the first end of a trial, whoever comes second', async () => {
    const store = memoryStore();
    const records = await openStudyRecords(store, plain, begun);
    expect(await records.saveResult(trial(1))).toBe(true);
    expect(await records.saveResult({ ...trial(1), state: 'failed', reason: 'later' })).toBe(false);
    await records.saveProgress({ ...trial(1), state: 'running' });
    expect((await records.readTrial(1))?.state).toBe('complete');
  });

  test('clear what a copy that was killed left, and copy all but the record', async () => {
    const store = memoryStore();
    const records = await openStudyRecords(store, plain, begun);
    await records.saveResult(trial(1));
    await store.write('trials/0001/best/model.json', bytes(1));
    await store.write('trials/0002/checkpoint.safetensors', bytes('half'));
    await records.clearTrial(2);
    await records.copyTrial(1, 2);
    expect(await store.list('trials/0002/')).toEqual(['trials/0002/best/model.json']);
  });
});

test('a missing number is the next where a trial follows from it alone, and never otherwise', () => {
  const trials = [1, 3, 4].map((number) => trial(number));
  expect(getNextTrialNumber(trials, grid())).toBe(2);
  expect(getNextTrialNumber(trials, random())).toBe(2);
  expect(getNextTrialNumber(trials, tpe())).toBe(5);
  expect(getNextTrialNumber([], tpe())).toBe(1);
});
