import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { writeHdf5 } from '../../src/formats/hdf5/write/writeHdf5.js';
import { writeZip } from '../../src/formats/zip/zip.js';
import { loadKeras, loadModel, memoryStore, regression } from '../../src/index.js';
import { tf } from '../../src/tensor/tf.js';
import { loadWasmBackend } from '../../src/tensor/wasmBackend.js';
import { expectClose, largest } from '../parity/close.js';
import { uniform } from '../parity/noise.js';
import {
  CHANNELS,
  computed,
  containers,
  type Drawn,
  drawnModels,
  frozenBelow,
  keras2,
  keras3,
  legacy,
  SIDE,
  trainedCount,
} from './drawnKeras.js';

beforeAll(async () => {
  await loadWasmBackend();
});

const bytes = (json: object) => new TextEncoder().encode(JSON.stringify(json));

type Order = <T>(layers: readonly T[]) => readonly T[];
const inOrder: Order = (layers) => layers;

const keras3File = (model: Drawn, named = true, order: Order = inOrder) =>
  writeZip({
    'metadata.json': bytes({ keras_version: '3.15.1' }),
    'config.json': bytes(keras3(model, order)),
    'model.weights.h5': writeHdf5(containers(model, named, order)),
  });

const hdf5File = (model: Drawn, json: object, version: string, suffix: string) =>
  writeHdf5({
    attributes: { model_config: JSON.stringify(json), keras_version: version, backend: 'tensorflow' },
    groups: { model_weights: legacy(model, suffix) },
    arrays: {},
  });

const image = () => tf.tensor(uniform('drawn/image', [1, SIDE, SIDE, CHANNELS]), [1, SIDE, SIDE, CHANNELS]);

/** Topology and weights, everything a reader can get wrong. */
function written(model: tf.LayersModel): { topology: unknown; weights: Record<string, number[]> } {
  const weights = model.weights.map(
    (weight) => [weight.originalName, Array.from(weight.read().dataSync())] as const,
  );
  return { topology: model.toJSON(null, false), weights: Object.fromEntries(weights) };
}

/** float32 sums of a few dozen terms of about one, in two orders; the terms may cancel, so small results are no measure. */
function expectSame(outputs: readonly Float32Array[], expected: readonly ArrayLike<number>[]): void {
  outputs.forEach((output, i) => {
    expectClose(output, expected[i]!, 1e-5 * Math.max(1, largest(expected[i]!)), `output ${i}`);
  });
}

function predicted(model: tf.LayersModel): Float32Array[] {
  return tf.tidy(() => [model.predict(image())].flat().map((output) => output.dataSync() as Float32Array));
}

test('one network in the words of Keras 2 and 3 reads as the network that was drawn', async () => {
  await fc.assert(
    fc.asyncProperty(drawnModels, fc.boolean(), async (drawn, named) => {
      const model = frozenBelow(drawn);
      const tensors = tf.memory().numTensors;
      const models = [
        await loadKeras(keras3File(model, named)),
        await loadKeras(hdf5File(model, keras3(model), '3.15.1', '')),
        await loadKeras(hdf5File(model, keras2(model), '2.9.0', ':0')),
      ];
      const [first, ...others] = models.map(written);
      for (const other of others) expect(other).toEqual(first);
      expect(models[0]!.trainableWeights.length).toBe(trainedCount(model));
      const expected = tf.tidy(() => computed(model, image()).map((output) => output.dataSync()));
      expectSame(predicted(models[0]!), expected);
      for (const read of models) read.dispose();
      expect(tf.memory().numTensors).toBe(tensors);
    }),
    { numRuns: 100 },
  );
});

test('what is frozen around a layer freezes it, whatever its own flag says', async () => {
  await fc.assert(
    fc.asyncProperty(drawnModels, async (drawn) => {
      const model = await loadKeras(keras3File(drawn));
      expect(model.trainableWeights.length).toBe(trainedCount(drawn));
      model.dispose();
    }),
    { numRuns: 40 },
  );
});

test('the order of layers in the file means nothing', async () => {
  await fc.assert(
    fc.asyncProperty(drawnModels, fc.boolean(), async (drawn, named) => {
      const reversed: Order = (layers) => [...layers].reverse();
      const model = await loadKeras(keras3File(drawn, named, reversed));
      const expected = tf.tidy(() => computed(drawn, image()).map((output) => output.dataSync()));
      expectSame(predicted(model), expected);
      model.dispose();
    }),
    { numRuns: 40 },
  );
});

test('read from Keras, saved in our own format and loaded: the same network, frozen where it was', async () => {
  await fc.assert(
    fc.asyncProperty(drawnModels, async (drawn) => {
      const names = drawn.outputs.map(([name]) => name);
      const tasks = Object.fromEntries(names.map((name) => [name, regression({ unit: 'points' })]));
      const model = await loadKeras(keras3File(drawn), { tasks });
      const store = memoryStore();
      await model.save(store);
      const again = await loadModel(store, { tasks });
      const [before, after] = [model, again].map(({ layersModel }) => predicted(layersModel));
      expect(after).toEqual(before);
      const flags = ({ layersModel }: typeof model) =>
        Object.fromEntries(layersModel.layers.map(({ name, trainable }) => [name, trainable]));
      expect(flags(again)).toEqual(flags(model));
      model.dispose();
      again.dispose();
    }),
    { numRuns: 200 },
  );
});
