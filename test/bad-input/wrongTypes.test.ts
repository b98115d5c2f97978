import { afterAll, expect, test } from 'vitest';
import * as datasets from '../../src/datasets/index.js';
import * as root from '../../src/entries/node.js';
import * as node from '../../src/node/index.js';
import * as report from '../../src/report/index.js';
import * as tuner from '../../src/tuner/index.js';
import { catchError } from './catchError.js';

/** Removes the types of a namespace or an object, as in a program in JavaScript. */
const untyped = (value: unknown) => value as { readonly [name: string]: (...args: unknown[]) => any };
const [lib, nodeLib, reportLib, tunerLib] = [untyped(root), untyped(node), untyped(report), untyped(tuner)];

const store = root.memoryStore();
const size = { height: 8, width: 8, channels: 3 };
const image = { ...size, data: new Uint8Array(192) };
const labeled = [0, 1].map((age) => ({ image, labels: { age } }));
const dataset = root.imagesInMemory(labeled);
const model = root
  .multiTask({ input: [8, 8, 3] })
  .task('age', root.regression({ unit: 'years' }), root.branch([root.flatten()]))
  .build();
const untypedModel = untyped(model);
const untypedDataset = untyped(dataset);
const train = (options: object) => () => untypedModel.fit!(dataset, { epochs: 1, engine: 'cpu', ...options });
const evaluate = (options: object) => () => untypedModel.evaluate!(dataset, { engine: 'cpu', ...options });
const folder = (options: object) => () =>
  nodeLib.imageFolder!('faces', { labels: datasets.utkFace(), size: [8, 8], ...options });
const floats = new Float32Array(192).fill(0.5);
const withLabels = (labels: unknown) => () =>
  untypedModel.fit!(lib.imagesInMemory!([{ image, labels }]), { epochs: 1, engine: 'cpu' });
const searchSpace = tuner.space({ rate: tuner.float({ min: 0, max: 1 }) });
const objectives = tuner.minimize('val_loss');
const untypedStudy = { space: searchSpace, objectives };

afterAll(() => model.dispose());

test.each<readonly [name: string, call: () => unknown, path: string, received: string]>([
  // Pixels
  [
    'imagesInMemory with floats as pixels',
    () => lib.imagesInMemory!([{ image: { ...size, data: floats }, labels: {} }]),
    'imagesInMemory[0].image.data',
    'a Float32Array',
  ],
  [
    'imagesInMemory with an array of numbers as pixels',
    () => lib.imagesInMemory!([{ image: { ...size, data: [1, 2, 3] }, labels: {} }]),
    'imagesInMemory[0].image.data',
    'an array',
  ],
  [
    'imagesInMemory with bytes instead of an image',
    () => lib.imagesInMemory!([{ image: image.data, labels: {} }]),
    'imagesInMemory[0].image',
    'a Uint8Array',
  ],
  ['imagesInMemory with one image', () => lib.imagesInMemory!(labeled[0]), 'imagesInMemory', 'an object'],
  [
    'predict with floats as pixels',
    () => untypedModel.predict!({ ...size, data: floats }),
    'predict[0].data',
    'a Float32Array',
  ],
  ['predict with a BigInt', () => untypedModel.predict!(5n), 'predict[0]', 'the bigint 5n'],
  [
    'heatOverlay with floats as pixels',
    () => reportLib.heatOverlay!({ ...size, data: floats }, { height: 1, width: 1, data: floats }),
    'heatOverlay.image.data',
    'a Float32Array',
  ],
  // Labels
  ['imagesInMemory with null as labels', withLabels(null), 'imagesInMemory[0].labels', 'null'],
  ['imagesInMemory with an array as labels', withLabels([31]), 'imagesInMemory[0].labels', 'an array'],
  ['fit with null as a label', withLabels({ age: null }), '0: age', 'null'],
  ['fit with a BigInt as a label', withLabels({ age: 31n }), '0: age', '31n'],
  ['fit with a string as a number', withLabels({ age: '31' }), '0: age', '"31"'],
  ['fit with NaN as a label', withLabels({ age: Number.NaN }), '0: age', 'NaN'],
  ['categorical with numbers as labels', () => lib.categorical!([0, 1]), 'categorical.labels', 'the label 0'],
  [
    'categorical with null as a label',
    () => lib.categorical!(['a', null]),
    'categorical.labels',
    'the label null',
  ],
  ['binary with numbers as labels', () => lib.binary!([0, 1]), 'binary.labels', 'the label 0'],
  ['binary with BigInts as labels', () => lib.binary!([0n, 1n]), 'binary.labels', 'the label 0n'],
  [
    'csvLabels with bytes',
    () => lib.csvLabels!(new Uint8Array(3), { columns: {} }),
    'csvLabels.text',
    'a Uint8Array',
  ],
  [
    'csvLabels with an array of columns',
    () => lib.csvLabels!('file,age\n', { columns: ['age'] }),
    'csvLabels.columns',
    'an array',
  ],
  [
    'csvLabels with NaN as a bound',
    () => lib.csvLabels!('file,age\n', { columns: { age: { min: Number.NaN } } }),
    'csvLabels.columns.age.min',
    'NaN',
  ],
  // Stores
  ['fit with a path as a store', train({ checkpoint: 'out' }), 'fit.checkpoint', 'the string "out"'],
  [
    'fit with a path as the feature cache',
    train({ featureCache: 'out' }),
    'fit.featureCache',
    'the string "out"',
  ],
  [
    'fit with a path as the compile cache',
    train({ compileCache: 'out' }),
    'compileCache',
    'the string "out"',
  ],
  ['save with a path', () => untypedModel.save!('out'), 'save.store', 'the string "out"'],
  [
    'save with options as the folder',
    () => untypedModel.save!(store, { folder: 'out' }),
    'save.folder',
    'an object',
  ],
  ['loadModel with a path', () => lib.loadModel!('out'), 'loadModel.store', 'the string "out"'],
  ['loadModel with null', () => lib.loadModel!(null), 'loadModel.store', 'null'],
  [
    'loadModel with an array of tasks',
    () => lib.loadModel!(store, { tasks: ['age'] }),
    'loadModel.tasks',
    'an array',
  ],
  ...['bestCheckpoint', 'csvLogger', 'jsonLinesLogger', 'tensorBoard'].map(
    (name) => [`${name} with a path`, () => lib[name]!('out'), `${name}.store`, 'the string "out"'] as const,
  ),
  ['folderStore without a path', () => nodeLib.folderStore!(), 'folderStore', 'undefined'],
  [
    'saveFigure with a path',
    () => nodeLib.saveFigure!('out', 'a', '<svg/>'),
    'saveFigure.store',
    'the string "out"',
  ],
  [
    'readRunRecord with a path',
    () => reportLib.readRunRecord!('out'),
    'readRunRecord.store',
    'the string "out"',
  ],
  [
    'recordRun with a path',
    () => nodeLib.recordRun!('out', model, {}),
    'recordRun.store',
    'the string "out"',
  ],
  [
    'readStudy with a number as the folder',
    () => nodeLib.readStudy!('a.ts', { folder: 1 }),
    'readStudy.folder',
    'the number 1',
  ],
  // Numbers
  ['fit with a string as a number of epochs', train({ epochs: '3' }), 'fit.epochs', '"3"'],
  ['fit with a BigInt as a number of epochs', train({ epochs: 3n }), 'fit.epochs', '3n'],
  ['fit with an infinite batch size', train({ batchSize: Infinity }), 'fit.batchSize', 'Infinity'],
  ['fit with a fraction as the seed', train({ seed: 0.5 }), 'fit.seed', '0.5'],
  ['evaluate with a string as the seed', evaluate({ seed: '1' }), 'evaluate.seed', '"1"'],
  ['evaluate with NaN as the seed', evaluate({ seed: Number.NaN }), 'evaluate.seed', 'NaN'],
  ['evaluate with epoch 0', evaluate({ epoch: 0 }), 'evaluate.epoch', '0'],
  ['evaluate with an infinite epoch', evaluate({ epoch: Infinity }), 'evaluate.epoch', 'Infinity'],
  [
    'adam with NaN as the learning rate',
    () => lib.adam!({ learningRate: Number.NaN }),
    'adam.learningRate',
    'NaN',
  ],
  ['adam with a BigInt', () => lib.adam!({ epsilon: 1n }), 'adam.epsilon', '1n'],
  [
    'multiTask with a string as the seed',
    () => lib.multiTask!({ input: [8, 8, 3], seed: '1' }),
    'multiTask.seed',
    '"1"',
  ],
  [
    'split with NaN as the seed',
    () => untypedDataset.split!({ validation: 0.5, seed: Number.NaN }),
    'split.seed',
    'NaN',
  ],
  ['take with NaN', () => untypedDataset.take!(Number.NaN), 'take.count', 'NaN'],
  ['select with a number', () => untypedDataset.select!(1), 'select', 'the number 1'],
  ['createRng with NaN', () => lib.createRng!(Number.NaN), 'createRng.seed', 'NaN'],
  [
    'earlyStopping with NaN',
    () => lib.earlyStopping!({ minDelta: Number.NaN }),
    'earlyStopping.minDelta',
    'NaN',
  ],
  [
    'earlyStopping with a string',
    () => lib.earlyStopping!({ baseline: '1' }),
    'earlyStopping.baseline',
    '"1"',
  ],
  ['batchNorm with NaN', () => lib.batchNorm!({ epsilon: Number.NaN }), 'batchNorm.epsilon', 'NaN'],
  [
    'augment with NaN',
    () => untypedDataset.augment!([], { fillValue: Number.NaN }),
    'augment.fillValue',
    'NaN',
  ],
  ['watchRun with NaN', () => nodeLib.watchRun!('out', { refresh: Number.NaN }), 'watchRun.refresh', 'NaN'],
  ['svgToPng with NaN', () => nodeLib.svgToPng!('<svg/>', Number.NaN), 'svgToPng.scale', 'NaN'],
  // Objects, functions, words
  ['fit with an array of images', () => untypedModel.fit!(labeled, { epochs: 1 }), 'fit.train', 'an array'],
  [
    'fit with a promise of a dataset',
    () => untypedModel.fit!(Promise.resolve(dataset), {}),
    'fit.train',
    'a promise',
  ],
  ['evaluate with an array of images', () => untypedModel.evaluate!(labeled), 'evaluate.dataset', 'an array'],
  ['evaluate with null', () => untypedModel.evaluate!(null), 'evaluate.dataset', 'null'],
  ['evaluate with an object as the loss', evaluate({ loss: { age: 1 } }), 'evaluate.loss', 'an object'],
  ['evaluate with an unknown average', evaluate({ lossAverage: 'mean' }), 'evaluate.lossAverage', '"mean"'],
  ['fit with a function as the optimizer', train({ optimizer: root.adam }), 'fit.optimizer', 'a function'],
  ['fit with a string as resume', train({ resume: 'yes' }), 'fit.resume', '"yes"'],
  ['fit with 0 as shuffle', train({ shuffle: 0 }), 'fit.shuffle', '0'],
  [
    'fit with a controller as the signal',
    train({ signal: new AbortController() }),
    'fit.signal',
    'an AbortController',
  ],
  ['fit with true as log', train({ log: true }), 'log', 'the boolean true'],
  ['fit with one callback', train({ callbacks: root.terminateOnNaN() }), 'fit.callbacks', 'an object'],
  ['weightedLoss with an array', () => lib.weightedLoss!([1, 50]), 'weightedLoss', 'an array'],
  ['weightedLoss with null', () => lib.weightedLoss!(null), 'weightedLoss', 'null'],
  [
    'weightedLoss with an array of class weights',
    () => lib.weightedLoss!({ age: 1 }, { classWeights: { age: [1, 2] } }),
    'weightedLoss.classWeights.age',
    'an array',
  ],
  [
    'conv with an unknown activation',
    () => lib.conv!(8, 3, { activation: 'relu7' }),
    'conv.activation',
    '"relu7"',
  ],
  ['conv with an unknown padding', () => lib.conv!(8, 3, { padding: 'full' }), 'conv.padding', '"full"'],
  [
    'maxPool with an unknown padding',
    () => lib.maxPool!(2, { padding: 'full' }),
    'maxPool.padding',
    '"full"',
  ],
  ['dense with a string as useBias', () => lib.dense!(8, { useBias: 'no' }), 'dense.useBias', '"no"'],
  ['activation with null', () => lib.activation!(null), 'activation', 'null'],
  ['residual with a layer function', () => lib.residual!([root.flatten]), 'residual.blocks[0]', 'a function'],
  ['residual with a block', () => lib.residual!(root.flatten()), 'residual.blocks', 'the block flatten'],
  [
    'customLoss without a function',
    () => lib.customLoss!('mine', 'mse'),
    'customLoss.perExample',
    'the string "mse"',
  ],
  ['warmup with a number', () => lib.warmup!(0.1, { steps: 5 }), 'warmup.then', 'the number 0.1'],
  ['mae with a string', () => lib.mae!({ weighted: 'yes' }), 'mae.weighted', '"yes"'],
  [
    'earlyStopping with an unknown mode',
    () => lib.earlyStopping!({ mode: 'lowest' }),
    'earlyStopping.mode',
    '"lowest"',
  ],
  ['progressBar with a function', () => lib.progressBar!(null), 'progressBar.output.write', 'undefined'],
  [
    'randomZoom with unknown axes',
    () => lib.randomZoom!({ range: 0.1, axes: 'x' }),
    'randomZoom.axes',
    '"x"',
  ],
  [
    'augment with a string as fixed',
    () => untypedDataset.augment!([], { fixed: 'no' }),
    'augment.fixed',
    '"no"',
  ],
  ['withWorkers with a number', () => untypedDataset.withWorkers!(4), 'withWorkers.spawn', 'undefined'],
  [
    'withSampleWeights with an array',
    () => untypedDataset.withSampleWeights!([1]),
    'withSampleWeights',
    'an array',
  ],
  ['useEngine with a string as threads', () => lib.useEngine!('cpu', { threads: '2' }), 'threads', '"2"'],
  [
    'useEngine with an array of packages',
    () => lib.useEngine!('cpu', { packages: ['a'] }),
    'packages',
    'an array',
  ],
  [
    'exportKeras with an unknown format',
    () => lib.exportKeras!(model, { format: 'hdf5' }),
    'exportKeras.format',
    '"hdf5"',
  ],
  [
    'exportKeras with a string as bytes',
    () => lib.exportKeras!(model, { bytes: 'yes' }),
    'exportKeras.bytes',
    '"yes"',
  ],
  [
    'gradCam with a path as the model',
    () => lib.gradCam!('out', image, { task: 'age' }),
    'gradCam',
    'the string "out"',
  ],
  [
    'gradCam with a string as the decoder',
    () => lib.gradCam!(model, image, { task: 'age', decoder: 'sharp' }),
    'gradCam.decoder',
    'the string "sharp"',
  ],
  ['summary with true as log', () => untypedModel.summary!({ log: true }), 'summary.log', 'the boolean true'],
  ['imageFolder without a path', () => nodeLib.imageFolder!(undefined, {}), 'imageFolder', 'undefined'],
  ['imageFolder with an object as labels', folder({ labels: { age: 1 } }), 'imageFolder.labels', 'an object'],
  ['imageFolder with a number as the size', folder({ size: 8 }), 'imageFolder.size', '8'],
  [
    'imageFolder with an unknown word',
    folder({ unusableFiles: 'ignore' }),
    'imageFolder.unusableFiles',
    '"ignore"',
  ],
  [
    'imageFolder with a controller',
    folder({ signal: new AbortController() }),
    'imageFolder.signal',
    'an AbortController',
  ],
  [
    'learningCurves with rows',
    () => reportLib.learningCurves!([], { task: 'age' }, {}),
    'learningCurves',
    'an empty array',
  ],
  [
    'findBestEpoch with null',
    () => reportLib.findBestEpoch!(null, 'loss'),
    'findBestEpoch.history.rows',
    'undefined',
  ],
  ['createReport with one run', () => reportLib.createReport!({}, {}), 'createReport', 'an object'],
  [
    'createModelCard with a path',
    () => reportLib.createModelCard!('out'),
    'createModelCard.run',
    'the string "out"',
  ],
  [
    'runStudy with an object as the module',
    () => nodeLib.runStudy!({}, { folder: 'out', trials: 1 }),
    'module',
    'an object',
  ],
  ['space with an array', () => tunerLib.space!([tuner.choice([1, 2])]), 'space', 'an array'],
  [
    'alternatives with a string',
    () => tunerLib.alternatives!({ a: {}, b: 'c' }),
    'alternatives.b',
    'the string "c"',
  ],
  ['bestTrial with an object', () => tunerLib.bestTrial!({}, objectives), 'bestTrial.trials', 'an object'],
  [
    'paretoFront with a name',
    () => tunerLib.paretoFront!([], 'loss'),
    'paretoFront.objectives',
    'the string "loss"',
  ],
  ['resultsCsv with null', () => tunerLib.resultsCsv!(null, []), 'resultsCsv.study', 'null'],
  [
    'resultsTable with a trial',
    () => tunerLib.resultsTable!(untypedStudy, [{}]),
    'resultsTable.trials[0]',
    'an object',
  ],
  [
    'getParamImportances with null',
    () => tunerLib.getParamImportances!(null, [], objectives),
    'getParamImportances.space',
    'null',
  ],

  // Arrays with empty elements
  [
    'multiTask with an empty element in the input size',
    // biome-ignore lint/suspicious/noSparseArray: the test is about sparse arrays
    () => lib.multiTask!({ input: [8, , 3] }),
    'multiTask.input',
    '[8,null,3]',
  ],
  [
    'branch with an empty element',
    // biome-ignore lint/suspicious/noSparseArray: the test is about sparse arrays
    () => lib.branch!([root.flatten(), , root.dense(2)]),
    'branch[1]',
    'an empty element',
  ],
  [
    'select with an empty element',
    // biome-ignore lint/suspicious/noSparseArray: the test is about sparse arrays
    () => untypedDataset.select!([0, , 1]),
    'select[1]',
    'an empty element',
  ],

  // Values of callbacks, schedules and functions of the dataset
  [
    'fit with a callback that sets a learning rate of NaN',
    train({
      callbacks: [{ name: 'x', onEpochBegin: (_: number, run: any) => run.setLearningRate(Number.NaN) }],
    }),
    'setLearningRate',
    'NaN',
  ],
  [
    'fit with a callback that sets a learning rate of type string',
    train({ callbacks: [{ name: 'x', onEpochBegin: (_: number, run: any) => run.setLearningRate('0.1') }] }),
    'setLearningRate',
    '"0.1"',
  ],
  [
    'fit with a schedule that returns NaN',
    train({ optimizer: lib.adam!({ learningRate: () => Number.NaN }) }),
    'adam.learningRate(0)',
    'NaN',
  ],
  [
    'fit with a schedule that returns nothing after the first update',
    train({
      epochs: 2,
      optimizer: lib.adam!({ learningRate: (update: number) => (update === 0 ? 0.1 : undefined) }),
    }),
    'adam.learningRate(1)',
    'undefined',
  ],
  [
    'withSampleWeights with a function that returns null',
    () => untypedDataset.withSampleWeights!(() => null),
    'weight of 0',
    'null',
  ],
  [
    'split with a function of groups that returns an object',
    () => untypedDataset.split!({ validation: 0.5, by: { stratify: () => ({}) } }),
    'split.by.stratify',
    'an object',
  ],
  ['select with a string', () => untypedDataset.select!(['0']), 'dataset', 'the string "0"'],
  [
    'select with the name of a property of arrays',
    () => untypedDataset.select!(['length']),
    'dataset',
    'the string "length"',
  ],

  // Numbers that are infinite in 32 bits
  ['fit with a label of 1e300', withLabels({ age: 1e300 }), '0: age', '1e+300'],
  ['weightedLoss with 1e300', () => lib.weightedLoss!({ age: 1e300 }), 'weightedLoss.age', '1e+300'],

  // Other objects in place of an image
  ['predict with a dataset', () => untypedModel.predict!(dataset), 'predict[0]', 'an object'],
  ['predict with a Blob', () => untypedModel.predict!(new Blob(['x'])), 'predict[0]', 'a Blob'],
  [
    'regression with one metric twice',
    () => lib.regression!({ unit: 'years', metrics: ['mae', 'mae'] }),
    'regression.metrics',
    '"mae" twice',
  ],
])(
  '%s is rejected, and the error reports the argument and the received value',
  async (_, call, path, received) => {
    expect(await catchError(call)).toMatchObject({ path, received });
  },
);

test('floating-point pixels are rejected, and the error suggests converting them to bytes', async () => {
  const error = await catchError(() =>
    lib.imagesInMemory!([{ image: { ...size, data: floats }, labels: {} }]),
  );
  expect(error.advice).toContain('Uint8Array.from(data, (value) => Math.round(255 * value))');
});

test('imagesInMemory accepts bytes in a Uint8ClampedArray and in a Buffer', () => {
  for (const data of [new Uint8ClampedArray(192), Buffer.alloc(192)])
    expect(lib.imagesInMemory!([{ image: { ...size, data }, labels: {} }]).size).toBe(1);
});

const run = (callback: object) => catchError(train({ callbacks: [callback] }));

test.each([
  ['a plain object', { onEpochEnded: () => {}, onEpochEnd: () => {} }, 'onEpochEnded', 'onEpochEnd'],
  ['a plain object with a hook of Keras', { on_epoch_end: () => {} }, 'on_epoch_end', 'onEpochEnd'],
  ['a plain object with a hook of Lightning', { onEpochStart: () => {} }, 'onEpochStart', 'onEpochBegin'],
])('fit rejects an unknown hook in %s', async (_, callback, hook, suggestion) => {
  expect(await run(callback)).toMatchObject({
    path: 'fit.callbacks[0]',
    received: `the hook ${hook}`,
    advice: `Did you mean "${suggestion}"?`,
  });
});

test('fit rejects a class method whose name is similar to that of a hook', async () => {
  class Logger {
    onEpochEnd() {}
    onTrainBeginn() {}
  }
  expect(await run(new Logger())).toMatchObject({ advice: 'Did you mean "onTrainBegin"?' });
});

test('fit rejects a hook that is not a function, and an unknown hook that create() returns', async () => {
  expect(await run({ onEpochEnd: true })).toMatchObject({ path: 'fit.callbacks[0].onEpochEnd' });
  const returned = await run({ name: 'mine', create: () => ({ onEpochEnded: () => {} }) });
  expect(returned).toMatchObject({ path: 'mine.create()', received: 'the hook onEpochEnded' });
  expect(await run({ name: 'mine', create: () => undefined })).toMatchObject({ path: 'mine.create()' });
});

test('fit accepts additional fields in callback objects, and additional methods in class instances', async () => {
  const calls: string[] = [];
  class Logger {
    readonly name = 'logger';
    readonly onlyErrors = true;
    readonly #lines: string[] = [];
    onEpochEnd() {
      this.onLine('end');
    }
    onLine(line: string) {
      this.#lines.push(line);
      calls.push(line);
    }
    get onDemand() {
      return () => this.#lines;
    }
  }
  const plain = { name: 'plain', color: 'red', log: () => calls.push('log'), onEpochEnd: () => plain.log() };
  await train({ callbacks: [new Logger(), plain] })();
  expect(calls).toEqual(['end', 'log']);
});
