/**
 * What this library writes for Keras, and what it makes of what Keras wrote; for check_keras.py:
 * `keras.mts write FOLDER` and `keras.mts read FOLDER`.
 */
import fc from 'fast-check';
import { modelA } from '../../examples/study/model-a-network.js';
import { exportKeras, useEngine } from '../../src/index.js';
import { folderStore, loadPackage } from '../../src/node/index.js';
import { tf } from '../../src/tensor/tf.js';
import { answersOf, builtFrom, modelSpec, noiseFor } from '../laws/models.js';

const [, , order, folder] = process.argv as [string, string, string, string];
const store = folderStore(folder);
const load = loadPackage;
const BATCH = 3;

/** Numbers as Python reads them: `np.frombuffer(base64.b64decode(text), np.float32)`. */
const packed = (values: Float32Array) =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** What Keras must find in a file: answers to images, flags, counts. */
function expected(model: tf.LayersModel, scale = 1) {
  const inputs = noiseFor(model, BATCH, 1);
  const answers = answersOf(model, inputs, BATCH);
  const count = (weights: readonly { shape: unknown }[]) =>
    weights.reduce((sum, { shape }) => sum + (shape as number[]).reduce((a, b) => a * b, 1), 0);
  return {
    inputs: model.inputs.map(({ shape }, i) => ({
      shape: [BATCH, ...shape.slice(1)],
      data: packed(inputs[i]!.map((value) => value * scale)),
    })),
    outputs: model.outputs.map(({ shape }, i) => ({
      name: model.outputNames[i],
      shape: [BATCH, ...shape.slice(1)],
      data: packed(answers[i]!),
    })),
    trainable: Object.fromEntries(
      model.layers.filter(({ weights }) => weights.length > 0).map((layer) => [layer.name, layer.trainable]),
    ),
    weights: count(model.layers.flatMap((layer) => layer.weights)),
    trained: count(model.layers.flatMap((layer) => (layer.trainable ? layer.trainableWeights : []))),
  };
}

async function write() {
  await useEngine('wasm');
  const manifest: Record<string, object> = {};
  const add = async (name: string, bytes: Uint8Array, about: object) => {
    await store.write(name, bytes);
    manifest[name] = about;
  };
  const faces = modelA(64, 1);
  for (const format of ['keras', 'h5'] as const) {
    await add(`model-a.${format}`, await exportKeras(faces, { format, load }), expected(faces.layersModel));
    const bytes = await exportKeras(faces, { format, load, bytes: true });
    await add(`model-a-bytes.${format}`, bytes, expected(faces.layersModel, 255));
  }
  await tf.setBackend('cpu'); // some of the layers below have no kernel in wasm
  for (const [i, spec] of fc.sample(modelSpec, { numRuns: 40, seed: 5 }).entries()) {
    const model = builtFrom(spec);
    for (const format of ['keras', 'h5'] as const) {
      await add(`drawn-${i}.${format}`, await exportKeras(model, { format, load }), expected(model));
    }
    model.dispose();
  }
  await store.write('manifest.json', json(manifest));
}

await { write }[order]!();
