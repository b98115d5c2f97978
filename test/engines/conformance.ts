/** Tests that an engine gives the same results as a reference engine. The reference `wasm` is compared with Keras in `test/parity`. */

import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { modelA } from '../../examples/study/modelA.js';
import type { NamedArrays } from '../../src/core/arrays.js';
import type { PackageLoader } from '../../src/core/platform/platform.js';
import {
  accuracy,
  adam,
  adamw,
  averagePool,
  batchNorm,
  binary,
  branch,
  type Callback,
  categorical,
  conv,
  createRng,
  customLoss,
  dense,
  depthwiseConv,
  dropout,
  type EngineName,
  flatten,
  globalAveragePool,
  grayscaleImage,
  huber,
  imagesInMemory,
  type MultiTaskModel,
  mae,
  maxPool,
  meanAbsoluteError,
  memoryStore,
  mse,
  multiTask,
  type Optimizer,
  randomFlip,
  randomRotation,
  regression,
  residual,
  rmse,
  type Store,
  sgd,
  sharedTrunk,
} from '../../src/entries/node.js';
import { createNetwork } from '../../src/network/buildNetwork.js';
import type { Network } from '../../src/network/network.js';
import { readWeights, type Weights, writeWeights } from '../../src/network/weights.js';
import { loadPackage } from '../../src/node/platform/loadPackage.js';
import { drawDropoutMasks } from '../../src/steps/dropoutMasks.js';
import type { Executor } from '../../src/steps/executor.js';
import { GRADIENT_SUM } from '../../src/steps/optimizerSlots.js';
import { getTrainableWeights } from '../../src/steps/trainableWeights.js';
import { OptimizerState } from '../../src/training/optimizerState.js';
import { wrapRuntime } from '../onnx/wrapRuntime.js';
import { getActiveEngine } from './getActiveEngine.js';
import { useEngineWith } from './useEngineWith.js';

/** Number of training states that are compared. */
const STATES = 20;
/** Number of batches that are drawn before a state counts as failed; see `countRedraws`. */
const DRAWS = 5;

type AnyModel = Pick<MultiTaskModel<Record<never, never>>, 'layersModel' | 'tasks' | 'input'>;

const network = (model: unknown): Network => {
  const { layersModel, tasks, input } = model as AnyModel;
  return createNetwork(layersModel, tasks, input);
};

const nets: { readonly [name: string]: () => Network } = {
  'Model A, 56x56': () => network(modelA(56, { seed: 3 })),
  'a residual net with depthwise layers': () =>
    network(
      multiTask({ input: [16, 16, 3], range: [-1, 1], seed: 2 })
        .trunk(
          sharedTrunk([
            conv(8, 3, { strides: 2, padding: 'same' }),
            batchNorm(),
            residual([depthwiseConv(3, { padding: 'same' }), conv(8, 1)]),
            averagePool(2, { padding: 'same' }),
          ]),
        )
        .task(
          'age',
          regression({ unit: 'years' }),
          branch([conv(4, 2), flatten(), dense(8, { l2: 1e-3 }), dropout(0.2)]),
        )
        .task('kind', categorical(['a', 'b', 'c']), branch([globalAveragePool(), dense(8)]))
        .task('sex', binary(['m', 'f']), branch([maxPool(2), flatten(), dense(4)]))
        .build(),
    ),
  'a trunk on the image, on its grayscale version and on a smaller image': () =>
    network(
      multiTask({ input: [16, 16, 3], seed: 4 })
        .trunk(sharedTrunk([conv(8, 3), batchNorm(), dropout(0.2), conv(6, 2)]))
        .task('age', regression({ unit: 'years' }), branch([conv(4, 2), flatten(), dense(8)]))
        .task(
          'kind',
          categorical(['a', 'b', 'c']),
          branch([flatten(), dense(8)], { inputView: grayscaleImage() }),
        )
        .task(
          'sex',
          binary(['m', 'f']),
          branch([globalAveragePool(), dense(4)], { inputView: [grayscaleImage(), averagePool(2)] }),
        )
        .build(),
    ),
};

/** Creates noise images with labels and dropout masks from a seed. Every third label of the first task is missing. */
function createBatch(net: Network, count: number, seed: number): NamedArrays {
  const random = createRng(seed, 'conformance');
  const shape = [count, ...net.input.shape];
  const [black, white] = net.input.range;
  const fill = (sides: readonly number[], draw: () => number) => ({
    shape: sides,
    data: Float32Array.from({ length: sides.reduce((a, b) => a * b, 1) }, draw),
  });
  const arrays: { [name: string]: NamedArrays[string] } = {
    'input/image': fill(shape, () => black + (white - black) * random.next()),
  };
  Object.entries(net.tasks).forEach(([name, task], at) => {
    const label = () => (task.labels ? task.labels[random.nextInt(task.labels.length)] : random.nextInt(80));
    const rows = Array.from({ length: count }, () => [...task.encode(label() as never, name)]);
    arrays[`${name}/target`] = { shape: [count, task.targetWidth], data: Float32Array.from(rows.flat()) };
    const missing = (row: number) => at === 0 && count > 2 && row % 3 === 2;
    arrays[`${name}/present`] = {
      shape: [count],
      data: Float32Array.from(rows, (_, row) => (missing(row) ? 0 : 1)),
    };
    arrays[`${name}/weight`] = fill([count], () => 0.5 + random.next());
  });
  return { ...arrays, ...drawDropoutMasks(net, count, seed, 0, 0) };
}

const createLossWeights = (net: Network) =>
  Object.fromEntries(Object.keys(net.tasks).map((name, i) => [name, i === 0 ? 1 : 50]));

const largest = (values: ArrayLike<number>) =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** Returns the largest absolute difference, relative to the largest expected value or to `minimumScale`. */
function relativeDifference(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  minimumScale = 0,
): number {
  const difference = largest(Array.from(actual, (value, i) => value - expected[i]!));
  return difference === 0 ? 0 : difference / Math.max(largest(expected), minimumScale);
}

/** Number of training steps that ONNX Runtime ran, counted by the wrapper of its sessions. */
let compiledSteps = 0;
const countingLoader: PackageLoader = Object.assign(
  async <M>(name: string, neededFor: string): Promise<M> => {
    if (!name.startsWith('onnxruntime')) return loadPackage<M>(name, neededFor);
    return wrapRuntime({
      wrapRun:
        (run, outputNames) =>
        (...args) => {
          if (outputNames.includes('sums')) compiledSteps++;
          return run(...args);
        },
    });
  },
  { threads: loadPackage.threads! },
);

/** Runs `action` on an engine, and checks that the engine was started. */
async function runOn<R>(engine: EngineName, action: () => Promise<R>): Promise<R> {
  const { name } = await useEngineWith(countingLoader)(engine);
  expect(name).toBe(engine);
  expect(tf.getBackend()).toBe({ native: 'tensorflow', onnx: 'wasm' }[engine as string] ?? engine);
  return action();
}

/** Returns the sums and the gradient of a batch with the current weights: a step of the kind `accumulate` does not change the weights. */
async function computeGradient(
  steps: Executor,
  arrays: NamedArrays,
): Promise<{ sums: Float32Array; gradient: Float32Array }> {
  const zero = { shape: [], data: Float32Array.of(0) };
  const { [GRADIENT_SUM]: slot } = await steps.getSlots();
  steps.setSlots({ [GRADIENT_SUM]: { shape: slot!.shape, data: new Float32Array(slot!.data.length) } });
  const sums = await steps.runStep('accumulate', { ...arrays, 'coefficient/0': zero, 'coefficient/1': zero });
  const { [GRADIENT_SUM]: gradient } = await steps.getSlots();
  return { sums: sums.slice(), gradient: gradient!.data };
}

/** Splits a vector over all trainable weights into one array per weight. */
function splitByWeight(net: Network, flat: Float32Array): [name: string, values: Float32Array][] {
  let offset = 0;
  return getTrainableWeights(net).map((weight) => {
    const size = (weight.shape as number[]).reduce((product, side) => product * side, 1);
    offset += size;
    return [weight.originalName, flat.subarray(offset - size, offset)];
  });
}

/** Returns the weights before each of twenty training steps on wasm. */
async function trainStates(net: Network): Promise<Weights[]> {
  return runOn('wasm', async () => {
    const optimizer = adam({ learningRate: 1e-3 });
    const updater = new OptimizerState(
      optimizer,
      getActiveEngine()!.createExecutor(net, optimizer, createLossWeights(net)),
    );
    const states: Weights[] = [];
    for (let i = 0; i < STATES; i++) {
      states.push(await readWeights(net));
      await updater.runStep(createBatch(net, 4, 100 + i));
    }
    updater.executor.dispose();
    return states;
  });
}

/** Declares the tests of an engine. Its results are compared with those of `reference`. */
export function conformance(
  engine: EngineName,
  reference: EngineName = 'wasm',
  networkNames = Object.keys(nets),
): void {
  describe(`the engine ${engine} compared with ${reference}`, () => {
    beforeAll(() => useEngineWith(countingLoader)(engine));
    beforeEach(() => {
      compiledSteps = 0;
    });
    // The name of the backend is not sufficient to check the engine: onnx uses the wasm backend, too.
    afterEach(() => {
      if (engine === 'onnx') expect(compiledSteps).toBeGreaterThan(1);
      else expect(compiledSteps).toBe(0);
    });

    test.each(networkNames)(
      'computes losses and gradients within 1e-4 from 20 equal states: %s',
      async (name) => {
        const net = nets[name]!();
        const states = await trainStates(net);
        const optimizer = sgd({ gradientAccumulationSteps: 2 });
        const createExecutor = () =>
          Promise.resolve(getActiveEngine()!.createExecutor(net, optimizer, createLossWeights(net)));
        const executor = await runOn(engine, createExecutor);
        const referenceExecutor = await runOn(reference, createExecutor);
        let redrawn = 0;
        for (const [i, state] of states.entries()) redrawn += await countRedraws(i, state);
        executor.dispose();
        referenceExecutor.dispose();
        // Two correct engines differ if rounding decides which number is the maximum of a window, or whether the input of a relu is
        // positive. That is rare: the batch of a state may be drawn again, but not for most states.
        expect(redrawn).toBeLessThanOrEqual(STATES / 2);

        async function countRedraws(i: number, state: Weights): Promise<number> {
          let worst: [string, number] = ['', 0];
          for (let draw = 0; draw < DRAWS; draw++) {
            const arrays = createBatch(net, 2, 1000 * i + draw);
            const run = (steps: Executor) => () => {
              writeWeights(net, state);
              return computeGradient(steps, arrays);
            };
            const actual = await runOn(engine, run(executor));
            const expected = await runOn(reference, run(referenceExecutor));
            const scale = largest(expected.gradient);
            const expectedGradients = splitByWeight(net, expected.gradient);
            worst = splitByWeight(net, actual.gradient).reduce<[string, number]>(
              (most, [weight, values], at) => {
                // A bias before a batch normalization has no gradient except rounding errors, so it is compared on the scale of the others.
                const difference = relativeDifference(values, expectedGradients[at]![1], 1e-3 * scale);
                return difference > most[1] ? [weight, difference] : most;
              },
              ['loss', relativeDifference(actual.sums, expected.sums)],
            );
            if (worst[1] < 1e-4) return draw;
          }
          expect(worst, `state ${i}`).toEqual(['below 1e-4', 0]);
          return DRAWS;
        }
      },
    );

    test.each(networkNames)(
      'computes losses within 1e-3 during twenty independent steps of Adam: %s',
      async (name) => {
        const [ours, theirs] = await trainOnBoth(name, () => adam({ learningRate: 3e-5 }));
        ours.losses.forEach(
          (loss, i) => void expect(Math.abs(loss / theirs.losses[i]! - 1), `step ${i}`).toBeLessThan(1e-3),
        );
      },
    );

    test.each(networkNames)(
      'computes weights within 1e-4 after twenty independent steps of SGD: %s',
      async (name) => {
        // A bias that was initialized to zero consists of updates only, so it is compared on the scale of a kernel.
        const [ours, theirs] = await trainOnBoth(name, () => sgd({ learningRate: 1e-7 }));
        for (const [weight, { data }] of Object.entries(ours.weights)) {
          expect([weight, relativeDifference(data, theirs.weights[weight]!.data, 0.1) < 1e-4]).toEqual([
            weight,
            true,
          ]);
        }
        expect(
          ours.losses
            .map((loss, i) => Math.abs(loss / theirs.losses[i]! - 1))
            .filter((difference) => difference > 1e-4),
        ).toEqual([]);
      },
    );

    test.each(Object.entries(optimizers))(
      'computes optimizer updates within 1e-6 from equal gradients: %s',
      async (_, createOptimizer) => {
        const [ours, theirs] = [
          await runOn(engine, () => runUpdates(createOptimizer())),
          await runOn(reference, () => runUpdates(createOptimizer())),
        ];
        expect(ours).toHaveLength(theirs.length);
        expect(relativeDifference(ours, theirs)).toBeLessThan(1e-6);
        expect(new Set(theirs).size).toBeGreaterThan(4);
      },
    );

    test.each(Object.keys(tasks))(
      'computes the loss, gradient and metrics of a task within 1e-4: %s',
      async (name) => {
        const net = network(
          multiTask({ input: [6, 6, 3], seed: 1 })
            .task('answer', tasks[name]!(), branch([conv(4, 3), flatten(), dense(6)]))
            .build(),
        );
        const run = async () => {
          const steps = getActiveEngine()!.createExecutor(net, sgd({ gradientAccumulationSteps: 2 }), {
            answer: 2,
          });
          const result = await computeGradient(steps, createBatch(net, 5, 3));
          steps.dispose();
          return result;
        };
        const [ours, theirs] = [await runOn(engine, run), await runOn(reference, run)];
        expect(relativeDifference(ours.sums, theirs.sums)).toBeLessThan(1e-4);
        expect(relativeDifference(ours.gradient, theirs.gradient)).toBeLessThan(1e-4);
        expect(largest(theirs.gradient)).toBeGreaterThan(0);
      },
    );

    test('gives a run that is stopped and resumed the same history as an uninterrupted run, bit for bit', async () => {
      const random = createRng(1, 'squares');
      const data = imagesInMemory(
        Array.from({ length: 22 }, (_, i) => ({
          image: {
            data: Uint8Array.from({ length: 12 * 12 * 3 }, () => random.nextInt(256)),
            height: 12,
            width: 12,
            channels: 3,
          },
          labels: { age: i },
        })),
      ).augment([randomRotation({ degrees: 20 }), randomFlip('horizontal')]);
      const run = async (options: {
        checkpoint?: Store;
        resume?: boolean;
        signal?: AbortSignal;
        callbacks?: Callback[];
      }) => {
        const model = multiTask({ input: [12, 12, 3], seed: 1 })
          .trunk(sharedTrunk([conv(8, 3), maxPool(2), batchNorm()]))
          .task('age', regression({ unit: 'years' }), branch([flatten(), dense(8), dropout(0.3)]))
          .build();
        const { rows, engine: choice } = await model.fit(data, {
          ...options,
          ...{ engine, batchSize: 6, epochs: 3, validation: data },
        });
        expect(choice.name).toBe(engine);
        return rows.map(({ seconds: _, ...row }) => row);
      };
      await useEngineWith(countingLoader)(engine);
      const uninterrupted = await run({});
      for (const lastStep of [3, 5]) {
        const checkpoint = memoryStore();
        const stop = new AbortController();
        let steps = 0;
        const onBatchEnd = () => void (++steps === lastStep && stop.abort());
        await run({
          checkpoint,
          signal: stop.signal,
          callbacks: [{ name: 'stop', create: () => ({ onBatchEnd }) }],
        });
        expect(await run({ checkpoint, resume: true })).toEqual(uninterrupted);
      }
    });

    async function trainOnBoth(name: string, createOptimizer: () => Optimizer) {
      const run = async () => {
        const net = nets[name]!();
        const optimizer = createOptimizer();
        const updater = new OptimizerState(
          optimizer,
          getActiveEngine()!.createExecutor(net, optimizer, createLossWeights(net)),
        );
        const losses: number[] = [];
        for (let i = 0; i < 20; i++) losses.push((await updater.runStep(createBatch(net, 4, i)))[0]!);
        updater.executor.dispose();
        return { losses, weights: await readWeights(net) };
      };
      return [await runOn(engine, run), await runOn(reference, run)] as const;
    }
  });
}

const optimizers: { readonly [name: string]: () => Optimizer } = {
  adam: () => adam(),
  'adam with other betas': () => adam({ learningRate: 0.01, beta1: 0.8, beta2: 0.99, epsilon: 1e-3 }),
  adamw: () => adamw({ learningRate: 0.05 }),
  sgd: () => sgd({ learningRate: 0.1 }),
  'sgd with momentum': () => sgd({ learningRate: 0.1, momentum: 0.9 }),
  'sgd with Nesterov momentum': () => sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true }),
  clipNorm: () => sgd({ learningRate: 0.1, clipNorm: 0.3 }),
  clipValue: () => sgd({ learningRate: 0.1, clipValue: 0.2 }),
  globalClipNorm: () => adam({ learningRate: 0.1, globalClipNorm: 0.5 }),
  'weight decay': () => sgd({ learningRate: 0.1, weightDecay: 0.1 }),
  'accumulated gradients': () => adam({ learningRate: 0.1, gradientAccumulationSteps: 2 }),
};

/**
 * Runs two updates of a network and returns the weights after each. The loss is the output of the network, so the gradient is the image,
 * which is equal on every engine.
 */
async function runUpdates(optimizer: Optimizer): Promise<number[]> {
  const loss = customLoss('output', (prediction, target) => tf.sum(tf.mul(prediction, target), 1));
  const net = network(
    multiTask({ input: [1, 2, 3], seed: 4 })
      .task('y', regression({ unit: 'none', loss }), branch([flatten()]))
      .build(),
  );
  const updater = new OptimizerState(optimizer, getActiveEngine()!.createExecutor(net, optimizer, { y: 1 }));
  const one = { shape: [1], data: Float32Array.of(1) };
  const path: number[] = [];
  for (const gradient of [
    [0.4, -1.5, 0.01, 0, 3, -0.2],
    [-0.1, 0.7, 0.02, 1e-4, 2, 0.5],
  ]) {
    await updater.runStep({
      'input/image': { shape: [1, 1, 2, 3], data: Float32Array.from(gradient) },
      'y/target': { ...one, shape: [1, 1] },
      'y/present': one,
      'y/weight': one,
    });
    updater.executor.syncWeights();
    for (const { data } of Object.values(await readWeights(net))) path.push(...data);
  }
  updater.executor.dispose();
  return path;
}

const tasks: { readonly [name: string]: () => any } = {
  'mean squared error, with mae, mse and rmse': () =>
    regression({ unit: 'years', metrics: [mae(), mse(), rmse({ weighted: true })] }),
  'mean absolute error': () => regression({ unit: 'years', loss: meanAbsoluteError() }),
  huber: () => regression({ unit: 'years', loss: huber({ delta: 20 }) }),
  'binary cross-entropy, with accuracy': () =>
    binary(['a', 'b'], { metrics: [accuracy(), accuracy({ weighted: true })] }),
  'categorical cross-entropy, with accuracy': () => categorical(['a', 'b', 'c', 'd']),
  'a custom loss of TensorFlow.js operations': () =>
    regression({
      unit: 'years',
      loss: customLoss('log cosh', (prediction, target) => {
        const error = tf.sub(prediction, target);
        return tf.mean(tf.sub(tf.add(error, tf.softplus(tf.mul(error, -2))), Math.log(2)), 1);
      }),
    }),
};
