import { describe, expect, test } from 'vitest';
import {
  accuracy,
  binary,
  branch,
  dense,
  flatten,
  mae,
  mse,
  multiTask,
  regression,
  sgd,
  sharedTrunk,
  weightedLoss,
} from '../../src/entries/node.js';
import type { LossAverage } from '../../src/steps/metricAccumulator.js';
import { expectClose, expectCloseToLargest } from './close.js';
import { type FixtureArray, fixture, numbers } from './fixture.js';
import { faces, fill, GENDERS, weightsOf } from './same.js';

type History = { [column: string]: number[] };
type Run = { history: History; weights: { [name: string]: FixtureArray } };
const keras = fixture<{ [run: string]: Run } & { 'class weights': History }>('training');

const SHAPE = [4, 4, 3] as const;
const SAMPLE_WEIGHTS = [0, 0, 1, 2, 1, 1, 1, 1, 3, 1];
const train = faces('train', 10, SHAPE);
const validation = faces('validation', 7, SHAPE);

function network() {
  const model = multiTask({ input: SHAPE })
    .trunk(sharedTrunk([flatten(), dense(6, { l2: 2 })]))
    .task(
      'age',
      regression({ unit: 'years', metrics: [mae(), mse(), mae({ weighted: true })] }),
      branch([dense(4, { l2: 1 })]),
    )
    .task(
      'gender',
      binary(GENDERS, { metrics: [accuracy(), accuracy({ weighted: true })] }),
      branch([dense(3)]),
    )
    .build();
  fill(model.layersModel, 'training');
  return model;
}

interface Settings {
  readonly rate: number;
  readonly epochs: number;
  readonly average?: LossAverage;
  readonly weights?: readonly number[];
  readonly validationWeights?: readonly number[];
  readonly frozen?: readonly string[];
}

async function run({ rate, epochs, average, weights, validationWeights, frozen = [] }: Settings) {
  const model = network();
  for (const name of frozen) model.layersModel.getLayer(name).trainable = false;
  const weighted = (dataset: typeof train, of: readonly number[] | undefined) =>
    of ? dataset.withSampleWeights((_, id) => of[Number(id)]!) : dataset;
  const { rows } = await model.fit(weighted(train, weights), {
    validation: weighted(validation, validationWeights),
    epochs,
    batchSize: 4,
    shuffle: false,
    engine: 'wasm',
    loss: weightedLoss({ age: 2, gender: 0.5 }),
    optimizer: sgd({ learningRate: rate }),
    ...(average ? { lossAverage: average } : {}),
  });
  const end = weightsOf(model.layersModel);
  model.dispose();
  return { rows, weights: end };
}

type Rows = readonly { readonly [column: string]: number | undefined }[];

/** Checks that the rows have exactly the same columns as the Keras history, and that the values differ by at most 1e-5. */
function expectHistory(rows: Rows, history: History, rename = (column: string) => column) {
  const ours = Object.keys(rows[0]!).filter((name) => !['epoch', 'learning_rate', 'seconds'].includes(name));
  expect(ours.sort()).toEqual(Object.keys(history).map(rename).sort());
  for (const [column, values] of Object.entries(history)) {
    expect(rows).toHaveLength(values.length);
    values.forEach((value, epoch) => {
      const what = `${column} of epoch ${epoch + 1}`;
      expectClose([rows[epoch]![rename(column)]!], [value], 1e-5 * Math.abs(value), what);
    });
  }
}

function expectWeights(ours: Record<string, Float32Array>, theirs: Run['weights']) {
  expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
  for (const [name, values] of Object.entries(theirs)) {
    expectCloseToLargest(ours[name]!, numbers(values), 1e-5, name);
  }
}

describe('fit with a smaller last batch and an L2 penalty', () => {
  const cases: { [run: string]: Settings } = {
    'still, graph': { rate: 0, epochs: 1, average: 'batches' },
    'still, eager': { rate: 0, epochs: 1 },
    'learning, graph': { rate: 1e-4, epochs: 3, average: 'batches' },
    'learning, eager': { rate: 1e-4, epochs: 3 },
    'sample weights': {
      rate: 1e-4,
      epochs: 2,
      weights: SAMPLE_WEIGHTS,
      validationWeights: SAMPLE_WEIGHTS.slice(3),
    },
    frozen: { rate: 1e-4, epochs: 2, frozen: ['trunk_dense1'] },
  };
  test.each(Object.entries(cases))(
    'gives the same history and weights as Keras: %s',
    async (name, settings) => {
      const { rows, weights } = await run(settings);
      expectHistory(rows as Rows, keras[name]!.history);
      expectWeights(weights, keras[name]!.weights);
    },
  );

  test('is compared with two Keras histories that differ only in the task losses, which Keras averages over batches or over examples', () => {
    const [graph, eager] = [keras['still, graph']!.history, keras['still, eager']!.history];
    const differ = Object.keys(graph).filter(
      (name) => Math.abs(graph[name]![0]! - eager[name]![0]!) > 1e-3 * graph[name]![0]!,
    );
    expect(differ.sort()).toEqual(['age_loss', 'gender_loss', 'val_age_loss', 'val_gender_loss']);
  });

  test('is compared with a Keras history in which the L2 penalty is a measurable part of the validation loss', () => {
    const { history } = keras['still, eager']!;
    const of = (column: string) => history[column]![0]!;
    const penalty = of('val_loss') - 2 * of('val_age_loss') - 0.5 * of('val_gender_loss');
    expect(penalty).toBeGreaterThan(100 * 1e-5 * of('val_loss')); // The difference is far above the tolerance of expectHistory.
  });

  test('computes no L2 penalty for a frozen layer, and does not change the weights of the layer', async () => {
    const before = network();
    const kernel = weightsOf(before.layersModel)['trunk_dense1/kernel']!;
    before.dispose();
    const frozen = await run({ rate: 1e-4, epochs: 2, frozen: ['trunk_dense1'] });
    expect(frozen.weights['trunk_dense1/kernel']).toEqual(kernel);
    const still = await run({ rate: 0, epochs: 1 });
    const stillFrozen = await run({ rate: 0, epochs: 1, frozen: ['trunk_dense1'] });
    const penalty = 2 * kernel.reduce((sum, w) => sum + w * w, 0);
    const difference = still.rows[0]!.loss! - stillFrozen.rows[0]!.loss!;
    expectClose([difference], [penalty], 1e-3, 'penalty'); // The penalty is the difference of two float32 numbers in the thousands.
  });
});

test('fit with class weights gives the same history as Keras', async () => {
  const model = multiTask({ input: SHAPE })
    .task('gender', binary(GENDERS), branch([flatten()]))
    .build();
  fill(model.layersModel, 'training');
  const only = train.withSampleWeights(() => 1);
  const { rows } = await model.fit(only, {
    validation: only,
    epochs: 2,
    batchSize: 4,
    shuffle: false,
    engine: 'wasm',
    loss: weightedLoss({ gender: 1 }, { classWeights: { gender: { female: 2.5 } } }),
    optimizer: sgd({ learningRate: 0.1 }),
  });
  model.dispose();
  const bare = (rows as Rows).map(({ gender_loss: _, val_gender_loss: __, ...row }) => row);
  // Keras uses no column prefix for a model with one output. In this library every column starts with the name of its task.
  expectHistory(bare, keras['class weights'], (column) => column.replace(/accuracy$/, 'gender_accuracy'));
});
