import { inflateSync } from 'node:zlib';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadKeras } from '../../src/entries/node.js';
import { loadWasmBackend } from '../../src/tensor/backends/wasmBackend.js';
import { expectCloseToLargest } from './close.js';
import { fixture } from './fixture.js';

interface VersionModel {
  readonly files: { readonly [kind: string]: string };
  readonly predicted: readonly number[];
}
/** Models by version of Keras and name, which `keras/keras_versions.py` wrote. */
const versions = fixture<{ readonly [version: string]: { readonly [model: string]: VersionModel } }>(
  'keras_versions',
);
const models = Object.entries(versions).flatMap(([version, byName]) =>
  Object.entries(byName).map(([name, model]) => ({ version, name, ...model })),
);
const unpackFixture = (file: string) => new Uint8Array(inflateSync(Buffer.from(file, 'base64')));

/** Returns the output of a model for the image that `keras_versions.py` passes. */
function predictImage(model: tf.LayersModel): Float32Array {
  return tf.tidy(() => {
    const image = tf.tensor(
      Float32Array.from({ length: 192 }, (_, i) => ((i * 37) % 101) / 101),
      [1, 8, 8, 3],
    );
    return (model.predict(image) as tf.Tensor).dataSync() as Float32Array;
  });
}

beforeAll(async () => {
  await loadWasmBackend();
});

describe.each(models)('the model "$name" from Keras $version', ({ files, predicted }) => {
  test.each(Object.keys(files))(
    'predicts the same values as in Keras after loadKeras reads the file model.%s, and leaks no tensors',
    async (kind) => {
      const before = tf.memory().numTensors;
      const file = unpackFixture(files[kind]!);
      const isWeightsFile = kind.startsWith('w');
      const model = isWeightsFile
        ? await loadKeras(unpackFixture(files.h5!), { weights: file })
        : await loadKeras(file);
      expectCloseToLargest(predictImage(model), Float32Array.from(predicted), 1e-5, kind);
      model.dispose();
      expect(tf.memory().numTensors).toBe(before);
    },
  );
});
