import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { createEagerExecutor } from '../../src/engines/eager/eagerExecutor.js';
import {
  adam,
  adamw,
  binary,
  branch,
  conv,
  cosineDecay,
  createRng,
  customLoss,
  dense,
  depthwiseConv,
  exponentialDecay,
  flatten,
  multiTask,
  type Optimizer,
  regression,
  type Schedule,
  sgd,
  sharedTrunk,
  warmup,
  weightedLoss,
} from '../../src/entries/node.js';
import { buildNetwork } from '../../src/network/buildNetwork.js';
import { drawVarianceScaling } from '../../src/network/initializeWeights.js';
import { loadWasmBackend } from '../../src/tensor/backends/wasmBackend.js';
import { OptimizerState } from '../../src/training/optimizerState.js';
import { expectClose, expectCloseToLargest, largest } from './close.js';
import { type FixtureArray, fixture, numbers } from './fixture.js';
import { uniform } from './noise.js';
import { faces, fill, GENDERS, weightsOf } from './same.js';

interface Draws {
  readonly shape: number[];
  readonly seeds: number;
  readonly largest: number;
  readonly deviation: number;
}
const keras = fixture<{
  descents: { [name: string]: FixtureArray };
  tiny: FixtureArray;
  schedules: { [name: string]: number[] };
  initializers: { [name: string]: Draws };
  trajectories: { [name: string]: { loss: number[]; weights: { [name: string]: FixtureArray } } };
}>('optimizers');

beforeAll(() => loadWasmBackend());

const STEPS = 24;

/** Returns the same gradients as make_optimizers.py. */
function gradients(): number[][] {
  const values = uniform('gradients', [STEPS, 3]);
  return Array.from({ length: STEPS }, (_, i) =>
    i === 7
      ? [0, 0, 0]
      : Array.from(values.subarray(3 * i, 3 * i + 3), (x) => Math.fround(x * Math.fround(10 ** -(i % 4)))),
  );
}

/**
 * Runs an optimizer on a network whose loss is its output, `x · kernel + bias`, so the gradient of the kernel is the image and the
 * gradient of the bias is 1. Returns the weights after each step.
 */
async function descend(
  optimizer: Optimizer,
  kernelGradients: readonly (readonly number[])[],
): Promise<number[]> {
  const loss = customLoss('output', (prediction, target) => tf.sum(tf.mul(prediction, target), 1));
  const network = buildNetwork({
    input: { shape: [1, 1, 3], range: [0, 1] },
    seed: 0,
    trunk: undefined,
    tasks: [{ name: 'y', task: regression({ unit: 'none', loss }), branch: branch([flatten()]) }],
  });
  network.layersModel
    .getLayer('y')
    .setWeights([tf.tensor(uniform('descend', [3, 1]), [3, 1]), tf.tensor([0.5])]);
  const state = new OptimizerState(optimizer, createEagerExecutor(network, optimizer, { y: 1 }));
  const path: number[] = [];
  const one = { shape: [1], data: Float32Array.of(1) };
  for (const gradient of kernelGradients) {
    const images = { shape: [1, 1, 1, 3], data: Float32Array.from(gradient) };
    const target = { ...one, shape: [1, 1] };
    await state.runStep({ 'input/image': images, 'y/target': target, 'y/present': one, 'y/weight': one });
    const { 'y/kernel': kernel, 'y/bias': bias } = weightsOf(network.layersModel);
    path.push(...kernel!, ...bias!);
  }
  state.executor.dispose();
  return path;
}

describe('the optimizers in the Keras fixture', () => {
  const decay = exponentialDecay({ initialLearningRate: 1, decaySteps: 2, decayRate: 0.5 });
  const cases: { [name: string]: Optimizer } = {
    adam: adam(),
    'adam of other betas': adam({ learningRate: 0.01, beta1: 0.8, beta2: 0.99, epsilon: 1e-3 }),
    'adam, clipnorm': adam({ learningRate: 0.01, clipNorm: 0.3 }),
    'adam, clipvalue': adam({ learningRate: 0.01, clipValue: 0.2 }),
    'adam, global_clipnorm': adam({ learningRate: 0.01, globalClipNorm: 0.5 }),
    'adam, weight decay': adam({ learningRate: 0.05, weightDecay: 0.1 }),
    adamw: adamw({ learningRate: 0.05 }),
    'adam, accumulated': adam({ learningRate: 0.01, gradientAccumulationSteps: 3 }),
    'adamw, accumulated, clipped': adamw({
      learningRate: 0.05,
      weightDecay: 0.2,
      gradientAccumulationSteps: 2,
      globalClipNorm: 0.4,
    }),
    'adam, scheduled': adam({
      learningRate: exponentialDecay({ initialLearningRate: 0.05, decaySteps: 5, decayRate: 0.5 }),
    }),
    sgd: sgd(),
    'sgd, momentum': sgd({ learningRate: 0.1, momentum: 0.9 }),
    'sgd, nesterov': sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true }),
    'sgd, clipped and decayed': sgd({ learningRate: 0.1, momentum: 0.5, clipNorm: 0.3, weightDecay: 0.05 }),
    'sgd, scheduled': sgd({ learningRate: decay }),
    'sgd, scheduled in stairs': sgd({
      learningRate: exponentialDecay({
        initialLearningRate: 1,
        decaySteps: 2,
        decayRate: 0.5,
        staircase: true,
      }),
    }),
    // Keras counts batches for the schedule, so its first update, after three batches, uses the rate of step 2. This library
    // counts updates: a decay over 12 batches is a decay over 4 updates.
    'sgd, scheduled, accumulated': sgd({
      learningRate: exponentialDecay({ initialLearningRate: 0.5 ** (2 / 12), decaySteps: 4, decayRate: 0.5 }),
      gradientAccumulationSteps: 3,
    }),
  };
  test('are all tested', () => {
    expect(Object.keys(cases).sort()).toEqual(Object.keys(keras.descents).sort());
  });
  test.each(Object.entries(cases))(
    'compute the same weights in this library as in Keras in every step: %s',
    async (name, optimizer) => {
      const path = await descend(optimizer, gradients());
      // Keras computes `1 - beta2^t` in float32 with an initial relative error of 1.3e-5, which is 6e-6 after the square root.
      expectCloseToLargest(path, numbers(keras.descents[name]!), 1e-5, name);
      expect(largest(path.slice(-4).map((x, i) => x - path[i]!))).toBeGreaterThan(1e-3);
    },
  );

  test('include adam, which adds epsilon at the same position in the formula as Keras does', async () => {
    const path = await descend(adam({ learningRate: 0.1 }), [
      [1e-6, 0, 0],
      [2e-6, 0, 0],
      [-1e-6, 0, 0],
    ]);
    expectClose(path, numbers(keras.tiny), 1e-5, 'weights');
    const moved = path[8]! - uniform('descend', [3, 1])[0]!;
    expect(moved).toBeLessThan(-0.08);
    expect(moved).toBeGreaterThan(-0.09); // With the formula of the paper, the step would be -0.22.
  });
});

describe('the learning rate schedules in the Keras fixture', () => {
  const cosine = { initialLearningRate: 0.1, decaySteps: 10 };
  const cases: { [name: string]: Schedule } = {
    exponential: exponentialDecay({ initialLearningRate: 1, decaySteps: 2, decayRate: 0.5 }),
    'exponential in stairs': exponentialDecay({
      initialLearningRate: 1,
      decaySteps: 2,
      decayRate: 0.5,
      staircase: true,
    }),
    'exponential of an epoch': exponentialDecay({
      initialLearningRate: 1e-3,
      decaySteps: 125,
      decayRate: 0.95,
    }),
    cosine: cosineDecay(cosine),
    'cosine to a tenth': cosineDecay({ ...cosine, alpha: 0.1 }),
    'cosine after a rise': warmup(cosineDecay(cosine), { steps: 4, initialLearningRate: 0.02 }),
  };
  test('are all tested', () => {
    expect(Object.keys(cases).sort()).toEqual(Object.keys(keras.schedules).sort());
  });
  test.each(Object.entries(cases))(
    'return the same learning rates in this library as in Keras: %s',
    (name, schedule) => {
      const rates = keras.schedules[name]!.map((_, step) => schedule(step));
      expectCloseToLargest(rates, keras.schedules[name]!, 1e-6, name);
    },
  );
});

describe('the weight initializers in the Keras fixture', () => {
  const glorot = { scale: 1, mode: 'fanAvg', distribution: 'uniform' };
  const cases: { [name: string]: { scale: number; mode: string; distribution: string } } = {
    conv: glorot,
    depthwise: glorot,
    dense: glorot,
    'he normal': { scale: 2, mode: 'fanIn', distribution: 'normal' },
    'he uniform': { scale: 2, mode: 'fanIn', distribution: 'uniform' },
    'lecun normal': { scale: 1, mode: 'fanIn', distribution: 'normal' },
  };
  test('are all tested', () => {
    expect(Object.keys(cases).sort()).toEqual(Object.keys(keras.initializers).sort());
  });
  test.each(Object.entries(cases))(
    'draw weights with the same maximum and standard deviation in this library as in Keras: %s',
    (name, config) => {
      const { shape, seeds, largest: most, deviation } = keras.initializers[name]!;
      const drawn = Array.from({ length: seeds }, (_, seed) =>
        Array.from(drawVarianceScaling(createRng(seed), shape, { className: 'VarianceScaling', config })),
      ).flat();
      expectCloseToLargest([largest(drawn)], [most], 0.01, 'largest');
      const drawnDeviation = Math.sqrt(drawn.reduce((sum, x) => sum + x * x, 0) / drawn.length);
      expectCloseToLargest([drawnDeviation], [deviation], 0.01, 'deviation');
    },
  );

  test('include the Keras defaults, which layers use unless they set a different initializer', () => {
    const model = multiTask({ input: [8, 8, 3] })
      .trunk(
        sharedTrunk([
          conv(16, 1),
          conv(32, 3),
          tf.layers.conv2d({ filters: 32, kernelSize: 3, kernelInitializer: 'heNormal', name: 'he' }),
          conv(16, 1),
          depthwiseConv(3),
        ]),
      )
      .task('age', regression({ unit: 'years' }), branch([flatten()]))
      .build();
    const weights = weightsOf(model.layersModel);
    const expectRange = (name: string, { largest: most }: { readonly largest: number }) => {
      const share = largest(weights[name]!) / most;
      expect(share).toBeLessThan(1.001);
      expect(share).toBeGreaterThan(0.9);
    };
    expectRange('trunk_conv2/kernel', keras.initializers.conv!);
    expectRange('trunk_depthwise1/depthwise_kernel', keras.initializers.depthwise!);
    const he = weights['he/kernel']!;
    expect(he.length).toBe(3 * 3 * 32 * 32);
    const deviation = Math.sqrt(he.reduce((sum, x) => sum + x * x, 0) / he.length);
    // The layer has twice as many inputs as the layer in the fixture, so the standard deviation is smaller by a factor of √2.
    expectCloseToLargest([deviation * Math.SQRT2], [keras.initializers['he normal']!.deviation], 0.02, 'he');
    for (const [name, values] of Object.entries(weights)) {
      if (name.endsWith('bias')) expect(largest(values)).toBeLessThan(1e-20);
    }
    model.dispose();
  });
});

test.each([
  [
    'adam',
    adam({ learningRate: exponentialDecay({ initialLearningRate: 0.01, decaySteps: 5, decayRate: 0.95 }) }),
  ],
  ['sgd', sgd({ learningRate: 0.01, momentum: 0.9 })],
] as const)(
  'fifty training steps with the optimizer %s give the same losses and weights as Keras',
  async (name, optimizer) => {
    const shape = [4, 4, 3] as const;
    const model = multiTask({ input: shape })
      .trunk(sharedTrunk([flatten(), dense(6, { activation: 'tanh', l2: 1e-3 })]))
      .task(
        'age',
        regression({ unit: 'years' }),
        branch([tf.layers.activation({ activation: 'linear', name: 'as_is_1' })]),
      )
      .task(
        'gender',
        binary(GENDERS),
        branch([tf.layers.activation({ activation: 'linear', name: 'as_is_2' })]),
      )
      .build();
    fill(model.layersModel, 'trajectory');
    const { rows } = await model.fit(faces('trajectory', 20, shape), {
      epochs: 10,
      batchSize: 4,
      shuffle: false,
      engine: 'wasm',
      loss: weightedLoss({ age: 0.01, gender: 1 }),
      optimizer,
    });
    const expected = keras.trajectories[name]!;
    const losses = rows.map((row) => row.loss!);
    losses.forEach((loss, i) => {
      expectCloseToLargest([loss], [expected.loss[i]!], 1e-4, `epoch ${i + 1}`);
    });
    expect(losses.at(-1)!).toBeLessThan(0.9 * losses[0]!);
    const weights = weightsOf(model.layersModel);
    expect(Object.keys(weights).sort()).toEqual(Object.keys(expected.weights).sort());
    for (const [weight, values] of Object.entries(expected.weights)) {
      expectCloseToLargest(weights[weight]!, numbers(values), 1e-4, weight);
    }
    model.dispose();
  },
);
