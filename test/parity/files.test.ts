import { inflateSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { binary, loadKeras, regression } from '../../src/index.js';
import { readZip } from '../../src/io/zip.js';
import { loadPackage } from '../../src/node/index.js';
import { tf } from '../../src/tensor/tf.js';
import { loadWasmBackend } from '../../src/tensor/wasm.js';
import { expectCloseToLargest } from './close.js';
import { type FixtureArray, fixture, numbers } from './fixture.js';
import { uniform } from './noise.js';

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

const unpacked = (file: string) => new Uint8Array(inflateSync(Buffer.from(file, 'base64')));
const images = (factor: number) => {
  const shape = [1, ...keras.shape];
  return tf.tensor(
    uniform(keras.images, shape, 0, 1).map((value) => value * factor),
    shape,
  );
};

/** A model's outputs for the images, in its order. */
async function predictions(model: tf.LayersModel, factor = 1): Promise<Float32Array[]> {
  const x = images(factor);
  const outputs = [model.predict(x)].flat();
  const values = outputs.map((output) => output.dataSync() as Float32Array);
  tf.dispose([x, ...outputs]);
  return values;
}

describe.each(['wasm', 'cpu'])('on %s, what Keras predicts:', (engine) => {
  beforeAll(async () => {
    if (engine === 'wasm') await loadWasmBackend();
    else await tf.setBackend(engine);
  });

  test.each(Object.entries(keras.families))('every layer of %s', async (name, { file, predicted }) => {
    const notes: string[] = [];
    const model = await loadKeras(unpacked(file), {
      load: loadPackage,
      name: `${name}.keras`,
      log: (note) => notes.push(note),
    });
    const values = await predictions(model);
    // Keras counts outputs in a record by the order of their keys.
    Object.keys(predicted)
      .sort()
      .forEach((output, i) => {
        expectCloseToLargest(values[i]!, numbers(predicted[output]!), 1e-5, output);
      });
    if (name === 'chance') expect(notes.length).toBe(11);
    else expect(notes).toEqual([]);
    model.dispose();
  });

  describe.each(Object.entries(keras.faces))('the face model, %s', (_, { files, predicted, trainable }) => {
    const tasks = { age: regression({ unit: 'years' }), gender: binary(['male', 'female']) };

    test.each(Object.keys(files).filter((kind) => !/^(old|long)/.test(kind)))('from %s', async (kind) => {
      const before = tf.memory().numTensors;
      const model = await loadKeras(unpacked(files[kind]!), { load: loadPackage, name: kind });
      const [age, gender] = await predictions(model, 255);
      expectCloseToLargest(age!, numbers(predicted.age!), 1e-5, 'age');
      expectCloseToLargest(gender!, numbers(predicted.gender!), 1e-5, 'gender');
      const kinds = model.trainableWeights.map(({ originalName }) => originalName.split('/').at(-1));
      expect(kinds.sort()).toEqual(trainable.map((path) => path.split('/').at(-1)).sort());
      model.dispose();
      expect(tf.memory().numTensors).toBe(before);
    });

    test('with the weights of other files', async () => {
      const model = unpacked(files.keras!);
      const kinds = ['old.h5', 'long.h5'].filter((kind) => files[kind]);
      const others = [
        readZip(model, 'face.keras')['model.weights.h5']!,
        ...kinds.map((kind) => unpacked(files[kind]!)),
      ];
      for (const weights of others) {
        const made = await loadKeras(model, { load: loadPackage, weights });
        const [age, gender] = await predictions(made, 255);
        expectCloseToLargest(age!, numbers(predicted.age!), 1e-5, 'age');
        expectCloseToLargest(gender!, numbers(predicted.gender!), 1e-5, 'gender');
        made.dispose();
      }
    });

    test('as a typed model', async () => {
      const model = await loadKeras(unpacked(files.keras!), { load: loadPackage, tasks, range: [0, 255] });
      expect(model.layersModel.outputNames).toEqual(['age', 'gender']);
      const x = images(255);
      const [answer] = await model.predict(x as tf.Tensor4D);
      x.dispose();
      expect(answer!.age).toBeCloseTo(numbers(predicted.age!)[0]!, 4);
      model.dispose();
    });
  });
});
