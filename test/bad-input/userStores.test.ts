import { describe, expect, test } from 'vitest';
import { readCheckpointEpoch } from '../../src/core/records/checkpointEpoch.js';
import {
  bestCheckpoint,
  branch,
  conv,
  csvLogger,
  dense,
  flatten,
  loadModel,
  memoryStore,
  multiTask,
  regression,
  type Store,
  sharedTrunk,
  tensorBoard,
} from '../../src/entries/node.js';
import { subfolderStore } from '../../src/tuner/trialStore.js';
import { catchError } from './catchError.js';
import { good, settings, small } from './small.js';

const image = { data: new Uint8Array(8 * 8 * 3).fill(100), height: 8, width: 8, channels: 3 };
const answer = async (store: Store, folder: string) =>
  JSON.stringify(await (await loadModel(store, { folder })).predict(image));
const withoutSeconds = (rows: readonly { readonly [column: string]: number }[]) =>
  rows.map(({ seconds: _, ...row }) => row);

/** Contents that a store may return for the bytes of a file. Each is filled with other data around the bytes where it can be. */
const contents: { readonly [name: string]: (bytes: Uint8Array) => unknown } = {
  'a Buffer': (bytes) => Buffer.from(bytes),
  'a Buffer in the middle of a larger pool': (bytes) => {
    const pool = Buffer.alloc(bytes.length + 99, 77);
    pool.set(bytes, 33);
    return pool.subarray(33, 33 + bytes.length);
  },
  'an unaligned view': (bytes) => {
    const larger = new Uint8Array(bytes.length + 9).fill(77);
    larger.set(bytes, 3);
    return larger.subarray(3, 3 + bytes.length);
  },
  'a DataView': (bytes) => {
    const larger = new Uint8Array(bytes.length + 9).fill(77);
    larger.set(bytes, 5);
    return new DataView(larger.buffer, 5, bytes.length);
  },
  'an ArrayBuffer': (bytes) => Uint8Array.from(bytes).buffer,
  'shared memory': (bytes) => {
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 5), 5);
    shared.set(bytes);
    return shared;
  },
};

/** Creates a store as a user writes one around a database: a missing file is null, and names are not sorted. */
function userStore(toContent: (bytes: Uint8Array) => unknown): Store {
  const files = new Map<string, Uint8Array>();
  return {
    label: 'mine',
    read: async (name) => (files.has(name) ? toContent(files.get(name)!) : null) as Uint8Array | undefined,
    write: async (name, bytes) => void files.set(name, Uint8Array.from(bytes)),
    append: async (name, bytes) =>
      void files.set(name, Uint8Array.from([...(files.get(name) ?? []), ...bytes])),
    remove: async (name) => void files.delete(name),
    list: async (prefix = '') => [...files.keys()].filter((name) => name.startsWith(prefix)).reverse(),
  };
}

describe.each(Object.keys(contents))('a store whose read method returns %s', (name) => {
  test('works with loadModel and with a resumed run, whose history equals that of an uninterrupted run', async () => {
    const options = (store: Store) => ({
      ...settings,
      validation: good(),
      checkpoint: store,
      callbacks: [bestCheckpoint(store), csvLogger(store), tensorBoard(store)],
    });
    const reference = memoryStore();
    const { rows } = await small().fit(good(), { ...options(reference), epochs: 3 });

    const store = userStore(contents[name]!);
    await small().fit(good(), { ...options(store), epochs: 2 });
    const resumed = await small().fit(good(), { ...options(store), epochs: 3, resume: true });
    expect(withoutSeconds(resumed.rows)).toEqual(withoutSeconds(rows));
    const expected = await answer(reference, 'best');
    for (let i = 0; i < 3; i++) expect(await answer(store, 'best')).toBe(expected);
    expect(await readCheckpointEpoch(store, 'best', resumed.rows)).toMatchObject({ monitor: 'val_loss' });
    expect(await answer(subfolderStore(store, 'best'), '')).toBe(expected);
    const events = await store.list('train/');
    expect((await store.read(events[0]!))!.byteLength).toBe(
      (await reference.read((await reference.list('train/'))[0]!))!.length,
    );
  });

  test('works as a feature cache, and a second run with the cache has the same history', async () => {
    const build = () => {
      const model = multiTask({ input: [8, 8, 3], seed: 1 })
        .trunk(sharedTrunk([conv(2, 3)]))
        .task('age', regression({ unit: 'years' }), branch([flatten(), dense(3)]))
        .build();
      model.freeze('trunk_*');
      return model;
    };
    const store = userStore(contents[name]!);
    const lines: string[] = [];
    const train = () =>
      build().fit(good(), {
        epochs: 1,
        engine: 'wasm',
        featureCache: store,
        log: (line) => lines.push(line),
      });
    const first = await train();
    const files = await store.list();
    expect(withoutSeconds((await train()).rows)).toEqual(withoutSeconds(first.rows));
    expect(await store.list()).toEqual(files); // The second run found all features.
    expect(lines.filter((line) => line.includes('changed since'))).toEqual([]);
  });
});

test('memoryStore copies the bytes of a Buffer in write, append and create, and returns a copy from read', async () => {
  const store = memoryStore();
  const buffer = Buffer.from('abc');
  await store.write('written', buffer);
  await store.append('appended', buffer);
  await store.create!('created', buffer);
  buffer.fill(0);
  for (const name of ['written', 'appended', 'created']) {
    const bytes = (await store.read(name))!;
    expect([...bytes]).toEqual([97, 98, 99]);
    bytes.fill(0);
    expect([...(await store.read(name))!]).toEqual([97, 98, 99]);
  }
});

test('loadModel and fit reject a store whose read method returns a string, and the error names the file', async () => {
  const store = userStore((bytes) => new TextDecoder().decode(bytes));
  await small().save(store);
  const error = await catchError(() => loadModel(store));
  expect(error).toMatchObject({ kind: 'argument', path: "mine: read('model.json')" });
  expect(error.received).toContain('the string');
  expect(error.advice).toContain('read() function of the store');
});
