import { describe, expect, test } from 'vitest';
import { modelA } from '../../examples/study/modelA.js';
import { checkMemory } from '../../src/engines/checkMemory.js';
import {
  adam,
  bestCheckpoint,
  binary,
  type Callback,
  cosineDecay,
  earlyStopping,
  exponentialDecay,
  imagesInMemory,
  loadModel,
  mae,
  meanSquaredError,
  memoryStore,
  randomFlip,
  randomRotation,
  randomZoom,
  reduceLROnPlateau,
  regression,
  sgd,
  useEngine,
  warmup,
  weightedLoss,
} from '../../src/entries/node.js';
import { createNetwork } from '../../src/network/buildNetwork.js';
import { catchError } from './catchError.js';
import { faces, good, settings, small } from './small.js';

/** Returns the error of `fit` with these options, which are not type-checked. */
const fitFault = (options: object, train: unknown = good()) =>
  catchError(() => small().fit(train as ReturnType<typeof good>, { ...settings, ...options } as never));

test('fit rejects a model while another call to fit trains the model, and accepts the model afterwards', async () => {
  const model = small();
  const first = model.fit(good(), settings);
  const second = await catchError(() => model.fit(good(), settings));
  expect(second).toMatchObject({ kind: 'argument', path: 'fit' });
  expect(second.received).toBe('a model that another call to fit() is training');
  await first;
  expect((await model.fit(good(), settings)).rows).not.toHaveLength(0);
});

describe('weightedLoss', () => {
  test('rejects a weight for an unknown task, and the error lists the tasks and suggests the most similar name', async () => {
    const near = await fitFault({ loss: weightedLoss({ agee: 1, gender: 50 }) });
    expect(near).toMatchObject({ kind: 'argument', path: 'weightedLoss.agee', received: '"agee"' });
    expect(near.expected).toBe('a task of the model (age, gender)');
    expect(near.advice).toBe('Did you mean "age"?');
    const unknown = await fitFault({ loss: weightedLoss({ age: 1, gender: 1, height: 1 }) });
    expect(unknown).toMatchObject({ path: 'weightedLoss.height', received: '"height"' });
    expect(unknown.advice).toContain('Remove this entry');
    const evaluated = await catchError(() =>
      small().evaluate(good(), { loss: weightedLoss({ agee: 1, gender: 1 }) as never, engine: 'wasm' }),
    );
    expect(evaluated).toMatchObject({ kind: 'argument', path: 'weightedLoss.agee' });
  });

  test('rejects a task without a weight, and a weight that is negative or not finite', async () => {
    const missing = await fitFault({ loss: weightedLoss({ age: 1 }) });
    expect(missing).toMatchObject({
      kind: 'argument',
      path: 'weightedLoss.gender',
      received: 'no weight for gender',
    });
    expect(missing.advice).toBe('Add a weight, or write gender: 0 to train without this task.');
    for (const weight of [Number.NaN, -1, Number.POSITIVE_INFINITY, '50']) {
      const error = await catchError(() => weightedLoss({ gender: weight as number }));
      expect(error).toMatchObject({ kind: 'argument', path: 'weightedLoss.gender' });
      expect(error.received).toBe(typeof weight === 'string' ? '"50"' : String(weight));
    }
  });

  test('rejects class weights for labels that are not in the label list of the task', async () => {
    const classWeights = (given: object) =>
      fitFault({ loss: weightedLoss({ age: 1, gender: 1 }, { classWeights: given as never }) });
    const label = await classWeights({ gender: { femal: 2 } });
    expect(label).toMatchObject({ path: 'weightedLoss.classWeights.gender.femal', received: '"femal"' });
    expect(label.advice).toBe('Did you mean "female"?');
    const number = await classWeights({ age: { old: 2 } });
    expect(number).toMatchObject({ path: 'weightedLoss.classWeights.age.old' });
    expect(number.expected).toContain('a regression has no labels');
    const task = await classWeights({ gendre: { female: 2 } });
    expect(task).toMatchObject({
      path: 'weightedLoss.classWeights.gendre',
      advice: 'Did you mean "gender"?',
    });
  });
});

describe('the monitor option of a callback', () => {
  const validation = good();

  test('is rejected if it is not a history column, and the error lists the columns and suggests the most similar name', async () => {
    const watch = (monitor: string) => [
      earlyStopping({ monitor }),
      bestCheckpoint(memoryStore(), { monitor }),
      reduceLROnPlateau({ monitor }),
    ];
    for (const callback of watch('val_agee_mae')) {
      const error = await fitFault({ validation, callbacks: [callback] });
      expect(error).toMatchObject({ kind: 'argument', path: `${callback.name}.monitor` });
      expect(error.received).toBe('"val_agee_mae"');
      expect(error.expected).toMatch(
        /^a column of the history: "loss", "age_loss", "age_mae", .*"val_gender_accuracy"$/,
      );
      expect(error.advice).toBe('Did you mean "val_age_mae"?');
    }
    const unknown = await fitFault({ callbacks: [earlyStopping({ monitor: 'happiness' as never })] });
    expect(unknown).toMatchObject({ path: 'earlyStopping.monitor', received: '"happiness"' });
    expect(unknown.advice).toBe('Set monitor to one of these columns.');
  });

  test('is rejected if the run does not compute the required validation column, and the error names the missing option', async () => {
    const plain = await fitFault({ callbacks: [earlyStopping()] });
    expect(plain).toMatchObject({ path: 'earlyStopping.monitor', received: '"val_loss"' });
    expect(plain.advice).toBe('Pass a validation dataset to fit().');
    const unaugmented = await fitFault({
      validation,
      callbacks: [earlyStopping({ monitor: 'val_unaugmented_age_mae' as never })],
    });
    expect(unaugmented.advice).toBe('Pass a validation dataset and evaluateUnaugmented: true to fit().');
    const unvalidated = await fitFault({ evaluateUnaugmented: true });
    expect(unvalidated).toMatchObject({
      kind: 'argument',
      path: 'fit.evaluateUnaugmented',
      received: 'no validation dataset',
    });
  });
});

describe('fit with an invalid option', () => {
  test.each([
    ['epochs', 0],
    ['epochs', 1.5],
    ['epochs', undefined],
    ['batchSize', 0],
    ['batchSize', -4],
    ['batchSize', Number.NaN],
    ['batchSize', '4'],
    ['seed', -1],
    ['seed', 0.5],
  ])('rejects an invalid value of the option %s: %s', async (name, value) => {
    const error = await fitFault({ [name]: value });
    expect(error).toMatchObject({ kind: 'argument', path: `fit.${name}` });
    expect(error.expected).toContain('an integer of at least');
    expect(error.received).toBe(typeof value === 'string' ? `"${value}"` : String(value));
  });

  test.each([
    ['loss', { age: 1, gender: 50 }, 'weightedLoss({'],
    ['optimizer', 'adam', 'adam()'],
    ['callbacks', [() => {}], 'earlyStopping()'],
    ['callbacks', earlyStopping(), '['],
    ['validation', [1, 2], 'split'],
    ['validation', Promise.resolve(good()), 'Await the promise'],
    ['featureCache', 'out/features', "folderStore('out/features')"],
    ['checkpoint', 'out', "checkpoint: folderStore('out')"],
    ['checkpoint', null, 'folderStore'],
  ])('rejects a value of the wrong type for the option %s: %j', async (name, value, advised) => {
    const error = await fitFault({ [name]: value });
    expect(error.kind).toBe('argument');
    expect(error.path).toMatch(new RegExp(`^fit\\.${name}`));
    expect(error.advice).toContain(advised);
  });

  test('rejects a training set that is not a dataset', async () => {
    for (const train of [null, [], 'faces/', Promise.resolve(good())]) {
      const error = await fitFault({}, train);
      expect(error).toMatchObject({ kind: 'argument', path: 'fit.train' });
      expect(error.advice).toContain(train instanceof Promise ? 'Await' : 'imageFolder');
    }
  });

  test('rejects a callback that changes the learning rate if the optimizer uses a schedule', async () => {
    const optimizer = adam({
      learningRate: exponentialDecay({ initialLearningRate: 0.1, decaySteps: 1, decayRate: 0.9 }),
    });
    const plateau = reduceLROnPlateau({ monitor: 'loss', patience: 0, minDelta: 1e9 });
    const error = await fitFault({ optimizer, callbacks: [plateau], epochs: 3 });
    expect(error).toMatchObject({ kind: 'argument', path: 'adam.learningRate' });
    expect(error.received).toBe('the exponentialDecay schedule');
  });

  test('rejects an unknown engine and an engine that is not installed', async () => {
    const error = await fitFault({ engine: 'wsam' });
    expect(error).toMatchObject({ kind: 'argument', path: 'engine', received: '"wsam"' });
    expect(error.advice).toBe('Did you mean "wasm"?');
    expect(error.expected).toContain('native');
    const native = await catchError(() => useEngine('native'));
    expect(native).toMatchObject({ kind: 'missing-package', path: 'engine native' });
    expect(native.advice).toContain('npm install @tensorflow/tfjs-node');
    const page = await fitFault({ engine: 'webgpu' });
    expect(page).toMatchObject({ kind: 'missing-package', path: 'engine webgpu' });
    expect(page.advice).toContain('Install');
  });
});

test('adam, earlyStopping, randomZoom and similar functions reject invalid numbers, and the error names the argument', async () => {
  const cases: [() => unknown, string][] = [
    [() => adam({ learningRate: Number.NaN }), 'adam.learningRate'],
    [() => adam({ learningRate: -1 }), 'adam.learningRate'],
    [() => adam({ learningRate: '0.001' as never }), 'adam.learningRate'],
    [() => adam({ beta1: 1 }), 'adam.beta1'],
    [() => adam({ clipNorm: 0 }), 'adam.clipNorm'],
    [() => adam({ clipNorm: 1, clipValue: 1 }), 'adam'],
    [() => adam({ gradientAccumulationSteps: 0 }), 'adam.gradientAccumulationSteps'],
    [() => sgd({ momentum: 1 }), 'sgd.momentum'],
    [
      () => exponentialDecay({ initialLearningRate: 0, decaySteps: 1, decayRate: 0.9 }),
      'exponentialDecay.initialLearningRate',
    ],
    [
      () => exponentialDecay({ initialLearningRate: 1, decaySteps: 0, decayRate: 0.9 }),
      'exponentialDecay.decaySteps',
    ],
    [() => cosineDecay({ initialLearningRate: 1, decaySteps: Number.NaN }), 'cosineDecay.decaySteps'],
    [() => warmup(cosineDecay({ initialLearningRate: 1, decaySteps: 1 }), { steps: 0 }), 'warmup.steps'],
    [() => earlyStopping({ patience: -1 }), 'earlyStopping.patience'],
    [() => reduceLROnPlateau({ factor: 1 }), 'reduceLROnPlateau.factor'],
    [() => bestCheckpoint(memoryStore(), { maxToKeep: 2 }), 'bestCheckpoint.folder'],
    [() => randomRotation({ degrees: Number.NaN }), 'randomRotation.degrees'],
    [() => randomZoom({ range: 1 }), 'randomZoom.range'],
    [() => randomFlip('horizontal', { probability: 2 }), 'randomFlip.probability'],
    [
      () => good().augment([randomRotation({ degrees: 1 }), randomRotation({ degrees: 2 })]),
      'augment.rotation',
    ],
  ];
  for (const [make, path] of cases) expect(await catchError(make)).toMatchObject({ kind: 'argument', path });
});

describe('dataset.augment()', () => {
  test.each([
    [[{ name: 'blur' }], 'augment[0]'],
    [randomFlip('horizontal'), 'augment'],
    [[randomFlip('both'), randomFlip('vertical')], 'augment.verticalFlip'],
  ])(
    'rejects a value that is not a list of transforms, and a list with a repeated transform: %#',
    async (transforms, path) => {
      const error = await catchError(() => good().augment(transforms as never));
      expect(error).toMatchObject({ kind: 'argument', path });
    },
  );

  test('rejects an unknown fill mode or option, and the error suggests the most similar name', async () => {
    const fill = await catchError(() => good().augment([], { fillMode: 'nearst' as 'nearest' }));
    expect(fill).toMatchObject({ path: 'augment.fillMode', received: '"nearst"' });
    expect(fill.advice).toBe('Did you mean "nearest"?');
    const option = await catchError(() => good().augment([], { fil: 'nearest' } as never));
    expect(option).toMatchObject({ path: 'augment', received: 'the option "fil"' });
    const mode = await catchError(() => randomFlip('horizontl' as 'horizontal'));
    expect(mode).toMatchObject({ path: 'randomFlip.mode', received: '"horizontl"' });
    expect(mode.advice).toBe('Did you mean "horizontal"?');
  });
});

describe('regression(), binary() and categorical()', () => {
  test('reject an unsupported loss or metric, and the error lists the supported losses or metrics', async () => {
    const loss = await catchError(() => regression({ unit: 'years', loss: 'msee' as 'mse' }));
    expect(loss).toMatchObject({ kind: 'argument', path: 'regression.loss', received: '"msee"' });
    expect(loss.advice).toBe('Did you mean "mse"?');
    const metric = await catchError(() => binary(['no', 'yes'], { metrics: ['mae' as 'accuracy'] }));
    expect(metric).toMatchObject({ kind: 'argument', path: 'binary.metrics[0]', received: '"mae"' });
    expect(metric.expected).toBe('a metric object, or the name "accuracy"');
    const list = await catchError(() => regression({ unit: 'years', metrics: 'mae' as never }));
    expect(list).toMatchObject({ path: 'regression.metrics', received: 'the string "mae"' });
  });

  test('reject a loss or metric function that was not called, and the error suggests calling the function', async () => {
    const loss = await catchError(() => regression({ unit: 'years', loss: meanSquaredError as never }));
    expect(loss.advice).toBe('Call the function: meanSquaredError(), not meanSquaredError.');
    const metric = await catchError(() => regression({ unit: 'years', metrics: [mae as never] }));
    expect(metric.advice).toBe('Call the function: mae(), not mae.');
  });
});

test('bestCheckpoint rejects an unknown column in the folder name, and suggests the most similar column', async () => {
  const name = '{epoch:02d}-{val_los:.3f}';
  const error = await fitFault({
    validation: good(),
    callbacks: [bestCheckpoint(memoryStore(), { folder: name })],
  });
  expect(error).toMatchObject({ kind: 'argument', path: 'bestCheckpoint.folder', received: '"{val_los}"' });
  expect(error.advice).toBe('Did you mean "val_loss"?');
});

describe('model.predict and model.evaluate', () => {
  test('reject an image of the wrong size, a file that cannot be decoded or read, and a value that is not an image', async () => {
    const model = small();
    const other = await catchError(() =>
      model.predict({ data: new Uint8Array(300), height: 10, width: 10, channels: 3 }),
    );
    expect(other).toMatchObject({ kind: 'argument', path: 'predict[0]', received: 'an image of 10x10x3' });
    const short = await catchError(() =>
      model.predict({ data: new Uint8Array(100), height: 8, width: 8, channels: 3 }),
    );
    expect(short).toMatchObject({ kind: 'argument', path: 'predict[0]', received: '100 bytes' });
    const encoded = await catchError(() => model.predict(new Uint8Array(100)));
    expect(encoded).toMatchObject({ kind: 'data', path: 'predict[0]' });
    expect(encoded.advice).toContain('JPEG');
    const missing = await catchError(() => model.predict('missing.jpg'));
    expect(missing).toMatchObject({
      kind: 'file',
      path: 'missing.jpg',
      received: 'a file or folder that does not exist (ENOENT)',
    });
    for (const input of [undefined, 7 as never, [null]]) {
      expect(await catchError(() => model.predict(input as never))).toMatchObject({
        kind: 'argument',
        path: 'predict[0]',
      });
    }
  });

  test('reject an invalid batch size', async () => {
    const image = { data: new Uint8Array(192), height: 8, width: 8, channels: 3 };
    for (const batchSize of [0, -1, 1.5, Number.NaN]) {
      const evaluated = await catchError(() => small().evaluate(good(), { batchSize, engine: 'wasm' }));
      expect(evaluated).toMatchObject({ kind: 'argument', path: 'evaluate.batchSize' });
      const predicted = await catchError(() => small().predict(image, { batchSize }));
      expect(predicted).toMatchObject({ kind: 'argument', path: 'predict.batchSize' });
    }
  });

  test('reject a dataset whose image size differs from the network input', async () => {
    const error = await catchError(() =>
      small().evaluate(faces([{ age: 1, gender: 'male' }], 9), { engine: 'wasm' }),
    );
    expect(error).toMatchObject({ kind: 'argument', path: 'evaluate', received: 'images of 9x9x3' });
  });
});

describe('fit on wasm with a batch that is too large for the wasm memory', () => {
  test('rejects the batch size before the first step, and the error reports the largest batch size that fits', async () => {
    const started: string[] = [];
    const watch: Callback = {
      name: 'watch',
      create: () => {
        started.push('started');
        return {};
      },
    };
    const error = await fitFault({ batchSize: 1_000_000, callbacks: [watch] });
    expect(error).toMatchObject({
      kind: 'memory',
      path: 'fit.batchSize',
      received: 'a batch size of 1000000',
    });
    expect(error.advice).toContain('smaller batch');
    expect(started).toEqual([]);
    const largest = Number(/^a batch size of at most (\d+) for images of 8x8/.exec(error.expected)![1]);
    const { layersModel, tasks, input } = small();
    const network = createNetwork(layersModel, tasks, input);
    expect(() => checkMemory(network, largest, 'wasm')).not.toThrow();
    const over = await catchError(() => checkMemory(network, largest + 1, 'wasm'));
    expect(over.expected).toBe(error.expected);
    expect(() => checkMemory(network, 1_000_000, 'native')).not.toThrow();
  });

  test('reports a limit between 32 and 99 images per batch for Model A at 128x128', async () => {
    const model = modelA(128);
    const data = new Uint8Array(128 * 128 * 3);
    const image = { data, height: 128, width: 128, channels: 3 };
    const labels = { age: 30, gender: 'male' } as const;
    const error = await catchError(() =>
      model.fit(imagesInMemory([{ image, labels }]), { epochs: 1, batchSize: 256, engine: 'wasm' }),
    );
    const largest = Number(/^a batch size of at most (\d+) for images of 128x128/.exec(error.expected)![1]);
    expect(largest).toBeGreaterThanOrEqual(32);
    expect(largest).toBeLessThan(100);
    model.dispose();
  });
});

test('loadModel rejects a folder without a model, and the error reports the path of the folder', async () => {
  const error = await catchError(() => loadModel(memoryStore('out'), { folder: 'best' }));
  expect(error).toMatchObject({ kind: 'file', path: 'out/best/model.json', received: 'no such file' });
});
