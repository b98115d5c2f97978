/**
 * Writes files for Keras and reads files from Keras, for check_keras.py: `keras.mts write FOLDER` and
 * `keras.mts read FOLDER`.
 */

import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { modelA } from '../../examples/study/modelA.js';
import { modelB } from '../../examples/study/modelB.js';
import {
  accuracy,
  adam,
  adamw,
  type BranchOptions,
  batchNorm,
  binary,
  branch,
  categorical,
  conv,
  cosineDecay,
  createRng,
  dense,
  depthwiseConv,
  efficientNetB0Backbone,
  exponentialDecay,
  exportKeras,
  flatten,
  globalAveragePool,
  grayscaleImage,
  huber,
  imagesInMemory,
  loadKeras,
  mae,
  memoryStore,
  mobileNetV2Backbone,
  mse,
  multiTask,
  type Optimizer,
  regression,
  residual,
  resnet50Backbone,
  rmse,
  sgd,
  sharedTrunk,
  useEngine,
  warmup,
  weightedLoss,
} from '../../src/entries/node.js';
import { folderStore } from '../../src/node/index.js';
import { ensureBackend } from '../../src/tensor/hostBackend.js';
import { answersOf, buildModel, modelSpec, noiseFor } from '../laws/models.js';

const [, , order, folder] = process.argv as [string, string, string, string];
const store = folderStore(folder);
const BATCH = 3;
/** Same as in check_keras.py. */
const MIN_LARGEST = 1e-30;

/** Encodes numbers for Python: `np.frombuffer(base64.b64decode(text), np.float32)`. */
const encodeFloats = (values: Float32Array) =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** Returns what Keras must find in a file: outputs for images, flags, counts. */
function describeModel(model: tf.LayersModel, scale = 1) {
  const inputs = noiseFor(model, BATCH, 1);
  const answers = answersOf(model, inputs, BATCH);
  const count = (weights: readonly { shape: unknown }[]) =>
    weights.reduce((sum, { shape }) => sum + (shape as number[]).reduce((a, b) => a * b, 1), 0);
  return {
    inputs: model.inputs.map(({ shape }, i) => ({
      shape: [BATCH, ...shape.slice(1)],
      data: encodeFloats(inputs[i]!.map((value) => value * scale)),
    })),
    outputs: model.outputs.map(({ shape }, i) => ({
      name: model.outputNames[i],
      shape: [BATCH, ...shape.slice(1)],
      data: encodeFloats(answers[i]!),
    })),
    trainable: Object.fromEntries(
      model.layers.filter(({ weights }) => weights.length > 0).map((layer) => [layer.name, layer.trainable]),
    ),
    weights: count(model.layers.flatMap((layer) => layer.weights)),
    trained: count(model.layers.flatMap((layer) => (layer.trainable ? layer.trainableWeights : []))),
  };
}

const SIDE = 10;
const GENDERS = ['male', 'female'] as const;
const KINDS = ['round', 'long', 'flat'] as const;

/** Creates a model without randomness, so that a step here equals a step in Keras. */
const createDeterministicModel = (seed: number, branchOptions: BranchOptions = {}) => {
  const model = multiTask({ input: [SIDE, SIDE, 3], seed })
    .trunk(
      sharedTrunk([
        conv(4, 3, { padding: 'same' }),
        batchNorm(),
        residual([depthwiseConv(3, { padding: 'same', l2: 1e-3 }), conv(6, 1, { activation: 'swish' })]),
        // The gradient of a bias directly before batch normalization is only rounding error, which Adam amplifies.
        conv(4, 1),
        batchNorm({ momentum: 0.9 }),
      ]),
    )
    .task(
      'age',
      regression({
        unit: 'years',
        loss: huber({ delta: 2 }),
        metrics: [mae(), rmse(), mse({ weighted: true })],
      }),
      branch([conv(3, 3, { strides: 2 }), flatten(), dense(5, { l2: 1e-2 })]),
    )
    .task(
      'gender',
      binary(GENDERS, { metrics: [accuracy()] }),
      branch([globalAveragePool(), dense(4)], branchOptions),
    )
    .task('kind', categorical(KINDS), branch([globalAveragePool()]))
    .build();
  // Freezes the beginning: the first convolution and the batch normalization after it.
  for (const name of ['trunk_conv1', 'trunk_bn1']) model.layersModel.getLayer(name).trainable = false;
  return model;
};

const OPTIMIZERS: { readonly [name: string]: () => Optimizer } = {
  adam: () => adam({ learningRate: 0.01 }),
  'adam-exponential': () =>
    adam({
      learningRate: exponentialDecay({ initialLearningRate: 1, decaySteps: 1, decayRate: 0.01 }),
      clipValue: 0.5,
      weightDecay: 0.01,
    }),
  'adam-waiting': () => adam({ learningRate: 0.01, gradientAccumulationSteps: 2 }),
  'adamw-cosine': () =>
    adamw({
      learningRate: cosineDecay({ initialLearningRate: 0.02, decaySteps: 7, alpha: 0.1 }),
      globalClipNorm: 1,
    }),
  sgd: () => sgd({ learningRate: 0.05 }),
  'sgd-nesterov': () =>
    sgd({
      learningRate: warmup(cosineDecay({ initialLearningRate: 0.05, decaySteps: 9 }), {
        steps: 5,
        initialLearningRate: 0.01,
      }),
      momentum: 0.9,
      nesterov: true,
      clipNorm: 1,
    }),
};

/**
 * Runs two training steps and writes the model; then runs a third one on the same images and returns the
 * weights.
 */
async function recordResumedRun(
  name: string,
  optimizer: Optimizer,
  seed: number,
  branchOptions: BranchOptions = {},
) {
  const count = 6;
  const random = createRng(seed, 'images');
  const images = Array.from({ length: count }, () =>
    Uint8Array.from({ length: SIDE * SIDE * 3 }, () => random.nextInt(256)),
  );
  const labels = images.map((_, i) => ({ age: i - 2, gender: GENDERS[i % 2]!, kind: KINDS[i % 3]! }));
  const dataset = imagesInMemory(
    images.map((data, i) => ({
      image: { data, height: SIDE, width: SIDE, channels: 3 },
      labels: labels[i]!,
    })),
  );
  const model = createDeterministicModel(seed, branchOptions);
  const checkpoint = memoryStore();
  const loss = weightedLoss({ age: 2, gender: 5, kind: 1 });
  const settings = { batchSize: count, shuffle: false, loss, optimizer, checkpoint, engine: 'wasm' } as const;
  await model.fit(dataset, { ...settings, epochs: 2 });
  const files = [];
  for (const bytes of [false, true]) {
    const file = `${name}${bytes ? '-bytes' : ''}.keras`;
    await store.write(file, await exportKeras(model, { bytes, optimizer, loss, checkpoint }));
    files.push({ file, bytes });
  }
  const { rows } = await model.fit(dataset, { ...settings, epochs: 3, resume: true });
  const { epoch: _, seconds: __, learning_rate: ___, ...logs } = rows[2]!;
  const weights = model.layersModel.weights.map((weight) => [
    weight.originalName,
    { shape: weight.shape, data: encodeFloats(weight.read().dataSync() as Float32Array) },
  ]);
  const pixels = Float32Array.from(images.flatMap((image) => [...image]));
  return {
    files,
    images: { shape: [count, SIDE, SIDE, 3], data: encodeFloats(pixels) },
    targets: {
      age: labels.map(({ age }) => [age]),
      gender: labels.map(({ gender }) => [GENDERS.indexOf(gender)]),
      kind: labels.map(({ kind }) => KINDS.map((label) => (label === kind ? 1 : 0))),
    },
    logs,
    weights: Object.fromEntries(weights),
  };
}

async function write() {
  await useEngine('wasm');
  const manifest: Record<string, object> = {};
  const add = async (name: string, bytes: Uint8Array, description: object) => {
    await store.write(name, bytes);
    manifest[name] = description;
  };
  const faces = modelA(64, { seed: 1 });
  for (const format of ['keras', 'h5'] as const) {
    await add(`model-a.${format}`, await exportKeras(faces, { format }), describeModel(faces.layersModel));
    const bytes = await exportKeras(faces, { format, bytes: true });
    await add(`model-a-bytes.${format}`, bytes, describeModel(faces.layersModel, 255));
  }
  for (const [grayscale, name] of [
    [['gender'], 'gender'],
    [['age'], 'age'],
    [['age', 'gender'], 'both'],
  ] as const) {
    const grayscaleModel = modelA(64, { seed: 1, grayscale });
    for (const format of ['keras', 'h5'] as const) {
      const bytes = format === 'h5';
      const file = await exportKeras(grayscaleModel, { format, bytes });
      await add(
        `gray-for-${name}.${format}`,
        file,
        describeModel(grayscaleModel.layersModel, bytes ? 255 : 1),
      );
    }
    grayscaleModel.dispose();
  }
  const singleTaskModel = multiTask({ input: [SIDE, SIDE, 3] })
    .task('age', regression({ unit: 'years' }), branch([flatten()]))
    .build();
  for (const [name, createOptimizer] of Object.entries(OPTIMIZERS)) {
    const model = createDeterministicModel(1);
    const [optimizer, loss] = [createOptimizer(), weightedLoss({ age: 2, gender: 5, kind: 1 })];
    const bytes = await exportKeras(model, { format: 'h5', optimizer, loss });
    await add(`compiled-${name}.h5`, bytes, {
      ...describeModel(model.layersModel),
      optimizer: optimizer.rule.name,
    });
  }
  for (const format of ['keras', 'h5'] as const) {
    const optimizer = adam({ learningRate: 1 }); // an integer, which Keras must read as a float
    await add(
      `alone.${format}`,
      await exportKeras(singleTaskModel, { format, optimizer }),
      describeModel(singleTaskModel.layersModel),
    );
  }
  const chain = tf.sequential({
    layers: [
      tf.layers.conv2d({ filters: 2, kernelSize: 3, inputShape: [8, 8, 1] }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 2, trainable: false }),
    ],
  });
  for (const format of ['keras', 'h5'] as const) {
    await add(`sequential.${format}`, await exportKeras(chain, { format }), describeModel(chain));
  }
  const options = { weights: null } as const;
  for (const [name, backbone] of [
    ['resnet50', await resnet50Backbone({ ...options, trainableFrom: 'conv5' })],
    ['mobilenet', await mobileNetV2Backbone({ ...options, trainable: true })],
    ['efficientnet', await efficientNetB0Backbone({ ...options, trainable: false })],
  ] as const) {
    const model = modelB(48, backbone, 1);
    await add(`${name}.keras`, await exportKeras(model), describeModel(model.layersModel));
    const file = await exportKeras(model, { format: 'h5', bytes: true });
    await add(`${name}.h5`, file, describeModel(model.layersModel, 255));
    model.dispose();
  }
  const runs = [];
  for (const [i, [name, createOptimizer]] of Object.entries(OPTIMIZERS).entries())
    runs.push(await recordResumedRun(name, createOptimizer(), i));
  // A trunk that is called twice adds one L2 penalty and updates its moving averages twice per step.
  for (const name of ['adam', 'sgd'])
    runs.push(
      await recordResumedRun(`${name}-gray`, OPTIMIZERS[name]!(), 1, { inputView: grayscaleImage() }),
    );
  await store.write('runs.json', json(runs));
  await tf.setBackend('cpu');
  ensureBackend();
  // Some of the following layers have no wasm kernel.
  for (const [i, spec] of fc.sample(modelSpec, { numRuns: 40, seed: 5 }).entries()) {
    const model = buildModel(spec);
    for (const format of ['keras', 'h5'] as const) {
      await add(`drawn-${i}.${format}`, await exportKeras(model, { format }), describeModel(model));
    }
    model.dispose();
  }
  await store.write('manifest.json', json(manifest));
}

const decodeFloats = (text: string) => new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer);

interface KerasFileRecord {
  readonly inputs: readonly { readonly shape: number[]; readonly data: string }[];
  readonly outputs: readonly { readonly shape: number[]; readonly data: string }[];
  /** Number of trainable parameters. */
  readonly trained: number;
  /** Path of a second file with the weights. */
  readonly weights?: string;
}

/** Reads files of Keras, compares outputs with Keras's, and writes the files again for Keras to read. */
async function read() {
  await useEngine('wasm');
  const bytes = async (name: string) => (await store.read(name))!;
  const records: { readonly [name: string]: KerasFileRecord } = JSON.parse(
    new TextDecoder().decode(await bytes('manifest.json')),
  );
  const rewrittenFiles: Record<string, object> = {};
  let worst = 0;
  for (const [name, { inputs, outputs, trained, weights }] of Object.entries(records)) {
    const second = weights === undefined ? {} : { weights: await bytes(weights) };
    const model = await loadKeras(await bytes(name), { name, ...second });
    const predicted = answersOf(
      model,
      inputs.map(({ data }) => decodeFloats(data)),
      BATCH,
    );
    outputs.forEach(({ data }, i) => {
      const expected = decodeFloats(data);
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), MIN_LARGEST);
      const difference =
        expected.reduce((most, value, j) => Math.max(most, Math.abs(value - predicted[i]![j]!)), 0) / largest;
      worst = Math.max(worst, difference);
      if (!(difference < 1e-5)) throw new Error(`${name}: outputs differ by ${difference}`);
    });
    const description = describeModel(model);
    if (description.trained !== trained)
      throw new Error(`${name}: ${description.trained} trainable parameters, expected ${trained}`);
    for (const format of ['keras', 'h5'] as const) {
      const file = `again-${name}.${format}`;
      await store.write(file, await exportKeras(model, { format }));
      rewrittenFiles[file] = description;
    }
    model.dispose();
  }
  await store.write('again.json', json(rewrittenFiles));
  console.log(`${Object.keys(records).length} files of Keras read: outputs within ${worst.toExponential(1)}`);
}

await (order === 'write' ? write() : read());
