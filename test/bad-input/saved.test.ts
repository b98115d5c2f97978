import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  adam,
  bestCheckpoint,
  binary,
  branch,
  csvLogger,
  dense,
  earlyStopping,
  flatten,
  imagesInMemory,
  jsonLinesLogger,
  loadModel,
  memoryStore,
  multiTask,
  randomFlip,
  randomRotation,
  reduceLROnPlateau,
  regression,
  sgd,
  tensorBoard,
  weightedLoss,
} from '../../src/entries/node.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.js';
import { folderStore } from '../../src/node/index.js';
import { CHECKPOINT_FILE } from '../../src/training/checkpoint.js';
import { catchError } from './catchError.js';
import { faces, GENDERS, good, settings, small } from './small.js';

type Store = ReturnType<typeof memoryStore>;

const top = mkdtempSync(join(tmpdir(), 'bad-saved-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

const image = { data: new Uint8Array(8 * 8 * 3).fill(100), height: 8, width: 8, channels: 3 };
const validation = good().augment([randomFlip('horizontal')]);
/** Returns the options of a run that writes all its files to `store`. */
const into = (store: Store) => ({
  ...settings,
  validation,
  checkpoint: store,
  callbacks: [bestCheckpoint(store, { monitor: 'val_age_loss' }), csvLogger(store)],
});
const withoutSeconds = (rows: readonly { readonly [column: string]: number }[]) =>
  rows.map(({ seconds: _, ...row }) => row);

/** Returns the files of a store as base64 text, by name. */
async function contents(store: Store): Promise<Record<string, string>> {
  const names = await store.list();
  const texts = await Promise.all(
    names.map(async (name) => Buffer.from((await store.read(name))!).toString('base64')),
  );
  return Object.fromEntries(names.map((name, i) => [name, texts[i]!]));
}

/** Returns a copy of a store, in memory. */
async function copyOf(store: Store): Promise<Store> {
  const copy = memoryStore('copy');
  for (const name of await store.list()) await copy.write(name, (await store.read(name))!);
  return copy;
}

/** Files of a run of two epochs. */
const saved = memoryStore('saved');
let checkpoint: Uint8Array;
/** A file where a folder is expected. */
const blocked = join(top, 'blocked');
beforeAll(async () => {
  writeFileSync(blocked, 'a file where a folder is expected');
  await small().fit(good(), into(saved));
  checkpoint = (await saved.read(CHECKPOINT_FILE))!;
});

describe('a store that is not writable', () => {
  /** Starts a run with these options, checks that no step ran, and returns the error. */
  async function fitFault(options: object, path: string) {
    let steps = 0;
    const count = {
      name: 'count',
      onBatchEnd: () => {
        steps++;
      },
    };
    const { callbacks = [], ...rest } = options as { callbacks?: object[] };
    const error = await catchError(() =>
      small().fit(good(), { ...settings, validation, ...rest, callbacks: [...callbacks, count] } as never),
    );
    expect(error.kind).toBe('file');
    expect(error.path).toContain(path);
    expect(error.received).toMatch(/ \((EEXIST|ENOTDIR)\)$/);
    expect(error.advice).toContain('remove the file or folder that is in the way');
    expect(steps).toBe(0);
    return error;
  }

  test.each(['', 'inner/folder'])(
    'makes fit fail before its first step if the checkpoint or a callback writes to the store: folder "%s"',
    async (below) => {
      const store = folderStore(join(blocked, below));
      await fitFault({ checkpoint: store }, CHECKPOINT_FILE);
      await fitFault({ callbacks: [bestCheckpoint(store)] }, blocked);
      await fitFault({ callbacks: [csvLogger(store)] }, blocked);
      await fitFault({ callbacks: [jsonLinesLogger(store)] }, 'history.jsonl');
      expect(readFileSync(blocked, 'utf8')).toBe('a file where a folder is expected');
    },
  );

  test('makes model.save, loadModel, store.list and store.remove fail with a file error', async () => {
    const store = folderStore(blocked);
    const written = await catchError(() => small().save(store, 'model'));
    expect(written).toMatchObject({
      kind: 'file',
      received: expect.stringMatching(/ \((EEXIST|ENOTDIR)\)$/),
    });
    const read = await catchError(() => loadModel(store));
    expect(read).toMatchObject({
      kind: 'file',
      path: join(blocked, 'model.json'),
      received: 'a file in place of a folder (ENOTDIR)',
    });
    const listed = await catchError(() => store.list());
    expect(listed).toMatchObject({
      kind: 'file',
      path: blocked,
      received: 'a file in place of a folder (ENOTDIR)',
    });
    const removed = await catchError(() => store.remove('model.json'));
    expect(removed).toMatchObject({
      kind: 'file',
      path: join(blocked, 'model.json'),
      received: 'a file in place of a folder (ENOTDIR)',
    });
  });

  test('keeps its other files and contains no partial file after a failed write', async () => {
    const store = folderStore(join(top, 'one'));
    mkdirSync(join(top, 'one', CHECKPOINT_FILE, 'inside'), { recursive: true });
    await store.write('best/model.json', new Uint8Array([1]));
    const error = await catchError(() => store.write(CHECKPOINT_FILE, new Uint8Array([2])));
    expect(error).toMatchObject({ kind: 'file', path: join(top, 'one', CHECKPOINT_FILE) });
    expect(error.received).toMatch(/ \((EISDIR|ENOTEMPTY|EEXIST)\)$/);
    expect(await store.list()).toEqual(['best/model.json']);
    expect(readdirSync(join(top, 'one')).sort()).toEqual(['best', CHECKPOINT_FILE]);
  });
});

describe('an unusable checkpoint', () => {
  test('is detected by readSafetensors, whichever byte is flipped and wherever the file is truncated', async () => {
    const undetected: string[] = [];
    const check = async (what: string, bytes: Uint8Array) => {
      const outcome = await readSafetensors(bytes, 'here').then(
        () => 'was read',
        (error: { readonly kind?: string; readonly path?: string }) => `${error.kind} ${error.path}`,
      );
      if (outcome !== 'checkpoint here') undetected.push(`${what}: ${outcome}`);
    };
    expect(await readSafetensors(checkpoint, 'here')).toHaveProperty('arrays');
    for (let i = 0; i < checkpoint.length; i++) {
      const flipped = checkpoint.slice();
      flipped[i]! ^= 1 << (i % 8);
      await check(`byte ${i} flipped`, flipped);
    }
    for (let length = 0; length < checkpoint.length; length += 7) {
      await check(`cut to ${length}`, checkpoint.slice(0, length));
    }
    await check('one byte more', Uint8Array.from([...checkpoint, 0]));
    expect(undetected).toEqual([]);
  });

  test.each([
    ['truncated to half', (bytes: Uint8Array) => bytes.slice(0, bytes.length / 2), 'do not match the hash'],
    [
      'truncated in its header',
      (bytes: Uint8Array) => bytes.slice(0, 100),
      'a truncated file, or a file in a different format',
    ],
    ['empty', () => new Uint8Array(), '0 bytes'],
    [
      'a text file',
      () => new TextEncoder().encode('<html>not here</html>'),
      'a truncated file, or a file in a different format',
    ],
    ['changed in one byte of its weights', (bytes: Uint8Array) => flip(bytes, bytes.length - 10), 'hash'],
    [
      'changed in one byte of its state',
      (bytes: Uint8Array) => flip(bytes, placeOf(bytes, 'iterations') + 13),
      'hash',
    ],
  ] as const)(
    'that is %s makes a resumed run throw an error with advice, and is not modified',
    async (_, change, received) => {
      const store = await copyOf(saved);
      await store.write(CHECKPOINT_FILE, change(checkpoint));
      const before = await contents(store);
      const error = await catchError(() => small().fit(good(), { ...into(store), epochs: 4, resume: true }));
      expect(error).toMatchObject({ kind: 'checkpoint', path: `copy/${CHECKPOINT_FILE}` });
      expect(error.expected).toBe('a complete safetensors file');
      expect(error.received).toContain(received);
      expect(error.advice).toBe('Delete the file to start over, or restore the file from a backup.');
      expect(await contents(store)).toEqual(before);
      expect((await loadModel(store, { folder: 'best' })).tasks).toHaveProperty('age');
    },
  );

  /** Nested arrays that are too deep for a function that calls itself for each level. */
  const DEEP = `${'['.repeat(5000)}${']'.repeat(5000)}`;
  const changeJson = (name: string, change: (value: any) => void) => (metadata: Record<string, string>) => {
    const value = JSON.parse(metadata[name]!);
    change(value);
    metadata[name] = JSON.stringify(value);
  };
  const state = (change: (value: any) => void) => changeJson('state', change);
  const callbacks = (change: (value: any) => void) => changeJson('callbacks', change);
  /** Returns the key of a callback's state, which begins with the name of the callback. */
  const findKey = (states: object, name: string) =>
    Object.keys(states).find((key) => key.startsWith(name)) ?? expect.fail(`no state of ${name}`);

  test.each<[string, (metadata: Record<string, string>) => void]>([
    ['a state that is not JSON', (metadata) => (metadata.state = 'x')],
    ['a state that is null', (metadata) => (metadata.state = 'null')],
    ['a state of nested arrays', (metadata) => (metadata.state = `{"rows": ${DEEP}}`)],
    ['a contract that is null', (metadata) => (metadata.contract = 'null')],
    ['callbacks that are null', (metadata) => (metadata.callbacks = 'null')],
    ['rows that are no array', state((value) => (value.rows = 3))],
    ['a row that is null', state((value) => (value.rows[0] = null))],
    ['a row too few', state((value) => value.rows.pop())],
    ['a text as iterations', state((value) => (value.iterations = 'constructor'))],
    ['a negative epoch', state((value) => (value.epoch = -1))],
    [
      'a text as the state of bestCheckpoint',
      callbacks((value) => (value[findKey(value, 'bestCheckpoint')] = 'x')),
    ],
    [
      'null as a model of bestCheckpoint',
      callbacks((value) => (value[findKey(value, 'bestCheckpoint')] = [null])),
    ],
    ['null as the state of tensorBoard', callbacks((value) => (value[findKey(value, 'tensorBoard')] = null))],
    [
      'the name of another file as an event file',
      callbacks((value) => (value[findKey(value, 'tensorBoard')].files.train.name = 'best/model.json')),
    ],
    [
      'null as the state of earlyStopping',
      callbacks((value) => (value[findKey(value, 'earlyStopping')] = null)),
    ],
    [
      'a text as the state of reduceLROnPlateau',
      callbacks((value) => (value[findKey(value, 'reduceLROnPlateau')] = 'x')),
    ],
  ])('with a valid hash but %s is rejected by fit with a checkpoint error', async (_, change) => {
    const store = memoryStore('other program');
    const monitor = 'val_age_loss';
    const options = (epochs: number) => ({
      ...into(store),
      epochs,
      callbacks: [
        bestCheckpoint(store, { monitor }),
        tensorBoard(store),
        earlyStopping({ monitor }),
        reduceLROnPlateau({ monitor }),
      ],
    });
    await small().fit(good(), options(1));
    const { arrays, metadata } = await readSafetensors((await store.read(CHECKPOINT_FILE))!, 'here');
    const { sha256: __, ...changed } = metadata;
    change(changed);
    await store.write(CHECKPOINT_FILE, await writeSafetensors({ arrays, metadata: changed }));
    const before = await contents(store);
    const error = await catchError(() => small().fit(good(), { ...options(2), resume: true }));
    expect(error.kind).toBe('checkpoint');
    expect(error.advice).toMatch(/to start over, or restore the file from a backup/);
    expect(await store.read('best/model.json')).toBeDefined();
    expect(Object.keys(await contents(store))).toEqual(Object.keys(before));
  });

  test('with a newer format number is rejected, and the error suggests using a different version of the library', async () => {
    const store = memoryStore('newer');
    const metadata = { format: 'tfjs-multitask checkpoint 99' };
    await store.write(CHECKPOINT_FILE, await writeSafetensors({ arrays: {}, metadata }));
    const error = await catchError(() => small().fit(good(), { ...into(store), resume: true }));
    expect(error).toMatchObject({
      kind: 'checkpoint',
      received: 'a file in the format "tfjs-multitask checkpoint 99"',
    });
    expect(error.advice).toContain('version');
  });
});

describe('a checkpoint from a run with a different configuration', () => {
  const other = () =>
    multiTask({ input: [8, 8, 3], seed: 0 })
      .task('age', regression({ unit: 'years' }), branch([flatten(), dense(3)]))
      .task('gender', binary(GENDERS), branch([flatten(), dense(3)]))
      .build();
  const swapped = () =>
    multiTask({ input: [8, 8, 3], range: [-1, 1] })
      .task('age', regression({ unit: 'years' }), branch([flatten(), dense(3)]))
      .task('gender', binary(['female', 'male']), branch([flatten(), dense(3)]))
      .build();
  const relabelled = good().withSampleWeights(({ age }) => (age === 0 ? 2 : 1));
  const turned = good().augment([randomRotation({ degrees: 20 })]);

  test.each([
    ['batch size', {}, { batchSize: 5 }],
    ['seed', {}, { seed: 1 }],
    ['seed', {}, { shuffle: false }],
    ['loss', {}, { loss: weightedLoss({ age: 1, gender: 51 }) }],
    ['loss', {}, { lossAverage: 'batches' }],
    ['optimizer', {}, { optimizer: adam({ learningRate: 0.01 }) }],
    ['optimizer', {}, { optimizer: sgd() }],
    ['training data', { train: good().take(11) }, {}],
    ['training data', { train: relabelled }, {}],
    ['validation data', {}, { validation: validation.take(11) }],
    ['augmentation', { train: turned }, {}],
    ['augmentation', {}, { validation: good() }],
    ['model', { model: other }, {}],
    ['model, tasks, pixel range', { model: swapped }, {}],
  ] as const)(
    'is rejected by fit with an error that names the differences: %s (%#)',
    async (differing, given, options) => {
      const { model = small, train = good() } = given as {
        model?: typeof small;
        train?: ReturnType<typeof good>;
      };
      const store = await copyOf(saved);
      const before = await contents(store);
      const error = await catchError(() =>
        model().fit(train, { ...into(store), epochs: 3, resume: true, ...(options as object) }),
      );
      expect(error).toMatchObject({ kind: 'checkpoint', path: `copy/${CHECKPOINT_FILE}` });
      expect(error.received).toBe(`a checkpoint of a run that differs in ${differing}`);
      expect(error.advice).toContain('options of that run');
      expect(await contents(store)).toEqual(before);
    },
  );

  test('is accepted by fit if the only difference is the number of epochs, the callbacks or the store', async () => {
    const store = await copyOf(saved);
    const { rows } = await small().fit(good(), { ...into(store), epochs: 3, resume: true, callbacks: [] });
    expect(rows.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
  });
});

describe('a checkpoint of a run on other pixels', () => {
  /** Returns the faces of `good()`, with the pixels of the last image inverted. */
  const changed = async () => {
    const data = good();
    const images = await Promise.all(data.ids.map((_, i) => data.read(i)));
    const last = images.at(-1)!;
    images[images.length - 1] = { ...last, data: last.data.map((value) => 255 - value) };
    return imagesInMemory(images.map((face, i) => ({ id: data.id(i), image: face, labels: data.labels(i) })));
  };

  test.each(['training', 'validation'] as const)(
    'is rejected by fit, and the error names the %s pixels',
    async (split) => {
      const store = await copyOf(saved);
      const before = await contents(store);
      const other = (await changed()).augment([randomFlip('horizontal')]);
      const [train, options] =
        split === 'training' ? [other.withoutAugmentation(), {}] : [good(), { validation: other }];
      const error = await catchError(() =>
        small().fit(train, { ...into(store), epochs: 3, resume: true, ...options }),
      );
      expect(error).toMatchObject({
        kind: 'checkpoint',
        received: `a checkpoint of a run that differs in ${split} pixels`,
      });
      expect(await contents(store)).toEqual(before);
    },
  );

  test('is rejected if the program changed the pixels of the same dataset', async () => {
    const data = good();
    const store = memoryStore();
    await small().fit(data, { ...settings, epochs: 1, checkpoint: store });
    (await data.read(0)).data.fill(7);
    const error = await catchError(() => small().fit(data, { ...settings, checkpoint: store, resume: true }));
    expect(error.received).toBe('a checkpoint of a run that differs in training pixels');
  });
});

describe('a run without a checkpoint to resume', () => {
  test('is rejected with resume: true, and starts with resume: "auto"', async () => {
    const store = memoryStore('empty');
    const error = await catchError(() => small().fit(good(), { ...into(store), resume: true }));
    expect(error).toMatchObject({
      kind: 'checkpoint',
      path: `empty/${CHECKPOINT_FILE}`,
      received: 'no such file',
    });
    expect(error.advice).toContain("resume: 'auto'");
    expect(await store.list()).toEqual([]);
    const { rows } = await small().fit(good(), { ...into(store), resume: 'auto' });
    expect(rows).toHaveLength(2);
    const resumed = await small().fit(good(), { ...into(store), epochs: 3, resume: 'auto' });
    expect(resumed.rows.slice(0, 2)).toEqual(rows);
  });

  test.each([true, 'auto'] as const)(
    'is rejected with resume: %s and no checkpoint store',
    async (resume) => {
      const error = await catchError(() => small().fit(good(), { ...settings, resume }));
      expect(error).toMatchObject({ kind: 'argument', path: 'fit.checkpoint', received: 'no store' });
    },
  );

  test('is rejected with resume: true and overwrite: true, and for other values of these options', async () => {
    const fitWith = (options: object) =>
      catchError(() => small().fit(good(), { ...into(memoryStore()), ...options }));
    expect(await fitWith({ resume: true, overwrite: true })).toMatchObject({ path: 'fit.overwrite' });
    expect(await fitWith({ resume: 'yes' })).toMatchObject({
      path: 'fit.resume',
      expected: 'true, false or "auto"',
    });
    expect(await fitWith({ overwrite: 1 })).toMatchObject({ path: 'fit.overwrite' });
  });
});

describe('a new run in the store of an earlier run', () => {
  const outputs: [string, (store: Store) => object, string, string][] = [
    [
      'the checkpoint',
      (checkpoint) => ({ checkpoint }),
      CHECKPOINT_FILE,
      'resume: true to continue that run, ',
    ],
    ['bestCheckpoint', (store) => ({ callbacks: [bestCheckpoint(store)] }), 'best/model.json', ''],
    [
      'bestCheckpoint with a template',
      (store) => ({ callbacks: [bestCheckpoint(store, { folder: 'all/{epoch:02d}+{val_loss:.3f}' })] }),
      'all/01+',
      '',
    ],
    ['csvLogger', (store) => ({ callbacks: [csvLogger(store)] }), 'history.csv', ''],
    [
      'jsonLinesLogger',
      (store) => ({ callbacks: [jsonLinesLogger(store, { name: 'a/b.jsonl' })] }),
      'a/b.jsonl',
      '',
    ],
    ['tensorBoard', (store) => ({ callbacks: [tensorBoard(store)] }), 'train/events.out.tfevents.', ''],
  ];

  test.each(outputs)(
    'is rejected by fit, which changes no file of %s',
    async (_, createOptions, file, advice) => {
      const store = memoryStore('used');
      const options = { ...settings, validation, ...createOptions(store) };
      await small().fit(good(), options);
      const before = await contents(store);
      let steps = 0;
      const count = { name: 'count', onBatchEnd: () => void steps++ };
      const { callbacks = [] } = options as { callbacks?: object[] };
      const error = await catchError(() =>
        small().fit(good(), { ...options, callbacks: [...callbacks, count] } as never),
      );
      expect(error).toMatchObject({ kind: 'file', received: 'a file of an earlier run' });
      expect(error.path).toContain(`used/${file}`);
      expect(error.advice).toBe(
        `Pass ${advice}overwrite: true to fit() to replace its files, or choose another folder.`,
      );
      expect(steps).toBe(0);
      expect(await contents(store)).toEqual(before);
    },
  );

  test('replaces all files of that run with overwrite: true, and no others', async () => {
    const store = memoryStore();
    const create = (epochs: number) => ({
      ...into(store),
      epochs,
      callbacks: [
        bestCheckpoint(store, { folder: '{epoch}-{val_loss:.9f}' }),
        csvLogger(store),
        jsonLinesLogger(store),
        tensorBoard(store, { folder: 'logs' }),
      ],
    });
    await small().fit(good(), create(4));
    const earlier = Object.keys(await contents(store));
    await store.write('notes.txt', new Uint8Array([1]));
    await store.write('history.csv.bak', new Uint8Array([1]));
    await small().fit(good(), { ...create(1), seed: 9, overwrite: true });
    const files = await store.list();
    expect(files).toEqual(expect.arrayContaining(['notes.txt', 'history.csv.bak', 'history.csv']));
    expect(files.filter((file) => file.endsWith('/model.json'))).toHaveLength(1);
    expect(earlier.filter((file) => file.endsWith('/model.json')).length).toBeGreaterThan(1);
    expect(files.filter((file) => file.startsWith('logs/'))).toHaveLength(2);
    const lines = new TextDecoder()
      .decode((await store.read('history.jsonl'))!)
      .trim()
      .split('\n');
    expect(lines).toHaveLength(1);
  });

  test('is also rejected with resume: "auto" if there is no checkpoint', async () => {
    const store = await copyOf(saved);
    await store.remove(CHECKPOINT_FILE);
    const error = await catchError(() => small().fit(good(), { ...into(store), resume: 'auto' }));
    expect(error).toMatchObject({ kind: 'file', received: 'a file of an earlier run' });
  });

  test('does not lose the files of that run if one of its stores cannot be written', async () => {
    const store = await copyOf(saved);
    const before = await contents(store);
    const options = into(store);
    const full: Store = {
      ...memoryStore(),
      write: () => Promise.reject(new Error('ENOSPC: no space left on device')),
    };
    const run = small().fit(good(), {
      ...options,
      overwrite: true,
      callbacks: [...options.callbacks, jsonLinesLogger(full)],
    });
    await expect(run).rejects.toThrow('ENOSPC');
    expect(await contents(store)).toEqual(before);
  });

  test('is rejected while the earlier run is in progress, also with overwrite: true and resume: "auto"', async () => {
    const store = memoryStore('busy');
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const options = into(store);
    const pause = {
      name: 'pause',
      onTrainBegin: () => {
        begin();
        return released;
      },
    };
    const first = small().fit(good(), { ...options, callbacks: [...options.callbacks, pause] });
    await begun;
    for (const other of [{}, { overwrite: true }, { resume: 'auto' as const }]) {
      const error = await catchError(() => small().fit(good(), { ...options, ...other }));
      expect(error).toMatchObject({
        kind: 'file',
        path: `busy/${CHECKPOINT_FILE}`,
        expected: 'files that no other run is writing',
        received: 'files that another run in this process has locked',
      });
    }
    release();
    await first;
    expect((await small().fit(good(), { ...options, epochs: 3, resume: true })).rows).toHaveLength(3);
    const failing = { name: 'fail', onEpochEnd: () => Promise.reject(new Error('mine')) };
    const failed = small().fit(good(), { ...options, overwrite: true, callbacks: [failing] });
    await expect(failed).rejects.toThrow('mine');
    await small().fit(good(), { ...options, overwrite: true });
  });
});

test('fit rejects two callbacks that write the same files', async () => {
  const store = memoryStore('shared');
  const callbacks = [bestCheckpoint(store), bestCheckpoint(store, { monitor: 'val_age_loss' })];
  const error = await catchError(() => small().fit(good(), { ...settings, validation, callbacks }));
  expect(error).toMatchObject({
    kind: 'argument',
    path: 'fit.callbacks[1]',
    received: 'a second callback that writes best in shared',
  });
});

describe('loadModel with a damaged model', () => {
  test('rejects weights that were changed, truncated or deleted', async () => {
    const name = (await saved.list('best/')).find((file) => file.endsWith('.bin'))!;
    const bytes = (await saved.read(name))!;
    for (const damaged of [flip(bytes, 5), bytes.slice(0, -4), undefined]) {
      const store = await copyOf(saved);
      if (damaged) await store.write(name, damaged);
      else await store.remove(name);
      const error = await catchError(() => loadModel(store, { folder: 'best' }));
      expect(error).toMatchObject({ kind: 'file', path: `copy/${name}` });
      expect(error.received).toBe(
        damaged ? 'a file whose contents do not match the hash in its name' : 'no such file',
      );
    }
  });

  test('either loads a model with a changed byte in a JSON file or rejects the model with a file error, and leaks no tensors', async () => {
    for (const name of ['best/model.json']) {
      const bytes = (await saved.read(name))!;
      const store = await copyOf(saved);
      let refused = 0;
      for (let i = 0; i < bytes.length; i += name.endsWith('model.json') ? 23 : 3) {
        await store.write(name, flip(bytes, i));
        const { numTensors } = tf.memory();
        const model = await loadModel(store, { folder: 'best' }).catch((error: unknown) => error);
        if (!(model instanceof Error)) (model as { dispose(): void }).dispose();
        expect(tf.memory().numTensors).toBe(numTensors);
        if (!(model instanceof Error)) continue;
        const error = await catchError(() => Promise.reject(model));
        expect(error.kind).toBe('file');
        expect(error.path).toMatch(/^copy\/best\//);
        refused++;
      }
      expect(refused).toBeGreaterThan(50);
    }
  });

  describe('rejects a model.json that does not match the weights', () => {
    const findLayer = (json: any, className: string) =>
      json.modelTopology.config.layers.find((layer: any) => layer.class_name === className);
    const changes: [string, (json: any) => void, received: RegExp][] = [
      [
        'a layer with more weights than the file contains',
        (json) => {
          findLayer(json, 'Dense').config.units = 2 ** 31;
        },
        /of shape \[\d+, 2147483648\]$/,
      ],
      [
        'a layer with fewer weights than the file contains',
        (json) => {
          findLayer(json, 'Dense').config.use_bias = false;
        },
        /bias float32 \[\d+\]$/,
      ],
      [
        'a list of weights that is larger than the weights file',
        (json) => {
          json.weightsManifest[0].weights[0].shape[0] = 2 ** 40;
        },
        /^weights of \d{13,} bytes$/,
      ],
      [
        'a list with the same weight twice',
        (json) => {
          const { weights } = json.weightsManifest[0];
          weights.push(weights[0]);
        },
        /name/,
      ],
      [
        'weights that are to be converted from fewer bits',
        (json) => {
          json.weightsManifest[0].weights[0].quantization = { dtype: 'uint8', min: 0, scale: 1 };
        },
        /quantization/,
      ],
      [
        'a nested model whose layers are not checked',
        (json) => {
          const layer = findLayer(json, 'Flatten');
          layer.class_name = 'Model';
          layer.config.layers = [];
        },
        /"Model"/,
      ],
      [
        'a second model in the field model_config',
        (json) => {
          json.modelTopology.model_config = { class_name: 'Model', config: { layers: [] } };
        },
        /layers/,
      ],
    ];

    test.each(changes)(
      'before it allocates the weights, and releases all tensors: %s',
      async (_, change, received) => {
        const store = await copyOf(saved);
        const json = JSON.parse(new TextDecoder().decode((await store.read('best/model.json'))!));
        change(json);
        await store.write('best/model.json', new TextEncoder().encode(JSON.stringify(json)));
        const { numTensors } = tf.memory();
        const error = await catchError(() => loadModel(store, { folder: 'best' }));
        expect(error.kind).toBe('file');
        expect(error.path).toMatch(/^copy\/best\/model\.json/);
        expect(error.received).toMatch(received);
        expect(tf.memory().numTensors).toBe(numTensors);
      },
    );
  });

  test('releases all tensors if it rejects the model after reading its weights', async () => {
    const store = await copyOf(saved);
    const json = JSON.parse(new TextDecoder().decode((await store.read('best/model.json'))!));
    json.userDefinedMetadata.input.shape = [16, 16, 3];
    await store.write('best/model.json', new TextEncoder().encode(JSON.stringify(json)));
    const { numTensors } = tf.memory();
    expect((await catchError(() => loadModel(store, { folder: 'best' }))).kind).toBe('file');
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  test('rejects a task table from a different model, a newer file format, and tasks that differ from those of the model', async () => {
    const store = await copyOf(saved);
    const modelJson = JSON.parse(new TextDecoder().decode((await store.read('best/model.json'))!));
    const table = modelJson.userDefinedMetadata;
    const write = (userDefinedMetadata: object) =>
      store.write(
        'best/model.json',
        new TextEncoder().encode(JSON.stringify({ ...modelJson, userDefinedMetadata })),
      );
    const load = (tasks?: object) =>
      catchError(() => loadModel(store, { folder: 'best', ...(tasks ? { tasks } : {}) } as never));

    await write({ ...table, tasks: [...table.tasks].reverse() });
    const reversed = await load();
    expect(reversed).toMatchObject({ kind: 'file', path: 'copy/best/model.json' });
    expect(reversed.expected).toContain('gender [1], age [1]');
    expect(reversed.received).toContain('age [1], gender [1]');

    await write({ ...table, input: { ...table.input, shape: [16, 16, 3] } });
    expect((await load()).received).toContain('the input [8, 8, 3]');

    for (const version of [`${'['.repeat(5000)}${']'.repeat(5000)}`, '"1"', 'null']) {
      await write({ ...table, version: '@version@' });
      const text = new TextDecoder().decode(await store.read('best/model.json'));
      await store.write('best/model.json', new TextEncoder().encode(text.replace('"@version@"', version)));
      expect(await load()).toMatchObject({ kind: 'file', expected: 'a file in format version 1 or lower' });
    }

    await write({ ...table, version: 99 });
    const newer = await load();
    expect(newer).toMatchObject({
      kind: 'file',
      path: 'copy/best/model.json',
      received: 'a file in format version 99',
    });
    expect(newer.advice).toContain('Update');

    await write(table);
    const tasks = { age: regression({ unit: 'years' }), gender: binary(['female', 'male']) };
    const other = await load(tasks);
    expect(other).toMatchObject({ kind: 'file', path: 'copy/best/model.json' });
    expect(other.expected).toContain('"female","male"');
    expect(other.received).toContain('"male","female"');
  });
});

describe('the files of an earlier run', () => {
  test('do not change when fit fails before its first step', async () => {
    const labels = faces([{ age: Number.NaN, gender: 'male' }]);
    const cases: (() => Promise<unknown>)[] = [];
    for (const resume of [false, true]) {
      const options = { ...into(saved), epochs: 4, resume };
      cases.push(
        () => small().fit(labels, options),
        () => small().fit(good().take(0), options),
        () => small().fit(good(), { ...options, validation: labels }),
        () => small().fit(good(), { ...options, loss: weightedLoss({ agee: 1 }) as never }),
        () => small().fit(good(), { ...options, batchSize: 10_000_000 }),
        () => small().fit(good(), { ...options, engine: 'webgpu' }),
        () =>
          small().fit(good(), {
            ...options,
            callbacks: [bestCheckpoint(saved, { monitor: 'val_los' as never })],
          }),
        () =>
          small().fit(good(), {
            ...options,
            callbacks: [...options.callbacks, csvLogger(folderStore(blocked))],
          }),
      );
    }
    const before = await contents(saved);
    expect(Object.keys(before)).toEqual(
      expect.arrayContaining([CHECKPOINT_FILE, 'best/model.json', 'history.csv']),
    );
    for (const run of cases) {
      await catchError(run);
      expect(await contents(saved)).toEqual(before);
    }
  });

  test('remain usable if the disk becomes full during any write, so that the best model loads and the run can be resumed', async () => {
    // The validation loss of this run improves in every epoch, so every epoch writes a best model.
    const whole = memoryStore();
    const { rows } = await small().fit(good(), { ...into(whole), epochs: 4 });
    const models = new Set<string>();
    const answer = async (store: Store) =>
      JSON.stringify(await (await loadModel(store, { folder: 'best' })).predict(image));
    models.add(await answer(saved));
    let failures = 0;
    for (let full = 1; ; full++) {
      const store = await copyOf(saved);
      let writes = 0;
      const limited: Store = {
        ...store,
        write: async (name, bytes) => {
          if (++writes === full) throw new Error('ENOSPC: no space left on device');
          return store.write(name, bytes);
        },
      };
      const run = small().fit(good(), { ...into(limited), epochs: 4, resume: true });
      const error = await run.then(
        () => undefined,
        (caught: Error) => caught,
      );
      if (!error) break;
      failures++;
      expect(error.message).toContain('ENOSPC');
      models.add(await answer(store));
      const resumed = await small().fit(good(), { ...into(store), epochs: 4, resume: true });
      expect(withoutSeconds(resumed.rows)).toEqual(withoutSeconds(rows));
      expect(await answer(store)).toBe(await answer(whole));
    }
    // Two write checks of the store, then in each of two epochs the two files of the best model, the history and the checkpoint.
    expect(failures).toBe(10);
    // After every failure the best model is that of epoch 2, 3 or 4, never a mixture.
    expect(models.size).toBe(3);
  });
});

function flip(bytes: Uint8Array, at: number): Uint8Array {
  const flipped = bytes.slice();
  flipped[at]! ^= 1;
  return flipped;
}

function placeOf(bytes: Uint8Array, text: string): number {
  return Buffer.from(bytes).indexOf(text);
}
