import { afterAll, describe, expect, test } from 'vitest';
import * as browser from '../../src/browser/index.js';
import * as datasets from '../../src/datasets/index.js';
import * as browserEntry from '../../src/entries/browser.js';
import * as defaultEntry from '../../src/entries/default.js';
import * as root from '../../src/entries/node.js';
import * as node from '../../src/node/index.js';
import * as report from '../../src/report/index.js';
import * as tuner from '../../src/tuner/index.js';
import { catchError } from './catchError.js';

/** All entries of the package. The three entries of `.` have the same exports. */
const ENTRIES = {
  '.': root,
  '. (browser)': browserEntry,
  '. (default)': defaultEntry,
  './node': node,
  './browser': browser,
  './datasets': datasets,
  './report': report,
  './tuner': tuner,
} as const;

const store = root.memoryStore();
const image = { data: new Uint8Array(192).fill(90), height: 8, width: 8, channels: 3 };
const dataset = root.imagesInMemory([0, 1, 2, 3].map((age) => ({ image, labels: { age } })));
const age = root.regression({ unit: 'years' });
const model = root
  .multiTask({ input: [8, 8, 3] })
  .task('age', age, root.branch([root.flatten()]))
  .build();
const history = await model.fit(dataset, { epochs: 1, engine: 'cpu' });
const searchSpace = tuner.space({ rate: tuner.float({ min: 0, max: 1 }) });
const objectives = tuner.minimize('val_loss');
const strategy = tuner.random();
const study = tuner.study({ space: searchSpace, objectives, strategy, run: async () => {} });
const search = tuner.askAndTell(searchSpace, { objectives, strategy });
const record = await report.createRunRecord(model, { name: 'run', datasetName: 'data', train: dataset });
const tools = {} as never;
const schedule = root.constantSchedule(0.1);

afterAll(() => model.dispose());

/** Calls a function with `options` and valid other arguments. */
type Call = (callee: any, options: any) => unknown;

/** A function that takes options: the path of its errors, a call, and options that it requires. */
type Row = readonly [path: string, call: Call, required?: object];

const first: Call = (callee, options) => callee(options);
const second =
  (argument: unknown): Call =>
  (callee, options) =>
    callee(argument, options);
const runRecord = { name: 'run', datasetName: 'data', train: dataset };

/** Exports that take options. The key is the name of the export, after `./node:` if the function of the root has another signature. */
const OPTION_FUNCTIONS: { readonly [name: string]: Row | readonly Row[] } = {
  multiTask: ['multiTask', first, { input: [8, 8, 3] }],
  loadModel: ['loadModel', second(store)],
  httpStore: ['httpStore', second('https://example.com/')],
  loadKeras: ['loadKeras', second(new Uint8Array(8))],
  useEngine: ['useEngine', second('cpu')],
  randomFlip: ['randomFlip', second('horizontal')],
  randomRotation: ['randomRotation', first, { degrees: 10 }],
  randomShear: ['randomShear', first, { degrees: 10 }],
  randomTranslation: ['randomTranslation', first],
  randomZoom: ['randomZoom', first, { range: 0.1 }],
  randomBrightness: ['randomBrightness', first, { range: 0.1 }],
  randomContrast: ['randomContrast', first, { range: 0.1 }],
  randomSaturation: ['randomSaturation', first, { range: 0.1 }],
  randomCutout: ['randomCutout', first],
  randomGrayscale: ['randomGrayscale', first],
  efficientNetB0Backbone: ['efficientNetB0Backbone', first, { weights: null }],
  mobileNetV2Backbone: ['mobileNetV2Backbone', first, { weights: null }],
  resnet50Backbone: ['resnet50Backbone', first, { weights: null }],
  bestCheckpoint: ['bestCheckpoint', second(store)],
  csvLogger: ['csvLogger', second(store)],
  jsonLinesLogger: ['jsonLinesLogger', second(store)],
  tensorBoard: ['tensorBoard', second(store)],
  earlyStopping: ['earlyStopping', first],
  reduceLROnPlateau: ['reduceLROnPlateau', first],
  csvLabels: [
    ['csvLabels', second('file,age\n1.jpg,5'), { columns: { age: Number } }],
    [
      'csvLabels.columns.age',
      (callee, age) => callee('file,age\n1.jpg,5', { columns: { age } }),
      { min: 0, max: 9 },
    ],
  ],
  imagesInMemory: ['imagesInMemory[0]', (callee, entry) => callee([entry]), { image, labels: { age: 3 } }],
  gradCam: ['gradCam', (callee, options) => callee(model, image, options), { task: 'age' }],
  exportKeras: [
    ['exportKeras', second(model)],
    ['exportKeras', second(model.layersModel)],
  ],
  batchNorm: ['batchNorm', first],
  conv: ['conv', (callee, options) => callee(8, 3, options)],
  depthwiseConv: ['depthwiseConv', second(3)],
  dense: ['dense', second(8)],
  maxPool: ['maxPool', second(2)],
  averagePool: ['averagePool', second(2)],
  branch: ['branch', second([root.flatten()])],
  huber: ['huber', first],
  accuracy: ['accuracy', first],
  mae: ['mae', first],
  mse: ['mse', first],
  rmse: ['rmse', first],
  adam: ['adam', first],
  adamw: ['adamw', first],
  sgd: ['sgd', first],
  cosineDecay: ['cosineDecay', first, { initialLearningRate: 0.1, decaySteps: 10 }],
  exponentialDecay: ['exponentialDecay', first, { initialLearningRate: 0.1, decaySteps: 10, decayRate: 0.9 }],
  warmup: ['warmup', second(schedule), { steps: 10 }],
  weightedLoss: ['weightedLoss', second({ age: 1 })],
  binary: ['binary', second(['no', 'yes'])],
  categorical: ['categorical', second(['a', 'b', 'c'])],
  regression: ['regression', first, { unit: 'years' }],
  imageFiles: ['imageFiles', second([]), { labels: datasets.utkFace(), size: [8, 8] }],
  webWorkers: ['webWorkers', first],
  imageFolder: ['imageFolder', second('faces'), { labels: datasets.utkFace(), size: [8, 8] }],
  canvasDecoder: ['canvasDecoder', first],
  sharpDecoder: ['sharpDecoder', first],
  sharpEncoder: ['sharpEncoder', first],
  workerThreads: ['workerThreads', first],
  learningCurves: ['learningCurves', (callee, options) => callee(history, options, tools), { task: 'age' }],
  learningCurveGrid: [
    ['learningCurveGrid', (callee, options) => callee([{ title: '', runs: [history] }], options, tools)],
    ['learningCurveGrid[0]', (callee, group) => callee([group], {}, tools), { title: '', runs: [history] }],
  ],
  recordRun: ['recordRun', (callee, options) => callee(store, model, options), runRecord],
  watchRun: ['watchRun', second('out')],
  writeReport: ['writeReport', second('out')],
  liveTable: ['liveTable', second({ write: () => true })],
  readStudy: ['readStudy', second('search.ts'), { folder: 'out' }],
  runSingleTrial: ['runSingleTrial', second('search.ts'), { folder: 'out', number: 1 }],
  runStudy: ['runStudy', second('search.ts'), { folder: 'out', trials: 1 }],
  runStudyWorker: ['runStudyWorker', second('search.ts'), { folder: 'out', queue: { url: 'redis://host' } }],
  createRunRecord: ['createRunRecord', second(model), runRecord],
  saveRunImages: [
    'saveRunImages',
    (callee, options) => callee(record, store, options),
    { train: dataset, encode: async () => new Uint8Array(1) },
  ],
  heatOverlay: [
    'heatOverlay',
    (callee, options) => callee(image, { data: new Float32Array(1), height: 1, width: 1 }, options),
  ],
  createReport: ['createReport', (callee, options) => callee([record], tools, options)],
  createReportPage: ['createReport', (callee, options) => callee([record], tools, options)],
  readRunRecord: ['readRunRecord', second(store)],
  askAndTell: ['askAndTell', second(searchSpace), { objectives, strategy }],
  medianPruner: ['medianPruner', first],
  successiveHalvingPruner: ['successiveHalvingPruner', first],
  float: ['float', first, { min: 0, max: 1 }],
  int: ['int', first, { min: 0, max: 1 }],
  grid: ['grid', first],
  hyperband: ['hyperband', first],
  hyperbandPlan: ['hyperband', first],
  tpe: ['tpe', first],
  study: ['study', first, { space: searchSpace, objectives, strategy, run: async () => {} }],
};

/** Valid arguments of the exported functions without options, keyed by name. The functions reject an additional object with options. */
const ARGUMENTS: { readonly [name: string]: readonly unknown[] } = {
  activation: ['relu'],
  alternatives: [{ a: {}, b: {} }],
  architectureDiagram: [model.architecture(), tools],
  bestTrial: [[], objectives],
  binaryCrossentropy: [],
  categoricalCrossentropy: [],
  choice: [['a', 'b']],
  constantSchedule: [0.1],
  createModelCard: [record, ''],
  createStudyReport: [study, [], tools],
  customLoss: ['mine', () => {}],
  dropout: [0.5],
  exportOnnx: [model],
  findBestEpoch: [history, 'loss', 'min'],
  flatten: [],
  folderStore: ['out'],
  getParamImportances: [searchSpace, [], objectives],
  globalAveragePool: [],
  grayscaleImage: [],
  maximize: ['val_loss'],
  meanAbsoluteError: [],
  meanSquaredError: [],
  memoryStore: ['memory'],
  minimize: ['val_loss'],
  paretoFront: [[], objectives],
  progressBar: [{ write: () => true }],
  random: [],
  residual: [[root.flatten()]],
  resultsCsv: [study, []],
  resultsTable: [study, [], 80],
  saveFigure: [store, 'figure', '<svg/>'],
  saveFile: ['out/file', new Uint8Array(1)],
  sharedTrunk: [[root.flatten()]],
  space: [{ rate: tuner.float({ min: 0, max: 1 }) }],
  studyFigures: [study, [], tools],
  svgToPng: ['<svg/>', 2],
  terminateOnNaN: [],
  utkFace: [],
  writeStudyResults: ['out', study, []],
};

/** Returns the arguments of a function. `architectureDiagram` of `./node` loads its tools itself. */
const getArguments = (entry: string, name: string) =>
  entry === './node' && name === 'architectureDiagram' ? [model.architecture()] : ARGUMENTS[name]!;

/** Classes, and functions that accept additional arguments: any value, any number of keys, or the labels that `groups` passes. */
const OTHER_EXPORTS = ['Dataset', 'MultitaskError', 'isMultitaskError', 'createRng', 'utkFaceGroups'];

/** Objects with methods, and the methods that take options. */
const OBJECTS: {
  readonly [name: string]: {
    readonly object: object;
    readonly options: { readonly [method: string]: Row };
    readonly withoutOptions: readonly string[];
  };
} = {
  model: {
    object: model,
    options: {
      fit: ['fit', (callee, options) => callee(dataset, options), { epochs: 1 }],
      evaluate: ['evaluate', second(dataset)],
      predict: ['predict', second(image)],
      summary: ['summary', first],
    },
    withoutOptions: ['save', 'freeze', 'unfreeze', 'architecture', 'dispose'],
  },
  builder: {
    object: root.multiTask({ input: [8, 8, 3] }),
    options: {},
    withoutOptions: ['trunk', 'task', 'build'],
  },
  dataset: {
    object: dataset,
    options: {
      split: ['split', first, { validation: 0.5 }],
      augment: ['augment', second([root.randomFlip('horizontal')])],
    },
    withoutOptions: [
      ...['id', 'labels', 'sampleWeight', 'sourceIndex', 'read', 'select', 'take', 'withoutAugmentation'],
      ...['withAugmentation', 'withWorkers', 'withSampleWeights'],
    ],
  },
  history: { object: history, options: {}, withoutOptions: ['bestEpoch'] },
  search: {
    object: search,
    options: {},
    withoutOptions: ['ask', 'report', 'tell', 'prune', 'fail', 'bestTrial', 'paretoFront'],
  },
  study: { object: study, options: {}, withoutOptions: ['run'] },
};

/** Values that are not an object with options. */
const NO_OPTIONS: readonly (readonly [name: string, value: unknown])[] = [
  ['null', null],
  ['a number', 0.1],
  ['a BigInt', 5n],
  ['a string', 'adam'],
  ['true', true],
  ['an array', [1]],
  ['an empty array', []],
  ['a map', new Map([['lr', 1]])],
  ['bytes', new Uint8Array(2)],
  ['a function', () => ({})],
  ['a promise', Promise.resolve({})],
  ['a block', root.flatten()],
];

/** Calls of `csvLabels` and `imagesInMemory` whose value may also be something else than an object with options. */
const OTHER_VALUES = ['csvLabels.columns.age'];

const toRows = (rows: Row | readonly Row[]): readonly Row[] =>
  typeof rows[0] === 'string' ? [rows as Row] : (rows as readonly Row[]);

async function expectRejections(callee: unknown, [path, call, required = {}]: Row): Promise<void> {
  const unknown = await catchError(() => call(callee, { ...required, unknownOption: 1 }));
  expect(unknown).toMatchObject({ kind: 'argument', path, received: 'the option "unknownOption"' });
  expect(unknown.expected).toMatch(/^only the options /);
  if (OTHER_VALUES.includes(path)) return;
  for (const [name, value] of NO_OPTIONS) {
    const error = await catchError(() => call(callee, value));
    expect({ ...error, name }).toMatchObject({ kind: 'argument', path, name });
  }
}

describe.each(Object.entries(ENTRIES))('the exports of the entry point %s', (entry, exported) => {
  const values = Object.entries(exported);
  const isListed = (name: string) =>
    OPTION_FUNCTIONS[name] ?? ARGUMENTS[name] ?? OTHER_EXPORTS.includes(name);

  test('are all covered by this test', () => {
    const missing = values.filter(([name]) => !isListed(name));
    expect(missing.map(([name]) => name)).toEqual([]);
  });

  test.each(values.filter(([name]) => ARGUMENTS[name]))(
    'include %s, which has no options and rejects an object with options',
    async (name, callee) => {
      const call = () => (callee as any)(...getArguments(entry, name), { unknownOption: 1 });
      expect(await catchError(call)).toMatchObject({
        kind: 'argument',
        path: name,
        expected: 'no options',
        received: 'the option "unknownOption"',
      });
    },
  );

  const functions = values.filter(([name]) => OPTION_FUNCTIONS[name]);
  test.each(functions)(
    'include %s, which rejects an unknown option and options that are not an object',
    async (name, callee) => {
      for (const row of toRows(OPTION_FUNCTIONS[name]!)) await expectRejections(callee, row);
    },
  );
});

test('the lists of functions with and without options contain no duplicates, and all listed functions are exported', () => {
  const names = [...Object.keys(OPTION_FUNCTIONS), ...Object.keys(ARGUMENTS), ...OTHER_EXPORTS];
  const exported = new Set(Object.values(ENTRIES).flatMap((entry) => Object.keys(entry)));
  expect(names.filter((name, i) => names.indexOf(name) < i || !exported.has(name))).toEqual([]);
});

describe.each(Object.entries(OBJECTS))('the methods of a %s', (_, { object, options, withoutOptions }) => {
  const methods = new Map<string, (...args: unknown[]) => unknown>();
  for (let level = object; level !== Object.prototype; level = Object.getPrototypeOf(level)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level)))
      if (typeof value === 'function' && name !== 'constructor') methods.set(name, value.bind(object));
  }

  test('are all covered by this test', () => {
    expect([...methods.keys()].sort()).toEqual([...Object.keys(options), ...withoutOptions].sort());
  });

  for (const [name, row] of Object.entries(options)) {
    test(`include ${name}, which rejects an unknown option and options that are not an object`, () =>
      expectRejections(methods.get(name), row));
  }
});

/** Options of Keras, PyTorch and Optuna, and misspelled options, with the advice of the error. */
test.each<readonly [option: string, call: () => unknown, advice: string]>([
  ['adam with lr', () => root.adam({ lr: 0.1 } as never), 'Did you mean "learningRate"?'],
  [
    'adam with learning_rate',
    () => root.adam({ learning_rate: 0.1 } as never),
    'Did you mean "learningRate"?',
  ],
  ['adam with decay', () => root.adam({ decay: 0.1 } as never), 'Did you mean "weightDecay"?'],
  [
    'exponentialDecay with lr',
    () => root.exponentialDecay({ lr: 0.1 } as never),
    'Did you mean "initialLearningRate"?',
  ],
  ['adam with a number', () => root.adam(0.1 as never), 'Write adam({ learningRate: ... }).'],
  ['conv with stride', () => root.conv(8, 3, { stride: 2 } as never), 'Did you mean "strides"?'],
  [
    'conv with kernel_size',
    () => root.conv(8, 3, { kernel_size: 2 } as never),
    'Pass this value as a number before the options: conv(8, 3).',
  ],
  [
    'earlyStopping with patiance',
    () => root.earlyStopping({ patiance: 3 } as never),
    'Did you mean "patience"?',
  ],
  [
    'earlyStopping with restore_best_weights',
    () => root.earlyStopping({ restore_best_weights: true } as never),
    'Did you mean "restoreBestWeights"?',
  ],
  [
    'fit with batchsize',
    () => model.fit(dataset, { epochs: 1, batchsize: 1 } as never),
    'Did you mean "batchSize"?',
  ],
  [
    'fit with batch_size',
    () => model.fit(dataset, { epochs: 1, batch_size: 1 } as never),
    'Did you mean "batchSize"?',
  ],
  [
    'fit with optimiz',
    () => model.fit(dataset, { epochs: 1, optimiz: root.adam() } as never),
    'Did you mean "optimizer"?',
  ],
  [
    'fit with validation_data',
    () => model.fit(dataset, { epochs: 1, validation_data: dataset } as never),
    'Did you mean "validation"?',
  ],
  [
    'fit with validation_split',
    () => model.fit(dataset, { epochs: 1, validation_split: 0.2 } as never),
    'Write dataset.split({ validation: 0.2 }), and pass its second part as validation.',
  ],
  [
    'fit with classWeights',
    () => model.fit(dataset, { epochs: 1, classWeights: {} } as never),
    'Write loss: weightedLoss({ ... }, { classWeights: { gender: { male: 2 } } }).',
  ],
  [
    'fit with class_weight',
    () => model.fit(dataset, { epochs: 1, class_weight: {} } as never),
    'Write loss: weightedLoss({ ... }, { classWeights: { gender: { male: 2 } } }).',
  ],
  [
    'fit with undefined options',
    () => model.fit(dataset, undefined as never),
    'Write model.fit(train, { epochs: 10 }).',
  ],
  [
    'split with test',
    () => dataset.split({ test: 0.2 } as never),
    'Split twice: dataset.split({ validation: 0.2 }), then split the train part again.',
  ],
  ['imageFolder with limt', () => node.imageFolder('faces', { limt: 1 } as never), 'Did you mean "limit"?'],
  [
    'imageFolder with color',
    () => node.imageFolder('faces', { color: 1 } as never),
    'Did you mean "channels"?',
  ],
  [
    'imageFolder with unusable',
    () => node.imageFolder('faces', { unusable: 'skip' } as never),
    "Write unusableFiles: 'skip'.",
  ],
  [
    'runStudy with nTrials',
    () => node.runStudy('search.ts', { folder: 'out', nTrials: 5 } as never),
    'Did you mean "trials"?',
  ],
  [
    'tpe with n_startup_trials',
    () => tuner.tpe({ n_startup_trials: 5 } as never),
    'Did you mean "startupTrials"?',
  ],
])('the error for %s suggests a correction', async (_, call, advice) => {
  expect((await catchError(call)).advice).toBe(advice);
});

test('an options object may be an instance of a class, or an object without a prototype', () => {
  class Settings {
    readonly learningRate = 0.1;
    get description() {
      return 'fast';
    }
  }
  for (const options of [
    { ...new Settings() },
    Object.assign(Object.create(null), { beta1: 0.8 }),
    new Settings(),
  ])
    expect(root.adam(options).rule.name).toBe('adam');
});

test('the error for a dataset in place of options names the class of the dataset', async () => {
  const error = await catchError(() => model.fit(dataset, dataset as never));
  expect(error.received).toMatch(/^the option "\w+" of an object of class Dataset$/);
});
