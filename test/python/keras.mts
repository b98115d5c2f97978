/**
 * What this library writes for Keras, and what it makes of what Keras wrote; for check_keras.py:
 * `keras.mts write FOLDER` and `keras.mts read FOLDER`.
 */
import fc from 'fast-check';
import { modelA } from '../../examples/study/model-a-network.js';
import { modelB } from '../../examples/study/model-b-network.js';
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
import { silenceCpuAdvice } from '../../src/tensor/silenceCpuAdvice.js';
import { tf } from '../../src/tensor/tf.js';
import { answersOf, builtFrom, modelSpec, noiseFor } from '../laws/models.js';

const [, , order, folder] = process.argv as [string, string, string, string];
const store = folderStore(folder);
const BATCH = 3;
/** As in check_keras.py. */
const LEAST = 1e-30;

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

const SIDE = 10;
const GENDERS = ['male', 'female'] as const;
const KINDS = ['round', 'long', 'flat'] as const;

/** Nothing random in it, so that a step here and one in Keras are the same step. */
const steady = (seed: number, sees: BranchOptions = {}) => {
  const model = multiTask({ input: [SIDE, SIDE, 3], seed })
    .trunk(
      sharedTrunk([
        conv(4, 3, { padding: 'same' }),
        batchNorm(),
        residual([depthwiseConv(3, { padding: 'same', l2: 1e-3 }), conv(6, 1, { activation: 'swish' })]),
        // A bias straight before a batch normalisation has no gradient but rounding, which Adam blows up.
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
    .task('gender', binary(GENDERS, { metrics: [accuracy()] }), branch([globalAveragePool(), dense(4)], sees))
    .task('kind', categorical(KINDS), branch([globalAveragePool()]))
    .build();
  // A frozen start: the first convolution and the batch normalisation behind it.
  for (const name of ['trunk_conv1', 'trunk_bn1']) model.layersModel.getLayer(name).trainable = false;
  return model;
};

const OPTIMISERS: { readonly [name: string]: () => Optimizer } = {
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

/** A run of two steps, written; and the weights after a third one on the same images. */
async function goingOn(name: string, optimizer: Optimizer, seed: number, sees: BranchOptions = {}) {
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
  const model = steady(seed, sees);
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
    { shape: weight.shape, data: packed(weight.read().dataSync() as Float32Array) },
  ]);
  const pixels = Float32Array.from(images.flatMap((image) => [...image]));
  return {
    files,
    images: { shape: [count, SIDE, SIDE, 3], data: packed(pixels) },
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
  const add = async (name: string, bytes: Uint8Array, about: object) => {
    await store.write(name, bytes);
    manifest[name] = about;
  };
  const faces = modelA(64, { seed: 1 });
  for (const format of ['keras', 'h5'] as const) {
    await add(`model-a.${format}`, await exportKeras(faces, { format }), expected(faces.layersModel));
    const bytes = await exportKeras(faces, { format, bytes: true });
    await add(`model-a-bytes.${format}`, bytes, expected(faces.layersModel, 255));
  }
  for (const [grey, name] of [
    [['gender'], 'gender'],
    [['age'], 'age'],
    [['age', 'gender'], 'both'],
  ] as const) {
    const seeing = modelA(64, { seed: 1, grey });
    for (const format of ['keras', 'h5'] as const) {
      const bytes = format === 'h5';
      const file = await exportKeras(seeing, { format, bytes });
      await add(`grey-for-${name}.${format}`, file, expected(seeing.layersModel, bytes ? 255 : 1));
    }
    seeing.dispose();
  }
  const alone = multiTask({ input: [SIDE, SIDE, 3] })
    .task('age', regression({ unit: 'years' }), branch([flatten()]))
    .build();
  for (const [name, make] of Object.entries(OPTIMISERS)) {
    const model = steady(1);
    const [optimizer, loss] = [make(), weightedLoss({ age: 2, gender: 5, kind: 1 })];
    const bytes = await exportKeras(model, { format: 'h5', optimizer, loss });
    await add(`compiled-${name}.h5`, bytes, {
      ...expected(model.layersModel),
      optimizer: optimizer.rule.name,
    });
  }
  for (const format of ['keras', 'h5'] as const) {
    const optimizer = adam({ learningRate: 1 }); // a whole number, which Keras wants as a float
    await add(
      `alone.${format}`,
      await exportKeras(alone, { format, optimizer }),
      expected(alone.layersModel),
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
    await add(`sequential.${format}`, await exportKeras(chain, { format }), expected(chain));
  }
  const options = { weights: null } as const;
  for (const [name, backbone] of [
    ['resnet50', await resnet50Backbone({ ...options, trainableFrom: 'conv5' })],
    ['mobilenet', await mobileNetV2Backbone({ ...options, trainable: true })],
    ['efficientnet', await efficientNetB0Backbone({ ...options, trainable: false })],
  ] as const) {
    const model = modelB(48, backbone, 1);
    await add(`${name}.keras`, await exportKeras(model), expected(model.layersModel));
    const file = await exportKeras(model, { format: 'h5', bytes: true });
    await add(`${name}.h5`, file, expected(model.layersModel, 255));
    model.dispose();
  }
  const runs = [];
  for (const [i, [name, make]] of Object.entries(OPTIMISERS).entries())
    runs.push(await goingOn(name, make(), i));
  // A trunk that is called twice pays one penalty, and moves its averages twice a step.
  for (const name of ['adam', 'sgd'])
    runs.push(await goingOn(`${name}-grey`, OPTIMISERS[name]!(), 1, { inputView: grayscaleImage() }));
  await store.write('runs.json', json(runs));
  await tf.setBackend('cpu');
  silenceCpuAdvice();
  // Some of the layers below have no kernel in wasm.
  for (const [i, spec] of fc.sample(modelSpec, { numRuns: 40, seed: 5 }).entries()) {
    const model = builtFrom(spec);
    for (const format of ['keras', 'h5'] as const) {
      await add(`drawn-${i}.${format}`, await exportKeras(model, { format }), expected(model));
    }
    model.dispose();
  }
  await store.write('manifest.json', json(manifest));
}

const unpacked = (text: string) => new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer);

interface Real {
  readonly inputs: readonly { readonly shape: number[]; readonly data: string }[];
  readonly outputs: readonly { readonly shape: number[]; readonly data: string }[];
  /** How many numbers are trained. */
  readonly trained: number;
  /** A second file, with the weights. */
  readonly weights?: string;
}

/** Reads files of Keras, holds them to the answers Keras gave, and writes them again for it to read. */
async function read() {
  await useEngine('wasm');
  const bytes = async (name: string) => (await store.read(name))!;
  const real: { readonly [name: string]: Real } = JSON.parse(
    new TextDecoder().decode(await bytes('manifest.json')),
  );
  const again: Record<string, object> = {};
  let worst = 0;
  for (const [name, { inputs, outputs, trained, weights }] of Object.entries(real)) {
    const second = weights === undefined ? {} : { weights: await bytes(weights) };
    const model = await loadKeras(await bytes(name), { name, ...second });
    const given = answersOf(
      model,
      inputs.map(({ data }) => unpacked(data)),
      BATCH,
    );
    outputs.forEach(({ data }, i) => {
      const wanted = unpacked(data);
      const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), LEAST);
      const far =
        wanted.reduce((most, value, j) => Math.max(most, Math.abs(value - given[i]![j]!)), 0) / largest;
      worst = Math.max(worst, far);
      if (!(far < 1e-5)) throw new Error(`${name}: answers differ by ${far}`);
    });
    const about = expected(model);
    if (about.trained !== trained)
      throw new Error(`${name}: ${about.trained} numbers are trained, not ${trained}`);
    for (const format of ['keras', 'h5'] as const) {
      const file = `again-${name}.${format}`;
      await store.write(file, await exportKeras(model, { format }));
      again[file] = about;
    }
    model.dispose();
  }
  await store.write('again.json', json(again));
  console.log(`${Object.keys(real).length} files of Keras read: answers within ${worst.toExponential(1)}`);
}

await (order === 'write' ? write() : read());
