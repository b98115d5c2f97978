import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import {
  adam,
  branch,
  constantSchedule,
  customLoss,
  exponentialDecay,
  exportKeras,
  exportOnnx,
  flatten,
  type Metric,
  mae,
  memoryStore,
  multiTask,
  type Optimizer,
  regression,
  type Schedule,
  sgd,
  warmup,
  weightedLoss,
} from '../../src/entries/node.js';
import { saveFile } from '../../src/node/index.js';
import { catchError } from './catchError.js';
import { good, small } from './small.js';

const { layers } = tf;

/** Returns a model with one layer after an input of `shape`. */
function createModel(shape: number[], layer: tf.layers.Layer) {
  const image = tf.input({ shape, name: 'image' });
  return tf.model({ inputs: image, outputs: layer.apply(image) as ReturnType<typeof tf.input> });
}

const IMAGE = [8, 8, 3];

describe('exportKeras with a layer that has no Keras equivalent', () => {
  const inner = tf.sequential({ layers: [layers.flatten({ inputShape: IMAGE })] });
  test.each<[string, tf.layers.Layer, number[], RegExp]>([
    ['eye (Resizing)', layers.resizing({ height: 4, width: 4, name: 'eye' }), IMAGE, /corners/],
    ['eye (CenterCrop)', layers.centerCrop({ height: 4, width: 4, name: 'eye' }), IMAGE, /cropping2D/],
    ['eye (LSTM)', layers.lstm({ units: 2, name: 'eye' }), [4, 3], /image layers/],
    ['eye (Embedding)', layers.embedding({ inputDim: 3, outputDim: 2, name: 'eye' }), [4], /image models/],
    [
      'eye (interpolation)',
      layers.upSampling2d({ interpolation: 'bilinear', name: 'eye' }),
      IMAGE,
      /nearest/,
    ],
    [
      'eye (dilationRate)',
      layers.depthwiseConv2d({ kernelSize: 3, dilationRate: 2, name: 'eye' }),
      IMAGE,
      /ignores/,
    ],
    ['eye (activation)', layers.dense({ units: 1, activation: 'hardSigmoid', name: 'eye' }), [3], /0\.2 x/],
    ['eye (activation)', layers.activation({ activation: 'gelu_new' as 'relu', name: 'eye' }), [3], /tanh/],
    ['one/eye', layers.dense({ units: 1, name: 'one/eye' }), [3], /Rename the layer/],
    [inner.name, inner, IMAGE, /flat/],
  ])('rejects the layer, and the error names the layer: %s', async (path, layer, shape, advice) => {
    const fault = await catchError(() => exportKeras(createModel(shape, layer)));
    expect(fault).toMatchObject({ kind: 'argument', path });
    expect(fault.advice).toMatch(advice);
  });

  test('rejects layer normalization over two axes in the h5 format, because Keras cannot load it, but accepts it in the .keras format', async () => {
    const model = createModel(IMAGE, layers.layerNormalization({ axis: [2, 3], name: 'eye' }));
    expect(await catchError(() => exportKeras(model, { format: 'h5' }))).toMatchObject({
      path: 'eye (axis)',
    });
    expect((await exportKeras(model)).length).toBeGreaterThan(0);
  });
});

describe('exportKeras with a training setting that has no Keras equivalent', () => {
  const unsupportedLoss = customLoss('log_cosh', () => tf.tensor1d([0]));
  const [unsupportedMetric]: Metric[] = [{ ...mae(), name: 'share' }];
  const half: Schedule = Object.assign(() => 0.5, { description: { name: 'half' } });
  const model = (task: object) =>
    multiTask({ input: [8, 8, 3] })
      .task('age', regression({ unit: 'years', ...task }), branch([flatten()]))
      .build();
  test.each<[string, object, Optimizer, RegExp]>([
    ['age.loss', { loss: unsupportedLoss }, adam(), /"log_cosh"/],
    ['age.metrics', { metrics: [unsupportedMetric] }, adam(), /"share"/],
    ['adam.learningRate', {}, adam({ learningRate: half }), /half/],
    [
      'sgd.learningRate',
      {},
      sgd({ learningRate: warmup(constantSchedule(1), { steps: 2 }) }),
      /warmup\(\) followed by the constant schedule/,
    ],
    [
      'optimizer',
      {},
      adam({
        gradientAccumulationSteps: 2,
        learningRate: exponentialDecay({ initialLearningRate: 1, decaySteps: 1, decayRate: 0.5 }),
      }),
      /both/,
    ],
    ['optimizer', {}, { ...adam(), rule: { ...adam().rule, name: 'lion' } }, /lion/],
  ])(
    'rejects the setting at the path %s, and the error contains the path',
    async (path, task, optimizer, received) => {
      const fault = await catchError(() => exportKeras(model(task), { optimizer }));
      expect(fault).toMatchObject({ kind: 'argument', path, received: expect.stringMatching(received) });
    },
  );
});

describe('exportKeras with incompatible options', () => {
  const loss = weightedLoss({ age: 1, gender: 1 });
  const classes = weightedLoss({ age: 1, gender: 1 }, { classWeights: { gender: { female: 2 } } });
  const incompleteLoss = weightedLoss({ age: 1 }) as never;
  const store = memoryStore();
  test.each<[string, object]>([
    ['exportKeras.format', { format: 'hdf5' }],
    ['exportKeras.optimizer', { loss }],
    ['exportKeras.optimizer', { checkpoint: store }],
    ['exportKeras.checkpoint', { checkpoint: store, optimizer: adam(), format: 'h5' }],
    ['exportKeras.loss.classWeights', { loss: classes, optimizer: adam() }],
    ['weightedLoss.gender', { loss: incompleteLoss, optimizer: adam() }],
  ])('rejects the options, and the error contains the path %s', async (path, options) => {
    const fault = await catchError(() => exportKeras(small(), options));
    expect(fault).toMatchObject({ kind: 'argument', path });
  });

  test('rejects bytes: true for a plain LayersModel', async () => {
    const plain = createModel([3], layers.dense({ units: 1 }));
    const options: object = { bytes: true }; // The type does not allow this option.
    expect(await catchError(() => exportKeras(plain, options))).toMatchObject({ path: 'exportKeras.bytes' });
  });
});

describe('exportKeras and exportOnnx', () => {
  const cases: [string, unknown, string, string?][] = [
    ['no arguments', undefined, 'undefined'],
    ['a promise', Promise.resolve(1), 'a promise', 'Await the promise first.'],
    ['a path', 'face.keras', 'the string "face.keras"'],
  ];
  test.each(cases)('reject an argument that is not a model: %s', async (_, model, received, advice) => {
    for (const [path, call] of [
      ['exportKeras', () => exportKeras(model as never)],
      ['exportOnnx', () => exportOnnx(model as never)],
    ] as const) {
      expect(await catchError(call)).toMatchObject({ path, received, ...(advice && { advice }) });
    }
  });

  test('reject a disposed model with the same error as predict', async () => {
    const model = small();
    model.dispose();
    const { received, advice } = await catchError(() => model.predict([] as never));
    for (const call of [
      () => exportKeras(model),
      () => exportOnnx(model),
      () => exportKeras(model.layersModel),
    ])
      expect(await catchError(call)).toMatchObject({ received, advice });
  });
});

describe('saveFile', () => {
  const advice = "Write saveFile('face.keras', await exportKeras(model)).";

  test('rejects a model or an empty string in place of the path', async () => {
    const swapped = await catchError(() => saveFile(small() as never, 'out/x.keras' as never));
    expect(swapped).toMatchObject({ kind: 'argument', path: 'saveFile', advice });
    expect(await catchError(() => saveFile('', new Uint8Array(1)))).toMatchObject({
      received: 'the string ""',
    });
  });

  test('rejects a model, a string or a promise in place of the bytes', async () => {
    const path = 'out/x.keras';
    expect(await catchError(() => saveFile(path, small() as never))).toMatchObject({
      kind: 'argument',
      path,
      advice,
    });
    expect(await catchError(() => saveFile(path, 'text' as never))).toMatchObject({ path, advice });
    const promise = await catchError(() => saveFile(path, exportKeras(small()) as never));
    expect(promise).toMatchObject({ path, received: 'a promise', advice: 'Await the promise first.' });
  });

  test('rejects the path of an existing folder, and leaves no temporary file behind', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'save-file-'));
    try {
      mkdirSync(join(folder, 'x.keras'));
      const error = await catchError(() => saveFile(join(folder, 'x.keras'), new Uint8Array(1)));
      expect(error).toMatchObject({ kind: 'file', path: join(folder, 'x.keras') });
      expect(readdirSync(folder)).toEqual(['x.keras']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('exportKeras with the checkpoint option', () => {
  const settings = { epochs: 1, batchSize: 12, engine: 'wasm' } as const;

  test('rejects a missing checkpoint, and a checkpoint from a run with a different optimizer', async () => {
    const checkpoint = memoryStore();
    const model = small();
    const missing = await catchError(() => exportKeras(model, { optimizer: adam(), checkpoint }));
    expect(missing).toMatchObject({ kind: 'checkpoint', path: 'memory/checkpoint.safetensors' });
    await model.fit(good(), { ...settings, checkpoint });
    const other = await catchError(() => exportKeras(model, { optimizer: sgd(), checkpoint }));
    expect(other).toMatchObject({
      kind: 'checkpoint',
      received: 'a checkpoint of a run that differs in optimizer',
    });
  });

  test('rejects a checkpoint if the frozen weights have changed since the checkpoint was written', async () => {
    const checkpoint = memoryStore();
    const model = small();
    const frozen = model.layersModel.layers[1]!;
    frozen.trainable = false;
    await model.fit(good(), { ...settings, checkpoint });
    const options = { optimizer: adam(), checkpoint };
    expect((await exportKeras(model, options)).length).toBeGreaterThan(0);
    for (const weight of frozen.weights) weight.write(tf.ones(weight.shape as number[]));
    const other = await catchError(() => exportKeras(model, options));
    expect(other).toMatchObject({
      kind: 'checkpoint',
      received: 'a checkpoint of a run that differs in frozen weights',
    });
  });

  test('writes the weights from the checkpoint instead of the current weights of the model', async () => {
    const checkpoint = memoryStore();
    const model = small();
    await model.fit(good(), { ...settings, checkpoint });
    const options = { optimizer: adam(), checkpoint };
    const before = await exportKeras(model, options);
    for (const weight of model.layersModel.weights) weight.write(tf.zeros(weight.shape as number[]));
    expect(await exportKeras(model, options)).toEqual(before);
  });
});
