import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { exportKeras, loadKeras, memoryStore, regression } from '../../src/entries/node.js';
import { createNetwork } from '../../src/network/buildNetwork.js';
import { readModelFolder, writeModelFolder } from '../../src/network/savedModel/modelFolder.js';
import { answersOf, buildModel, type ModelSpec, modelSpec, noiseFor } from './models.js';

const BATCH = 2;
/**
 * Lower bound of the largest output, which errors are divided by. Values inside the network are about 1, so that
 * one rounding error is 1e-7.
 */
const MIN_LARGEST = 0.01;
const FORMATS = ['keras', 'h5'] as const;

// The cpu backend has a kernel for every layer used here; the wasm backend does not.
beforeAll(() => tf.setBackend('cpu'));

const getTrainableFlags = (model: tf.LayersModel) =>
  Object.fromEntries(
    model.layers.filter(({ weights }) => weights.length > 0).map(({ name, trainable }) => [name, trainable]),
  );

/** Checks what a round trip must preserve: names, flags, and equal outputs for equal inputs. */
function expectSame(read: tf.LayersModel, model: tf.LayersModel, seed: number): void {
  expect(read.inputNames).toEqual(model.inputNames);
  expect(read.outputs.map(({ sourceLayer }) => sourceLayer.name)).toEqual(
    model.outputs.map(({ sourceLayer }) => sourceLayer.name),
  );
  expect(getTrainableFlags(read)).toEqual(getTrainableFlags(model));
  const inputs = noiseFor(model, BATCH, seed);
  const [expectedOutputs, readOutputs] = [answersOf(model, inputs, BATCH), answersOf(read, inputs, BATCH)];
  expectedOutputs.forEach((output, i) => {
    const largest = output.reduce((most, value) => Math.max(most, Math.abs(value)), MIN_LARGEST);
    // Both models run the same kernels on the same numbers. In about one in a hundred models, the order of some
    // sums differs.
    const difference = output.reduce(
      (most, value, j) => Math.max(most, Math.abs(value - readOutputs[i]![j]!)),
      0,
    );
    expect(difference / largest).toBeLessThan(1e-5);
  });
}

async function checkRoundTrip(model: tf.LayersModel, seed: number): Promise<void> {
  for (const format of FORMATS) {
    const read = await loadKeras(await exportKeras(model, { format }));
    expectSame(read, model, seed);
    read.dispose();
  }
}

test('exportKeras and loadKeras preserve the outputs and trainable flags of random layer graphs, in .keras and .h5 files', async () => {
  await fc.assert(
    fc.asyncProperty(modelSpec, async (spec: ModelSpec) => {
      const model = buildModel(spec, { images: true });
      await checkRoundTrip(model, spec.seed);
      model.dispose();
    }),
    { numRuns: 200 },
  );
}, 300_000);

test('exportKeras, loadKeras and model folders preserve the outputs and trainable flags of random networks with two tasks', async () => {
  const tasks = { age: regression({ unit: 'years' }), height: regression({ unit: 'cm' }) };
  await fc.assert(
    fc.asyncProperty(modelSpec, async (spec: ModelSpec) => {
      const model = buildModel(spec, { tasks: Object.keys(tasks) });
      const shape = model.inputs[0]!.shape.slice(1) as [number, number, number];
      const network = createNetwork(model, tasks, { shape, range: [0, 1] });
      const store = memoryStore();
      await writeModelFolder(network, store, '');
      const read = await readModelFolder(store, '', tasks);
      expectSame(read.layersModel, model, spec.seed);
      read.layersModel.dispose();
      for (const format of FORMATS) {
        const again = await loadKeras(await exportKeras(network, { format }), { tasks });
        expectSame(again.layersModel, model, spec.seed);
        again.dispose();
      }
      model.dispose();
    }),
    { numRuns: 200 },
  );
}, 300_000);

test('a dropout layer that is called twice remains a single layer with the same name after exportKeras and loadKeras', async () => {
  const image = tf.input({ shape: [4], name: 'image' });
  const shared = tf.layers.dropout({ rate: 0.4, name: 'shared' });
  const twice = shared.apply(shared.apply(image)) as tf.SymbolicTensor;
  const model = tf.model({ inputs: image, outputs: twice });
  for (const format of FORMATS) {
    const read = await loadKeras(await exportKeras(model, { format }));
    expect(read.layers.map(({ name }) => name)).toEqual(['image', 'shared']);
    expect(read.outputs[0]!.sourceLayer.name).toBe('shared');
    read.dispose();
  }
});
