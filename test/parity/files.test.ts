import { inflateSync } from 'node:zlib';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  adam,
  binary,
  loadKeras,
  loadModel,
  memoryStore,
  regression,
  weightedLoss,
} from '../../src/entries/node.js';
import { readZip } from '../../src/formats/zip/zip.js';
import { loadWasmBackend } from '../../src/tensor/backends/wasmBackend.js';
import { expectCloseToLargest } from './close.js';
import { type FixtureArray, fixture, numbers } from './fixture.js';
import { uniform } from './noise.js';
import { faces, weightsOf } from './same.js';

type Predicted = { readonly [output: string]: FixtureArray };
interface Face {
  readonly files: { readonly [kind: string]: string };
  readonly predicted: Predicted;
  /** Paths of the variables that Keras trains. */
  readonly trainable: readonly string[];
}
const keras = fixture<{
  readonly images: string;
  readonly shape: readonly [number, number, number];
  readonly families: { readonly [name: string]: { readonly file: string; readonly predicted: Predicted } };
  readonly faces: { readonly [name: string]: Face };
}>('files');

const unpackFixture = (file: string) => new Uint8Array(inflateSync(Buffer.from(file, 'base64')));
const images = (factor: number) => {
  const shape = [1, ...keras.shape];
  return tf.tensor(
    uniform(keras.images, shape, 0, 1).map((value) => value * factor),
    shape,
  );
};

/** Returns the outputs of a model for the images, in the order in which the model defines them. */
async function predictImages(model: tf.LayersModel, factor = 1): Promise<Float32Array[]> {
  const x = images(factor);
  const outputs = [model.predict(x)].flat();
  const values = outputs.map((output) => output.dataSync() as Float32Array);
  tf.dispose([x, ...outputs]);
  return values;
}

describe.each(['wasm', 'cpu'])('a model from loadKeras on %s', (engine) => {
  beforeAll(async () => {
    if (engine === 'wasm') await loadWasmBackend();
    else await tf.setBackend(engine);
  });

  test.each(Object.entries(keras.families))(
    'predicts the same values as Keras with every layer type in the family "%s"',
    async (name, { file, predicted }) => {
      const notes: string[] = [];
      const model = await loadKeras(unpackFixture(file), {
        name: `${name}.keras`,
        log: (note) => notes.push(note),
      });
      const values = await predictImages(model);
      // Keras sorts the outputs of a dictionary by their keys.
      Object.keys(predicted)
        .sort()
        .forEach((output, i) => {
          expectCloseToLargest(values[i]!, numbers(predicted[output]!), 1e-5, output);
        });
      if (name === 'chance') expect(notes.length).toBe(11);
      else expect(notes).toEqual([]);
      model.dispose();
    },
  );

  describe.each(Object.entries(keras.faces))(
    'built from the face model fixture "%s"',
    (_, { files, predicted, trainable }) => {
      const tasks = { age: regression({ unit: 'years' }), gender: binary(['male', 'female']) };

      test.each(Object.keys(files).filter((kind) => !/^(old|long)/.test(kind)))(
        'predicts the same values as Keras and has the same trainable weights if the file is %s',
        async (kind) => {
          const before = tf.memory().numTensors;
          const model = await loadKeras(unpackFixture(files[kind]!), { name: kind });
          const [age, gender] = await predictImages(model, 255);
          expectCloseToLargest(age!, numbers(predicted.age!), 1e-5, 'age');
          expectCloseToLargest(gender!, numbers(predicted.gender!), 1e-5, 'gender');
          const kinds = model.trainableWeights.map(({ originalName }) => originalName.split('/').at(-1));
          expect(kinds.sort()).toEqual(trainable.map((path) => path.split('/').at(-1)).sort());
          model.dispose();
          expect(tf.memory().numTensors).toBe(before);
        },
      );

      test('predicts the same values as Keras if the weights are in a separate file', async () => {
        const model = unpackFixture(files.keras!);
        const kinds = ['old.h5', 'long.h5'].filter((kind) => files[kind]);
        const others = [
          readZip(model, 'face.keras')['model.weights.h5']!,
          ...kinds.map((kind) => unpackFixture(files[kind]!)),
        ];
        for (const weights of others) {
          const loadedModel = await loadKeras(model, { weights });
          const [age, gender] = await predictImages(loadedModel, 255);
          expectCloseToLargest(age!, numbers(predicted.age!), 1e-5, 'age');
          expectCloseToLargest(gender!, numbers(predicted.gender!), 1e-5, 'gender');
          loadedModel.dispose();
        }
      });

      test('predicts the same values as Keras if loadKeras is called with tasks', async () => {
        const model = await loadKeras(unpackFixture(files.keras!), { tasks, range: [0, 255] });
        expect(model.layersModel.outputNames).toEqual(['age', 'gender']);
        const x = images(255);
        const [answer] = await model.predict(x as tf.Tensor4D, { engine: engine as 'wasm' });
        x.dispose();
        expect(answer!.age).toBeCloseTo(numbers(predicted.age!)[0]!, 4);
        model.dispose();
      });
    },
  );
});

test('loadKeras reads the same weights from every file of the face model, regardless of the file format', async () => {
  const read = async (file: string) => {
    const model = await loadKeras(unpackFixture(file));
    const weights = weightsOf(model);
    model.dispose();
    return weights;
  };
  const { open, ...others } = keras.faces;
  const expected = await read(open!.files.keras!);
  expect(Object.keys(expected)).toContain('base_conv/kernel');
  expect(Object.keys(expected)).toContain('neck_conv/kernel');
  for (const { files } of [open!, ...Object.values(others)]) {
    for (const kind of ['keras', 'h5', 'keras2.h5']) {
      if (files[kind]) expect(await read(files[kind]), kind).toEqual(expected);
    }
  }
});

test.each(['frozen', 'partly'])(
  'the layers that are frozen in the Keras fixture "%s" remain frozen in fit, even after save and loadModel',
  async (name) => {
    await loadWasmBackend();
    const tasks = { age: regression({ unit: 'years' }), gender: binary(['male', 'female']) };
    const file = unpackFixture(keras.faces[name]!.files.keras!);
    const first = await loadKeras(file, { tasks, range: [0, 255] });
    const before = weightsOf(first.layersModel);
    const frozen = first.layersModel.layers
      .filter(({ trainable }) => !trainable)
      .flatMap(({ weights }) => weights.map(({ originalName }) => originalName));
    const expectedFrozen =
      name === 'partly'
        ? [
            'neck_conv/bias',
            'neck_conv/kernel',
            'norm/beta',
            'norm/gamma',
            'norm/moving_mean',
            'norm/moving_variance',
          ]
        : Object.keys(before)
            .filter((weight) => /^(base_conv|neck_conv|neck_norm|norm)\//.test(weight))
            .sort();
    expect(frozen.sort()).toEqual(expectedFrozen);
    const train = async (model: typeof first) => {
      const data = faces('files', 6, keras.shape);
      const loss = weightedLoss({ age: 1e-3, gender: 1 });
      await model.fit(data, {
        epochs: 2,
        batchSize: 3,
        optimizer: adam({ learningRate: 0.01 }),
        loss,
        engine: 'wasm',
      });
      const after = weightsOf(model.layersModel);
      for (const weight of Object.keys(before)) {
        if (frozen.includes(weight)) expect(after[weight], weight).toEqual(before[weight]);
        else expect(after[weight], weight).not.toEqual(before[weight]);
      }
    };
    await train(first);
    const store = memoryStore();
    await first.save(store);
    first.dispose();
    const loadedModel = await loadModel(store, { tasks });
    await train(loadedModel);
    loadedModel.dispose();
  },
);
