import { beforeAll, describe, expect, test } from 'vitest';
import type { NamedArrays } from '../../src/core/arrays.js';
import { createEagerExecutor } from '../../src/engines/eager/eagerExecutor.js';
import {
  adam,
  batchNorm,
  binary,
  branch,
  conv,
  dense,
  dropout,
  flatten,
  maxPool,
  type Optimizer,
  regression,
  sgd,
  sharedTrunk,
} from '../../src/entries/node.js';
import { rescaleImages } from '../../src/inference/rescaleImages.js';
import { Dropout } from '../../src/layers/patched/dropout.js';
import { buildNetwork } from '../../src/network/buildNetwork.js';
import type { Network } from '../../src/network/network.js';
import { createZeroSlots } from '../../src/steps/optimizerSlots.js';
import {
  createBatchArrays,
  createCoefficientArrays,
  toStepInputs,
  toTensors,
} from '../../src/steps/stepArrays.js';
import { getTrainableWeights, splitByWeight } from '../../src/steps/trainableWeights.js';
import { computeTrainingStep } from '../../src/steps/trainingStep.js';
import { loadWasmBackend } from '../../src/tensor/backends/wasmBackend.js';
import { OptimizerState } from '../../src/training/optimizerState.js';
import { expectClose, expectCloseToLargest } from './close.js';
import { type FixtureArray, fixture, numbers } from './fixture.js';
import { hashes, uniform } from './noise.js';
import { faces, fill, GENDERS, weightsOf } from './same.js';

interface Summary {
  readonly largest: number;
  readonly sum: number;
  readonly absolute: number;
  readonly norm: number;
  readonly sampled: FixtureArray;
}
interface OneStep {
  readonly parameters: number;
  readonly total: number;
  readonly penalty: number;
  readonly age_loss: number;
  readonly gender_loss: number;
  readonly age_mae: number;
  readonly gender_accuracy: number;
  readonly gradients: { readonly [name: string]: Summary };
  readonly weights: { readonly [name: string]: Summary };
}
const keras = fixture<{
  'one step': OneStep;
  'twenty steps': {
    rate: number;
    batches: number;
    steps: { total: number; age: number; gender: number }[];
  };
}>('model_a');

const SHAPE = [64, 64, 3] as const;
const BATCH = 4;
const SQUARE = 8;
const RATE = 0.3;
const SAMPLES = 200;
const LOSS_WEIGHTS = { age: 1, gender: 50 };
const data = faces('model-a', BATCH * keras['twenty steps'].batches, SHAPE, SQUARE);

beforeAll(() => loadWasmBackend());

/** Builds the network in examples/model-a.ts. */
function modelA(rate: number): Network {
  const head = () => [dense(128, { l2: 1e-3 }), dropout(rate), dense(16, { l2: 1e-3 }), dropout(rate)];
  const faceBranch = (filters: number) =>
    branch([
      ...[conv(64, 3), maxPool(2), batchNorm()],
      ...[conv(128, 2), maxPool(2), batchNorm()],
      ...[conv(filters, 2), flatten(), ...head()],
    ]);
  const network = buildNetwork({
    input: { shape: SHAPE, range: [0, 1] },
    seed: 0,
    trunk: sharedTrunk([conv(64, 3), conv(64, 3), maxPool(2), batchNorm(), conv(128, 3), maxPool(2)]),
    tasks: [
      { name: 'age', task: regression({ unit: 'years' }), branch: faceBranch(128) },
      { name: 'gender', task: binary(GENDERS), branch: faceBranch(64) },
    ],
  });
  fill(network.layersModel, 'model-a');
  return network;
}

async function batch(network: Network, from: number) {
  const indices = Array.from({ length: BATCH }, (_, i) => from + i);
  const bytes = await Promise.all(indices.map((index) => data.read(index)));
  const pixels = Float32Array.from(bytes.flatMap((image) => Array.from(image.data)));
  return createBatchArrays(network, data, { indices }, {}, [
    rescaleImages(pixels, [BATCH, ...data.shape], network.input.range),
  ]);
}

const dropoutsOf = ({ layersModel }: Network) =>
  layersModel.layers.filter((layer): layer is Dropout => layer instanceof Dropout);

/** Returns dropout masks. A mask is 0 where the pseudorandom number for the layer and position is below the dropout rate. */
function masks(network: Network): NamedArrays {
  return Object.fromEntries(
    dropoutsOf(network).map((layer) => {
      const shape = layer.computeMaskShape(BATCH)!;
      const mask = uniform(`model-a/${layer.name}`, shape, 0, 1).map((u) => (u >= Math.fround(RATE) ? 1 : 0));
      return [`${layer.name}/mask`, { shape, data: Float32Array.from(mask) }];
    }),
  );
}

async function step(network: Network, optimizer: Optimizer) {
  const rate = optimizer.schedule(0);
  const coefficients = createCoefficientArrays([...optimizer.rule.computeCoefficients(1, rate), rate]);
  const arrays = { ...(await batch(network, 0)), ...masks(network), ...coefficients };
  const slots = createZeroSlots(network, optimizer);
  return computeTrainingStep(
    network,
    optimizer,
    LOSS_WEIGHTS,
    'update',
    toStepInputs(network, toTensors(arrays)),
    slots,
  );
}

/** Returns the positions of a tensor whose values the fixture contains. */
function samplePositions(name: string, size: number): number[] {
  return size > SAMPLES
    ? Array.from(hashes(`places/${name}`, SAMPLES), (hash) => hash % size)
    : Array.from({ length: size }, (_, i) => i);
}

/**
 * Compares a tensor with its summary in the fixture. Values are allowed to differ by `tolerance` of the largest value, sums by
 * `tolerance` of Σ|x|, and norms by `tolerance` of the norm. `extra` is an additional tolerance at each sampled position.
 */
function expectSummary(
  name: string,
  values: ArrayLike<number>,
  theirs: Summary,
  tolerance: number,
  extra: readonly number[] = [],
) {
  const all = Array.from(values);
  const positions = samplePositions(name, all.length);
  const sampled = numbers(theirs.sampled);
  expect(sampled.length).toBe(positions.length);
  positions.forEach((position, i) => {
    const allowed = tolerance * theirs.largest + (extra[i] ?? 0);
    expectClose([all[position]!], [sampled[i]!], allowed, `${name}, position ${position}`);
  });
  const sums = all.reduce(
    (total, x) => ({
      sum: total.sum + x,
      absolute: total.absolute + Math.abs(x),
      largest: Math.max(total.largest, Math.abs(x)),
      squares: total.squares + x * x,
    }),
    { sum: 0, absolute: 0, largest: 0, squares: 0 },
  );
  const extraSum = (extra.reduce((a, b) => a + b, 0) * all.length) / positions.length;
  const check = (key: 'sum' | 'absolute' | 'largest' | 'norm', ours: number, scale: number) =>
    expectClose([ours], [theirs[key]], tolerance * scale + extraSum, `${name}, ${key}`);
  check('sum', sums.sum, theirs.absolute);
  check('absolute', sums.absolute, theirs.absolute);
  check('largest', sums.largest, theirs.largest);
  check('norm', Math.sqrt(sums.squares), theirs.norm);
}

const ADAM_RATE = 1e-3;

/** Biases before a batch normalization, which subtracts the mean and so removes a bias whose relu is active everywhere. */
const BEFORE_BATCH_NORM = ['trunk_conv2', 'age_conv1', 'age_conv2', 'gender_conv1', 'gender_conv2'].map(
  (name) => `${name}/bias`,
);

/**
 * Returns the error that rounding of the gradient `g` causes in the first step of Adam, `rate·g / (|g| + 3.2e-6)`, at each sampled
 * position. A bias that batch normalization removes has the gradient 0. Rounding turns this gradient into about 1e-6 of either sign, and
 * Adam turns that into a visible step in either direction.
 */
function adamRounding({ largest, sampled }: Summary): number[] {
  const error = 3e-6 * largest; // The rounding error of a float32 sum of thousands of values that cancel.
  const epsilon = 1e-7 / Math.sqrt(1 - 0.999);
  const move = (g: number) => (ADAM_RATE * g) / (Math.abs(g) + epsilon);
  return Array.from(numbers(sampled), (g) => Math.max(move(g + error) - move(g), move(g) - move(g - error)));
}

describe('one training step of Model A at 64x64 on wasm, with the dropout masks from the Keras fixture', () => {
  const expected = keras['one step'];

  test('gives the same losses and metrics as Keras', async () => {
    const network = modelA(RATE);
    expect(network.layersModel.countParams()).toBe(expected.parameters);
    expect(expected.parameters).toBe(455_234);
    const { sums } = await step(network, adam());
    const [total, penalty, ageSum, ages, genderSum, genders, maeSum, , hits] = sums.dataSync();
    expect([ages, genders]).toEqual([BATCH, BATCH]);
    const pairs: [name: string, ours: number, keras: number][] = [
      ['total', total!, expected.total],
      ['penalty', penalty!, expected.penalty],
      ['age_loss', ageSum! / BATCH, expected.age_loss],
      ['gender_loss', genderSum! / BATCH, expected.gender_loss],
      ['age_mae', maeSum! / BATCH, expected.age_mae],
      ['gender_accuracy', hits! / BATCH, expected.gender_accuracy],
    ];
    for (const [name, ours, theirs] of pairs) expectCloseToLargest([ours], [theirs], 1e-5, name);
  });

  test('gives the same gradients as Keras', async () => {
    const network = modelA(RATE);
    const { gradient } = await step(network, adam());
    const trained = getTrainableWeights(network);
    expect(trained.map((weight) => weight.originalName).sort()).toEqual(
      Object.keys(expected.gradients).sort(),
    );
    const gradients = splitByWeight(gradient, trained);
    trained.forEach(({ originalName: name }, i) => {
      expectSummary(name, gradients[i]!.dataSync(), expected.gradients[name]!, 1e-4);
    });
  });

  test('updates weights and moving statistics with Adam as Keras does', async () => {
    const network = modelA(RATE);
    const before = weightsOf(network.layersModel);
    const { weights, nonTrainableUpdates } = await step(network, adam({ learningRate: ADAM_RATE }));
    getTrainableWeights(network).forEach((weight, i) => {
      weight.write(weights[i]!);
    });
    for (const [weight, value] of nonTrainableUpdates) weight.write(value);
    const after = weightsOf(network.layersModel);
    expect(Object.keys(after).sort()).toEqual(Object.keys(expected.weights).sort());
    let positionCount = 0;
    let looseCount = 0;
    for (const [name, theirs] of Object.entries(expected.weights)) {
      const extra = BEFORE_BATCH_NORM.includes(name) ? adamRounding(expected.gradients[name]!) : [];
      positionCount += samplePositions(name, after[name]!.length).length;
      looseCount += extra.filter((allowed) => allowed > 0.01 * ADAM_RATE).length;
      expectSummary(name, after[name]!, theirs, 1e-4, extra);
      // The update is larger than the tolerance; otherwise the comparison would prove nothing.
      expect(() => expectSummary(name, before[name]!, theirs, 1e-4, extra)).toThrow('apart');
    }
    expect(looseCount).toBeLessThan(0.03 * positionCount);
  });
});

test('twenty SGD steps of Model A without dropout give the same losses as Keras', async () => {
  const { rate, batches, steps } = keras['twenty steps'];
  expect(steps).toHaveLength(20);
  const network = modelA(0);
  const optimizer = sgd({ learningRate: rate });
  const optimizerState = new OptimizerState(optimizer, createEagerExecutor(network, optimizer, LOSS_WEIGHTS));
  for (const [i, theirs] of steps.entries()) {
    const [total, , age, , gender] = await optimizerState.runStep(
      await batch(network, BATCH * (i % batches)),
    );
    expectCloseToLargest([total!], [theirs.total], 1e-4, `loss of step ${i + 1}`);
    expectCloseToLargest([age! / BATCH], [theirs.age], 1e-4, `age_loss of step ${i + 1}`);
    expectCloseToLargest([gender! / BATCH], [theirs.gender], 1e-4, `gender_loss of step ${i + 1}`);
  }
  // The losses of the same batch in the first and the last steps differ by far more than the tolerance.
  const [first, last] = [steps[4]!, steps[19]!];
  expect(first.gender - last.gender).toBeGreaterThan(100 * 1e-4 * first.gender);
  expect(first.age - last.age).toBeGreaterThan(10 * 1e-4 * first.age);
  optimizerState.executor.dispose();
});
