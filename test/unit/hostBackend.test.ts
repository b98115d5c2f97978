// In a file of its own, because TensorFlow.js keeps its backends in globals.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test, vi } from 'vitest';
import {
  branch,
  conv,
  dense,
  flatten,
  imagesInMemory,
  loadModel,
  memoryStore,
  multiTask,
  regression,
  sharedTrunk,
} from '../../src/entries/node.js';

const images = Array.from({ length: 6 }, (_, n) => ({
  image: { data: new Uint8Array(192).fill(n * 40), height: 8, width: 8, channels: 3 },
  labels: { age: n },
}));

const build = () =>
  multiTask({ input: [8, 8, 3], seed: 1 })
    .trunk(sharedTrunk([conv(4, 3)]))
    .task('age', regression({ unit: 'years' }), branch([flatten(), dense(4)]))
    .build();

const getWeights = ({ layersModel }: Pick<ReturnType<typeof build>, 'layersModel'>) =>
  layersModel.getWeights().map((weight) => weight.dataSync());

const trainOnWasm = async (model: ReturnType<typeof build>) =>
  (await model.fit(imagesInMemory(images), { engine: 'wasm', epochs: 2, seed: 2, clock: () => 0 })).rows;

const createCpu = tf.findBackendFactory('cpu') as () => tf.KernelBackend;

beforeAll(() => void tf.removeBackend('cpu'));

test('multiTask().build() builds a model without starting a TensorFlow.js backend that initializes asynchronously', () => {
  const start = vi.fn(async () => new tf.KernelBackend());
  tf.registerBackend('slow', start, 9);
  build().dispose();
  expect(tf.getBackend()).toBe('host');
  expect(start).not.toHaveBeenCalled();
  tf.removeBackend('slow');
});

test('models that are built, saved and loaded without a TensorFlow.js backend train with the same results, bit for bit, as models built on a backend', async () => {
  const model = build();
  expect(tf.getBackend()).toBe('host');
  const weights = getWeights(model);
  const store = memoryStore();
  await model.save(store, 'model');
  const tensorCount = tf.memory().numTensors;
  const loaded = await loadModel(store, { folder: 'model', tasks: model.tasks });
  expect(getWeights(loaded)).toEqual(weights);
  loaded.dispose();
  expect(tf.memory().numTensors).toBe(tensorCount);
  const rows = await trainOnWasm(model);

  tf.registerBackend('cpu', createCpu, 1);
  await tf.setBackend('cpu');
  const reference = build();
  expect(getWeights(reference)).toEqual(weights);
  expect(await trainOnWasm(reference)).toEqual(rows);
});
