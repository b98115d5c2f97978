import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadLayersModel } from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { httpStore } from '../../src/browser/httpStore.js';
import { readCheckpointEpoch } from '../../src/core/records/checkpointEpoch.js';
import {
  bestCheckpoint,
  binary,
  branch,
  dense,
  flatten,
  loadModel,
  memoryStore,
  multiTask,
  type Store,
  useEngine,
} from '../../src/entries/node.js';
import { folderStore } from '../../src/node/index.js';
import { tf } from '../../src/tensor/tf.js';
import { good, settings, small } from './small.js';

const top = mkdtempSync(join(tmpdir(), 'model-folder-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

const image = { data: new Uint8Array(8 * 8 * 3).fill(100), height: 8, width: 8, channels: 3 };
const build = (labels: readonly [string, string], seed: number) =>
  multiTask({ input: [8, 8, 3], seed })
    .task('kind', binary(labels), branch([flatten(), dense(4)]))
    .build();
const models = [build(['cat', 'dog'], 1), build(['dog', 'cat'], 2)] as const;
const [oldModel, newModel] = models;
const predict = async (model: Pick<typeof oldModel, 'predict'>) => JSON.stringify(await model.predict(image));
let answers: readonly string[];
beforeAll(async () => {
  await useEngine('wasm');
  answers = await Promise.all(models.map(predict));
  expect(new Set(answers).size).toBe(2);
});

/** Methods of a store that a user writes: it has no `create` and no way to rename a file. */
const METHODS = ['read', 'write', 'remove', 'list'] as const;

/** Returns a store whose operation number `failing` fails, before or after it takes effect. With `killed`, all later operations fail too. */
function failingStore(store: Store, failing: number, killed: boolean, isDone: boolean) {
  let operations = 0;
  const limited = { label: store.label } as { -readonly [M in keyof Store]: Store[M] };
  for (const method of METHODS) {
    limited[method] = async (...parameters: never[]) => {
      const operation = ++operations;
      const call = () => (store[method] as (...values: never[]) => Promise<never>)(...parameters);
      if (killed && operation > failing) throw new Error('killed');
      if (operation !== failing) return call();
      if (isDone) await call();
      throw new Error(`operation ${operation}`);
    };
  }
  return { store: limited, count: () => operations };
}

/** Loads the model in `best` with plain TensorFlow.js. Returns its labels and its output for a gray image. */
async function loadWithTensorFlow(store: Store) {
  const { modelTopology, weightsManifest, userDefinedMetadata } = JSON.parse(
    new TextDecoder().decode(await store.read('best/model.json')),
  );
  const weights = (await store.read(`best/${weightsManifest[0].paths[0]}`))!;
  const model = await loadLayersModel(
    tf.io.fromMemory({
      modelTopology,
      weightSpecs: weightsManifest[0].weights,
      weightData: Uint8Array.from(weights).buffer,
      userDefinedMetadata,
    }),
  );
  const { tasks } = model.getUserDefinedMetadata() as { tasks: { labels: string[] }[] };
  const output = model.predict(tf.mul(tf.ones([1, 8, 8, 3]), 100 / 255)) as tf.Tensor;
  const [value] = await output.data();
  model.dispose();
  output.dispose();
  return { labels: tasks[0]!.labels, value: value! };
}

describe('model.save on a store with only the methods read, write, remove and list', () => {
  test.each([
    ['fails', false, false],
    ['fails after it took effect', false, true],
    ['is the last before the process is killed', true, false],
    ['takes effect, and the process is killed', true, true],
  ])(
    'leaves either the complete old model or the complete new model if any store operation %s',
    async (_, killed, isDone) => {
      const seen: number[] = [];
      for (let failing = 1; ; failing++) {
        const store = memoryStore();
        await oldModel.save(store, 'best');
        const limited = failingStore(store, failing, killed, isDone);
        const error = await newModel.save(limited.store, 'best').catch((caught: Error) => caught);
        const found = answers.indexOf(
          await predict((await loadModel(store, { folder: 'best' })) as typeof oldModel),
        );
        expect(found).toBeGreaterThanOrEqual(0);
        if (!error && !killed) expect(found).toBe(1);
        // A program without this library finds the labels of the same model.
        const { labels, value } = await loadWithTensorFlow(store);
        expect(labels).toEqual(found === 0 ? ['cat', 'dog'] : ['dog', 'cat']);
        expect(JSON.parse(answers[found]!).kind.label).toBe(labels[value > 0.5 ? 1 : 0]);
        // A save that failed leaves no files behind if the store still works, and the next save removes all others.
        if (error && !killed && found === 0) expect((await store.list()).length).toBe(2);
        await newModel.save(store, 'best');
        expect((await store.list()).length).toBe(2);
        seen.push(found);
        if (limited.count() < failing) break;
      }
      expect(new Set(seen).size).toBe(2);
      expect(seen.length).toBeGreaterThan(4);
    },
  );

  test('leaves one complete model if two models are saved at the same time', async () => {
    for (const delays of [
      [0, 0],
      [0, 1],
      [2, 0],
      [3, 1],
    ]) {
      const store = memoryStore();
      const slow = (ticks: number): Store => ({
        ...store,
        write: async (name, bytes) => {
          for (let i = 0; i < ticks; i++) await new Promise((resolve) => setImmediate(resolve));
          return store.write(name, bytes);
        },
      });
      await Promise.all(models.map((model, i) => model.save(slow(delays[i]!), 'best')));
      expect(answers).toContain(
        await predict((await loadModel(store, { folder: 'best' })) as typeof oldModel),
      );
    }
  });
});

describe('loadModel', () => {
  test.each([
    ['a folder', () => folderStore(join(top, 'replaced'))],
    ['memory', () => memoryStore()],
  ] as const)(
    'returns either the old or the new model while the model in %s is replaced',
    async (_, create) => {
      const store = create();
      await oldModel.save(store, 'best');
      let opened = 0;
      let saves = 0;
      const write = async () => {
        for (; opened < 60; saves++) await models[(saves + 1) % 2]!.save(store, 'best');
      };
      const read = async () => {
        for (; opened < 60; opened++) {
          const model = (await loadModel(store, { folder: 'best' })) as typeof oldModel;
          expect(answers).toContain(await predict(model));
          model.dispose();
        }
      };
      await Promise.all([write(), read()]);
      expect(saves).toBeGreaterThan(0);
    },
  );

  test('starts over if the model is replaced after model.json was read, even by an identical model', async () => {
    for (const saved of [[newModel], [newModel, oldModel], [newModel, oldModel, newModel]]) {
      const store = memoryStore();
      await oldModel.save(store, 'best');
      let isReplaced = false;
      const reader: Store = {
        ...store,
        read: async (name) => {
          if (name.endsWith('.bin') && !isReplaced) {
            isReplaced = true;
            for (const model of saved) await model.save(store, 'best');
            if (saved.length === 2) return undefined; // The weights were missing between the two saves.
          }
          return store.read(name);
        },
      };
      const model = (await loadModel(reader, { folder: 'best' })) as typeof oldModel;
      expect(await predict(model)).toBe(answers[models.indexOf(saved.at(-1)!)]);
    }
  });
});

test('loadModel with httpStore loads the new model after it was replaced on the server, even if the browser has cached the old model.json', async () => {
  const server = memoryStore();
  const cache = new Map<string, Uint8Array<ArrayBuffer>>();
  vi.stubGlobal('fetch', async (url: string, options?: RequestInit) => {
    const isFresh = options?.cache === 'no-cache' || !cache.has(url);
    const bytes = isFresh ? await server.read(url.slice('model/'.length)) : cache.get(url);
    if (bytes) cache.set(url, new Uint8Array(bytes));
    return new Response(bytes ? new Uint8Array(bytes) : null, { status: bytes ? 200 : 404 });
  });
  try {
    for (const [i, model] of models.entries()) {
      await model.save(server);
      expect(await predict((await loadModel(httpStore('model'))) as typeof oldModel)).toBe(answers[i]);
    }
  } finally {
    vi.unstubAllGlobals();
  }
});

test('bestCheckpoint stores a model and the epoch of the model together, so that the two match even if a store operation fails', async () => {
  const run = (store: Store) =>
    small().fit(good(), {
      ...settings,
      validation: good(),
      epochs: 2,
      callbacks: [bestCheckpoint(store, { monitor: 'val_age_loss' })],
    });
  const answer = async (store: Store) =>
    JSON.stringify(await (await loadModel(store, { folder: 'best' })).predict(image));
  // The answer of each epoch's model. The validation loss improves in every epoch.
  const epochs = new Map<string, number>();
  const { rows } = await small().fit(good(), {
    ...settings,
    validation: good(),
    epochs: 3,
    callbacks: [
      {
        name: 'saveAll',
        onEpochEnd: async ({ epoch }, event) => {
          const store = memoryStore();
          await event.save(store, 'best');
          epochs.set(await answer(store), epoch);
        },
      },
    ],
  });
  expect(epochs.size).toBe(3);
  for (let failing = 4; ; failing++) {
    const store = memoryStore();
    const limited = failingStore(store, failing, true, failing % 2 === 0);
    const error = await run(limited.store).catch((caught: Error) => caught);
    if ((await store.list('best/')).includes('best/model.json')) {
      const saved = await readCheckpointEpoch(store, 'best', rows);
      expect(saved!.epoch).toBe(epochs.get(await answer(store)));
    }
    if (!(error instanceof Error)) break;
  }
});
