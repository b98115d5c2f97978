import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  bestCheckpoint,
  type Callback,
  csvLogger,
  earlyStopping,
  jsonLinesLogger,
  memoryStore,
  type Store,
  tensorBoard,
  terminateOnNaN,
} from '../../src/entries/node.js';
import { folderStore, saveFigure } from '../../src/node/index.js';
import { CHECKPOINT_FILE } from '../../src/training/checkpoint.js';
import { catchError } from './catchError.js';
import { good, settings, small } from './small.js';

const top = mkdtempSync(join(tmpdir(), 'run-files-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));
let folders = 0;
const createFolder = () => join(top, String(folders++));
const readText = async (store: Store, name: string) => new TextDecoder().decode(await store.read(name));
const readEpoch = async (store: Store, folder: string) =>
  JSON.parse(await readText(store, `${folder}/model.json`)).userDefinedMetadata.checkpointEpoch;

describe('a model that the user saved next to the models of bestCheckpoint', () => {
  const train = (store: Store, folder: string, options: object = {}) =>
    small().fit(good(), {
      ...{ ...settings, epochs: 1, validation: good() },
      callbacks: [bestCheckpoint(store, { folder })],
      ...options,
    });

  test.each(['{epoch:02d}-{val_loss:.3f}', '{epoch}-x', 'x{epoch:04d}'])(
    'is kept by overwrite: true, and does not count as an earlier run of the template %s',
    async (template) => {
      const store = memoryStore();
      const names = ['face-detector', 'best-may', 'archive/2024-01', '5-0.1', 'a-x', 'x12'];
      for (const name of names) await small().save(store, name);
      const before = await store.list();
      await train(store, template);
      expect((await catchError(() => train(store, template))).received).toBe('a file of an earlier run');
      await train(store, template, { seed: 4, overwrite: true });
      const after = await store.list();
      expect(after).toEqual(expect.arrayContaining(before));
      expect(after.length).toBe(before.length + 2); // The model of the first run is gone.
    },
  );

  test('is kept by overwrite: true if its folder fits the template, and is not replaced without it', async () => {
    const store = memoryStore('models');
    for (const name of ['07', '08', '09']) await small().save(store, name);
    const model = JSON.parse(await readText(store, '08/model.json'));
    // A model of another epoch than that in the name of its folder is a copy that the user made.
    model.userDefinedMetadata.checkpointEpoch = { monitor: 'val_loss', epoch: 3, value: 1 };
    await store.write('08/model.json', new TextEncoder().encode(JSON.stringify(model)));
    const before = await store.list();
    const error = await catchError(() => train(store, '{epoch:02d}'));
    expect(error).toMatchObject({
      path: 'models/07/model.json',
      received: 'a file that no earlier run wrote',
    });
    expect(await store.list()).toEqual(before);
    await train(store, '{epoch:02d}', { overwrite: true });
    expect(await store.list()).toEqual(expect.arrayContaining([...before, '01/model.json']));
  });

  test('is kept by maxToKeep, which removes only the files of models', async () => {
    const store = memoryStore();
    const note = {
      name: 'note',
      onEpochEnd: ({ epoch }: { epoch: number }) => store.write(`e${epoch}/note.txt`, new Uint8Array(1)),
    };
    await train(store, 'e{epoch}', {
      epochs: 3,
      callbacks: [bestCheckpoint(store, { folder: 'e{epoch}', maxToKeep: 1 }), note],
    });
    const files = await store.list();
    expect(files).toEqual(expect.arrayContaining(['e1/note.txt', 'e2/note.txt', 'e3/note.txt']));
    expect(files.filter((file) => file.endsWith('model.json'))).toHaveLength(1);
  });
});

describe('a resumed run with other callbacks', () => {
  /** Replaces the loss of each epoch with its number, so that the first epoch is the best. */
  const spoil: Callback = {
    name: 'spoil',
    onEpochEnd: ({ row }) => {
      (row as unknown as { loss: number }).loss = row.epoch;
    },
  };
  const count: Callback = { name: 'count', create: () => ({ getState: () => ({ values: 1 }) }) };

  test.each([
    ['a callback in front', (best: Callback<string>[]) => [terminateOnNaN(), spoil, count, ...best]],
    ['the callbacks in another order', (best: Callback<string>[]) => [spoil, ...best.reverse()]],
    [
      'another bestCheckpoint in front',
      (best: Callback<string>[]) => [
        spoil,
        bestCheckpoint(memoryStore(), { folder: 'new', monitor: 'loss' }),
        ...best,
      ],
    ],
  ])('keeps the states of the others with %s', async (_, change) => {
    const store = memoryStore();
    const create = (): Callback<string>[] => [
      bestCheckpoint(store, { monitor: 'loss' }),
      bestCheckpoint(store, { monitor: 'loss', folder: 'b/{epoch}' }),
      earlyStopping({ monitor: 'loss', patience: 4, restoreBestWeights: true }),
    ];
    const run = (epochs: number, callbacks: readonly Callback<string>[], resume: boolean) =>
      small().fit(good(), { ...settings, epochs, checkpoint: store, resume, callbacks: callbacks as never });
    await run(3, [spoil, ...create()], false);
    const { rows } = await run(9, change(create()), true);
    expect(rows).toHaveLength(5);
    expect(await readEpoch(store, 'best')).toMatchObject({ epoch: 1, value: 1 });
    expect((await store.list('b/')).filter((file) => file.endsWith('.json'))).toEqual(['b/1/model.json']);
  });
});

describe('a second run with another spelling of the same name', () => {
  const callbacks: [string, (store: Store, name: string) => Callback<string>, string][] = [
    ['csvLogger', (store, name) => csvLogger(store, { name }), 'sub/history.csv'],
    ['jsonLinesLogger', (store, name) => jsonLinesLogger(store, { name }), 'sub/history.csv'],
    ['bestCheckpoint', (store, folder) => bestCheckpoint(store, { folder, monitor: 'loss' }), 'sub/best'],
    ['tensorBoard', (store, folder) => tensorBoard(store, { folder }), 'sub/logs'],
  ];
  const run = (callback: Callback<string>) =>
    small().fit(good(), { ...settings, epochs: 1, callbacks: [callback] as never });

  test.each(callbacks)('is rejected by %s', async (_, create, name) => {
    for (const other of [`./${name}`, name.replace('/', '//'), name.replace('/', '/./'), `${name}/`]) {
      for (const store of [memoryStore(), folderStore(createFolder())]) {
        await run(create(store, other));
        for (const again of [name, other]) {
          const error = await catchError(() => run(create(store, again)));
          expect(error).toMatchObject({ kind: 'file', received: 'a file of an earlier run' });
        }
      }
    }
    for (const invalid of ['a/../b', '../b', '/b', 'C:/b', 'a\\b', 'a\0b']) {
      const error = await catchError(() => create(memoryStore(), invalid));
      expect(error).toMatchObject({ kind: 'argument' });
      expect(error.path).toMatch(/\.(?:name|folder)$/);
    }
  });

  test('is rejected for the root of the store', async () => {
    for (const name of ['', '.', './']) {
      for (const create of [
        (store: Store) => bestCheckpoint(store, { folder: name, monitor: 'loss' }),
        (store: Store) => tensorBoard(store, { folder: name }),
      ]) {
        const store = memoryStore();
        await run(create(store));
        expect((await catchError(() => run(create(store)))).received).toBe('a file of an earlier run');
      }
    }
  });

  test('is rejected for the outputs of a callback that are not in the form of list()', async () => {
    const callback = { name: 'mine', outputs: [{ store: memoryStore(), name: './a.txt' }], onEpochEnd() {} };
    const error = await catchError(() => run(callback));
    expect(error).toMatchObject({ path: 'fit.callbacks[0].outputs.name', advice: 'Write "a.txt".' });
  });

  test('replaces the model and the figure of that name, and leaves no other files', async () => {
    const store = memoryStore();
    await small().save(store, 'x');
    const model = small();
    await model.fit(good(), { ...settings, epochs: 1 });
    for (const name of ['./x', 'x/', 'x//', './/x/.']) await model.save(store, name);
    expect(await store.list()).toHaveLength(2);
    expect((await catchError(() => model.save(store, '../x'))).path).toBe('save.folder');
    expect((await catchError(() => saveFigure(store, '../x', '<svg/>'))).path).toBe('saveFigure.name');
  });
});

test('fit keeps a file .writable of the user and leaves no file of its check or of that of a killed run', async () => {
  const store = memoryStore();
  await store.write('.writable', new Uint8Array([7]));
  await store.write('.writable-17-4', new Uint8Array()); // of a run that was killed during its check
  await small().fit(good(), { ...settings, epochs: 1, callbacks: [csvLogger(store)] });
  expect(await store.list()).toEqual(['.writable', 'history.csv']);
  expect([...(await store.read('.writable'))!]).toEqual([7]);
});

test('fit rejects two outputs of one run with the same name, also in two stores of one folder, and states that it is the same run', async () => {
  const folder = createFolder();
  const store = folderStore(folder);
  for (const [options, received] of [
    [
      { checkpoint: store, callbacks: [csvLogger(store, { name: CHECKPOINT_FILE })] },
      `a callback that writes ${CHECKPOINT_FILE}, the checkpoint of the same run, in ${folder}`,
    ],
    [
      { checkpoint: store, callbacks: [csvLogger(folderStore(`${folder}/`), { name: CHECKPOINT_FILE })] },
      `a callback that writes ${CHECKPOINT_FILE}, the checkpoint of the same run, in ${folder}/`,
    ],
    [
      { callbacks: [csvLogger(store), csvLogger(folderStore(join(folder, '.')))] },
      `a second callback that writes history.csv in ${folder}`,
    ],
    [
      {
        callbacks: [
          bestCheckpoint(store, { monitor: 'loss' }),
          csvLogger(store, { name: 'best/model.json' }),
        ],
      },
      `a second callback that writes best/model.json in ${folder}`,
    ],
  ] as const) {
    const error = await catchError(() => small().fit(good(), { ...settings, ...(options as object) }));
    expect(error).toMatchObject({ kind: 'argument', received });
  }
  expect(await store.list()).toEqual([]); // No lock is left.
});
