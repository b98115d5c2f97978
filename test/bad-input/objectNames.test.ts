import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, describe, expect, test } from 'vitest';
import {
  bestCheckpoint,
  binary,
  branch,
  categorical,
  conv,
  csvLabels,
  csvLogger,
  exportKeras,
  flatten,
  imagesInMemory,
  loadKeras,
  loadModel,
  memoryStore,
  multiTask,
  regression,
  weightedLoss,
} from '../../src/entries/node.js';
import { createNameAllocator } from '../../src/interop/keras/read/flattenNames.js';
import { folderStore, recordRun, writeReport } from '../../src/node/index.js';
import { askAndTell, float, maximize, minimize, random, resultsTable, space } from '../../src/tuner/index.js';
import { catchError } from './catchError.js';

const folder = mkdtempSync(join(tmpdir(), 'object-names-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Names of the properties of every object. */
const INHERITED = Object.getOwnPropertyNames(Object.prototype);
/** Names that have a meaning for some objects: promises, arrays, functions and JSON. */
const SPECIAL = ['then', 'length', 'name', 'toJSON', 'prototype'];

const image = (i: number) => ({
  data: Uint8Array.from({ length: 192 }, (_, k) => (k * 7 + i * 31) & 255),
  height: 8,
  width: 8,
  channels: 3,
});

/** Creates nine images with these labels, and a task for them. */
const createData = (task: string, labels: readonly string[]) =>
  imagesInMemory(
    Array.from({ length: 9 }, (_, i) => ({ image: image(i), labels: { [task]: labels[i % 3]! } })),
  ) as never;

const build = (task: string, labels: readonly string[]) =>
  multiTask({ input: [8, 8, 3], seed: 3 })
    .task(task, categorical(labels as readonly [string, string]) as never, branch([conv(2, 3), flatten()]))
    .build() as any;

const SETTINGS = { epochs: 2, batchSize: 4, engine: 'wasm', seed: 1 } as const;

describe('a task', () => {
  test('is rejected at once if its name is a property of every object', async () => {
    for (const name of INHERITED) {
      const error = await catchError(() => build(name, ['a', 'b']));
      expect(error).toMatchObject({ kind: 'argument', path: `task('${name}')` });
      const imported = await catchError(() =>
        loadKeras(new Uint8Array(8), {
          tasks: Object.fromEntries([[name, regression({ unit: 'm' })]]) as never,
        }),
      );
      expect(imported.kind).toMatch(/argument|file/);
    }
  });

  test('is trained, saved and opened with a name that has a meaning for other objects', async () => {
    for (const name of SPECIAL) {
      const model = build(name, ['a', 'b', 'c']);
      const data = createData(name, ['a', 'b', 'c']);
      const store = memoryStore();
      const callbacks = [csvLogger(store), bestCheckpoint(store, { monitor: `val_${name}_loss` })];
      const history = await model.fit(data, { ...SETTINGS, validation: data, callbacks });
      expect(Number.isFinite(history.rows[1][`val_${name}_accuracy`])).toBe(true);
      await model.save(store, 'saved');
      const opened = (await loadModel(store, { folder: 'saved' })) as any;
      expect(await opened.predict(image(1))).toEqual(await model.predict(image(1)));
    }
  });
});

describe('a layer', () => {
  test('is rejected at once if its name is a property of every object', async () => {
    const layer = tf.layers.dense({ units: 2, name: 'constructor' });
    const error = await catchError(() =>
      multiTask({ input: [8, 8, 3] })
        .task('age', regression({ unit: 'years' }), branch([flatten(), layer]))
        .build(),
    );
    expect(error).toMatchObject({ kind: 'argument', path: 'age: constructor' });
  });

  test('of a Keras file is renamed if its name is a property of every object', () => {
    const names = createNameAllocator();
    expect(['toString', 'toString', 'dense'].map((name) => names.allocate(name))).toEqual([
      'toString_2',
      'toString_3',
      'dense',
    ]);
  });
});

describe('labels', () => {
  const labels = ['constructor', 'toString', 'hasOwnProperty'];

  test('that are properties of every object give the same history as other labels', async () => {
    const histories = [];
    for (const [first, ...rest] of [labels, ['a', 'b', 'c']]) {
      const list = [first!, ...rest];
      const data = createData('kind', list);
      // The other labels have no class weight.
      const loss = weightedLoss({ kind: 2 }, { classWeights: { kind: { [first!]: 3 } } });
      const { rows } = await build('kind', list).fit(data, { ...SETTINGS, validation: data, loss });
      histories.push(rows.map(({ seconds, ...row }: { seconds: number }) => row));
    }
    expect(histories[0]).toEqual(histories[1]);
    expect(histories[0]![1].loss).toSatisfy(Number.isFinite);
  });

  test('that are properties of every object are saved, exported and reported', async () => {
    const [model, data] = [build('kind', labels), createData('kind', labels)];
    const store = folderStore(folder);
    const history = await model.fit(data, { ...SETTINGS, validation: data });
    await model.save(store);
    const answer = await model.predict(image(2));
    expect(Object.keys(answer.kind.probabilities)).toEqual(labels);
    expect(await ((await loadModel(store)) as any).predict(image(2))).toEqual(answer);
    const keras = (await loadKeras(await exportKeras(model), {
      tasks: { kind: categorical(labels as never) } as never,
    })) as any;
    expect((await keras.predict(image(2))).kind.label).toBe(answer.kind.label);
    const groups = () => ({ valueOf: 'toString', constructor: 'isPrototypeOf' }) as never;
    const options = { name: 'constructor', datasetName: 'valueOf', history, train: data, validation: data };
    const record = await recordRun(store, model, { ...options, images: false, gradCams: 0, groups });
    expect(JSON.stringify(record)).not.toContain('native code');
    expect(await readFile(await writeReport(folder), 'utf8')).not.toContain('native code');
  });

  test('are rejected at once if one of them is __proto__', async () => {
    for (const create of [
      () => binary(['__proto__', 'b']),
      () => categorical(['a', '__proto__', 'c']),
      () => csvLabels('file,__proto__\n', { columns: Object.fromEntries([['__proto__', Number]]) }),
      () => csvLabels('file,__proto__\n', { columns: { __proto__: Number } as never }),
      () => space(Object.fromEntries([['__proto__', float({ min: 0, max: 1 })]])),
      () => space({ __proto__: float({ min: 0, max: 1 }) } as never),
    ]) {
      expect(await catchError(create)).toMatchObject({ kind: 'argument' });
    }
  });
});

describe('csvLabels', () => {
  test('reads columns whose names are properties of every object', () => {
    const columns = Object.fromEntries(['constructor', 'toString'].map((name) => [name, Number]));
    const labels = csvLabels('file,constructor,toString\na.jpg,1,2\n', { columns });
    expect(labels('a.jpg')).toEqual({ labels: { constructor: 1, toString: 2 } });
    expect(labels('toString')).toHaveProperty('reason');
  });
});

describe('a search', () => {
  test('accepts parameters and metrics whose names are properties of every object', async () => {
    const parameters = Object.fromEntries(
      INHERITED.filter((name) => name !== '__proto__').map((name) => [name, float({ min: 0, max: 1 })]),
    );
    for (const objective of [minimize('constructor'), maximize('toString')]) {
      const search = askAndTell(space(parameters), { objectives: [objective], strategy: random(), seed: 1 });
      const trial = search.ask()!;
      // The row does not contain the objective.
      expect(await catchError(() => search.tell(trial.number, { other: 1 }))).toMatchObject({
        kind: 'argument',
      });
      search.tell(trial.number, { constructor: 1, toString: 2 } as never);
      expect(search.bestTrial()?.number).toBe(trial.number);
      expect(
        resultsTable({ objectives: [objective], space: space(parameters) } as never, search.trials as never),
      ).not.toContain('native');
      expect(Object.keys(trial.params as object).sort()).toEqual(Object.keys(parameters).sort());
      for (const value of Object.values(trial.params as object)) expect(value).toSatisfy(Number.isFinite);
    }
  });
});
