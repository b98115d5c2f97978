import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { loadKeras, loadModel, memoryStore, regression } from '../../src/entries/node.js';
import { writeHdf5 } from '../../src/formats/hdf5/write/writeHdf5.js';
import { writeZip } from '../../src/formats/zip/zip.js';
import { loadWasmBackend } from '../../src/tensor/backends/wasmBackend.js';
import { expectClose, largest } from '../parity/close.js';
import { uniform } from '../parity/noise.js';
import {
  CHANNELS,
  computeOutputs,
  countTrainedWeights,
  freezeNestedLayers,
  type RandomModel,
  randomModels,
  SIDE,
  toContainerWeights,
  toKeras2Config,
  toKeras3Config,
  toLegacyWeights,
} from './randomKerasModels.js';

beforeAll(async () => {
  await loadWasmBackend();
});

const bytes = (json: object) => new TextEncoder().encode(JSON.stringify(json));

type Order = <T>(layers: readonly T[]) => readonly T[];
const keepOrder: Order = (layers) => layers;

const keras3File = (model: RandomModel, named = true, order: Order = keepOrder) =>
  writeZip({
    'metadata.json': bytes({ keras_version: '3.15.1' }),
    'config.json': bytes(toKeras3Config(model, order)),
    'model.weights.h5': writeHdf5(toContainerWeights(model, named, order)),
  });

const hdf5File = (model: RandomModel, json: object, version: string, suffix: string) =>
  writeHdf5({
    attributes: { model_config: JSON.stringify(json), keras_version: version, backend: 'tensorflow' },
    groups: { model_weights: toLegacyWeights(model, suffix) },
    arrays: {},
  });

const image = () => tf.tensor(uniform('drawn/image', [1, SIDE, SIDE, CHANNELS]), [1, SIDE, SIDE, CHANNELS]);

/** Returns the topology and the weights of a model: everything that a reader can get wrong. */
function getTopologyAndWeights(model: tf.LayersModel): {
  topology: unknown;
  weights: Record<string, number[]>;
} {
  const weights = model.weights.map(
    (weight) => [weight.originalName, Array.from(weight.read().dataSync())] as const,
  );
  return { topology: model.toJSON(null, false), weights: Object.fromEntries(weights) };
}

/**
 * Compares outputs that sum a few dozen float32 terms of about 1 in different orders. The terms may cancel
 * out, so the tolerance of small results is relative to 1.
 */
function expectSame(outputs: readonly Float32Array[], expected: readonly ArrayLike<number>[]): void {
  outputs.forEach((output, i) => {
    expectClose(output, expected[i]!, 1e-5 * Math.max(1, largest(expected[i]!)), `output ${i}`);
  });
}

function predictImage(model: tf.LayersModel): Float32Array[] {
  return tf.tidy(() => [model.predict(image())].flat().map((output) => output.dataSync() as Float32Array));
}

test('loadKeras reads the same network from a Keras 2 file as from Keras 3 files, and the network predicts the expected outputs', async () => {
  await fc.assert(
    fc.asyncProperty(randomModels, fc.boolean(), async (drawn, named) => {
      const model = freezeNestedLayers(drawn);
      const tensors = tf.memory().numTensors;
      const models = [
        await loadKeras(keras3File(model, named)),
        await loadKeras(hdf5File(model, toKeras3Config(model), '3.15.1', '')),
        await loadKeras(hdf5File(model, toKeras2Config(model), '2.9.0', ':0')),
      ];
      const [first, ...others] = models.map(getTopologyAndWeights);
      for (const other of others) expect(other).toEqual(first);
      expect(models[0]!.trainableWeights.length).toBe(countTrainedWeights(model));
      const expected = tf.tidy(() => computeOutputs(model, image()).map((output) => output.dataSync()));
      expectSame(predictImage(models[0]!), expected);
      for (const read of models) read.dispose();
      expect(tf.memory().numTensors).toBe(tensors);
    }),
    { numRuns: 100 },
  );
});

test('loadKeras freezes all layers inside a frozen nested model, even layers whose own trainable flag is true', async () => {
  await fc.assert(
    fc.asyncProperty(randomModels, async (drawn) => {
      const model = await loadKeras(keras3File(drawn));
      expect(model.trainableWeights.length).toBe(countTrainedWeights(drawn));
      model.dispose();
    }),
    { numRuns: 40 },
  );
});

test('loadKeras builds the same network for any order of the layers in the file', async () => {
  await fc.assert(
    fc.asyncProperty(randomModels, fc.boolean(), async (drawn, named) => {
      const reversed: Order = (layers) => [...layers].reverse();
      const model = await loadKeras(keras3File(drawn, named, reversed));
      const expected = tf.tidy(() => computeOutputs(drawn, image()).map((output) => output.dataSync()));
      expectSame(predictImage(model), expected);
      model.dispose();
    }),
    { numRuns: 40 },
  );
});

test('a model from loadKeras keeps its predictions and frozen layers after save() and loadModel()', async () => {
  await fc.assert(
    fc.asyncProperty(randomModels, async (drawn) => {
      const outputNames = drawn.outputs.map(([name]) => name);
      const tasks = Object.fromEntries(outputNames.map((name) => [name, regression({ unit: 'points' })]));
      const model = await loadKeras(keras3File(drawn), { tasks });
      const store = memoryStore();
      await model.save(store);
      const again = await loadModel(store, { tasks });
      const [before, after] = [model, again].map(({ layersModel }) => predictImage(layersModel));
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
