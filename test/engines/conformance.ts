/** One suite for every engine: what it computes is what the wasm engine computes, which `test/parity` holds to Keras. */

import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { modelA } from '../../examples/study/modelA.js';
import type { NamedArrays } from '../../src/core/arrays.js';
import type { PackageLoader } from '../../src/core/platform/platform.js';
import type { Executor } from '../../src/engines/executor.js';
import { getActiveEngine } from '../../src/engines/select.js';
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
import { GRADIENT_SUM } from '../../src/steps/optimizerSlots.js';
import { getTrainableWeights } from '../../src/steps/trainableWeights.js';
import { tf } from '../../src/tensor/tf.js';
import { OptimizerState } from '../../src/training/optimizerState.js';
import { wrapRuntime } from '../onnx/wrapRuntime.js';
import { useEngineWith } from './useEngineWith.js';

const STATES = 20;
/** Draws of a batch before a state counts as failed; see {@link statesAgree}. */
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
  'a trunk on the image, on grey and on a small image': () =>
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

/** Noise with labels, and masks, named by `seed`; every third label of the first task is missing. */
function batchOf(net: Network, count: number, seed: number): NamedArrays {
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

const weightsOfLoss = (net: Network) =>
  Object.fromEntries(Object.keys(net.tasks).map((name, i) => [name, i === 0 ? 1 : 50]));

const largest = (values: ArrayLike<number>) =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** The largest difference, of the largest number or of `least`. */
function apart(ours: ArrayLike<number>, theirs: ArrayLike<number>, least = 0): number {
  const off = largest(Array.from(ours, (value, i) => value - theirs[i]!));
  return off === 0 ? 0 : off / Math.max(largest(theirs), least);
}

/** Number of training steps that ONNX Runtime ran, counted by the wrapper of its sessions. */
let compiledSteps = 0;
const counting: PackageLoader = Object.assign(
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

/** Runs `action` on an engine, and makes sure that it was that one. */
async function on<R>(engine: EngineName, action: () => Promise<R>): Promise<R> {
  const { name } = await useEngineWith(counting)(engine);
  expect(name).toBe(engine);
  expect(tf.getBackend()).toBe({ native: 'tensorflow', onnx: 'wasm' }[engine as string] ?? engine);
  return action();
}

/** The sums and the gradient of a batch by the weights as they are: the first of two batches only adds its gradient up. */
async function gradientOf(
  steps: Executor,
  arrays: NamedArrays,
): Promise<{ sums: Float32Array; gradient: Float32Array }> {
  const zero = { shape: [], data: Float32Array.of(0) };
  const { [GRADIENT_SUM]: kept } = await steps.getSlots();
  steps.setSlots({ [GRADIENT_SUM]: { shape: kept!.shape, data: new Float32Array(kept!.data.length) } });
  const sums = await steps.runStep('accumulate', { ...arrays, 'coefficient/0': zero, 'coefficient/1': zero });
  const { [GRADIENT_SUM]: gradient } = await steps.getSlots();
  return { sums: sums.slice(), gradient: gradient!.data };
}

/** A vector over all trained weights, by weight. */
function byWeight(net: Network, flat: Float32Array): [name: string, values: Float32Array][] {
  let at = 0;
  return getTrainableWeights(net).map((weight) => {
    const size = (weight.shape as number[]).reduce((product, side) => product * side, 1);
    at += size;
    return [weight.originalName, flat.subarray(at - size, at)];
  });
}

/** Weights as they stand along twenty steps of the reference. */
async function statesOf(net: Network): Promise<Weights[]> {
  return on('wasm', async () => {
    const optimizer = adam({ learningRate: 1e-3 });
    const updater = new OptimizerState(
      optimizer,
      getActiveEngine()!.createExecutor(net, optimizer, weightsOfLoss(net)),
    );
    const states: Weights[] = [];
    for (let i = 0; i < STATES; i++) {
      states.push(await readWeights(net));
      await updater.runStep(batchOf(net, 4, 100 + i));
    }
    updater.executor.dispose();
    return states;
  });
}

/** Declares the suite for `engine` against `reference`. */
export function conformance(
  engine: EngineName,
  reference: EngineName = 'wasm',
  names = Object.keys(nets),
): void {
  describe(`${engine} beside ${reference}`, () => {
    beforeAll(() => useEngineWith(counting)(engine));
    beforeEach(() => {
      compiledSteps = 0;
    });
    // Which engine really ran: the wasm backend is in use beside onnx too.
    afterEach(() => {
      if (engine === 'onnx') expect(compiledSteps).toBeGreaterThan(1);
      else expect(compiledSteps).toBe(0);
    });

    test.each(names)('%s: from 20 equal states, losses and gradients within 1e-4', async (name) => {
      const net = nets[name]!();
      const states = await statesOf(net);
      const optimizer = sgd({ gradientAccumulationSteps: 2 });
      const make = () =>
        Promise.resolve(getActiveEngine()!.createExecutor(net, optimizer, weightsOfLoss(net)));
      const ours = await on(engine, make);
      const theirs = await on(reference, make);
      let redrawn = 0;
      for (const [i, state] of states.entries()) redrawn += await statesAgree(i, state);
      ours.dispose();
      theirs.dispose();
      // Where rounding decides which of two numbers is the maximum of a window, or whether a relu is open, two right engines
      // part. That is rare: a batch of a state may be drawn again, and most must not be.
      expect(redrawn).toBeLessThanOrEqual(STATES / 2);

      async function statesAgree(i: number, state: Weights): Promise<number> {
        let worst: [string, number] = ['', 0];
        for (let draw = 0; draw < DRAWS; draw++) {
          const arrays = batchOf(net, 2, 1000 * i + draw);
          const run = (steps: Executor) => () => {
            writeWeights(net, state);
            return gradientOf(steps, arrays);
          };
          const own = await on(engine, run(ours));
          const other = await on(reference, run(theirs));
          const scale = largest(other.gradient);
          const wanted = byWeight(net, other.gradient);
          worst = byWeight(net, own.gradient).reduce<[string, number]>(
            (most, [weight, values], at) => {
              // A bias that batch normalisation takes away has no gradient but rounding: its scale is that of the others.
              const off = apart(values, wanted[at]![1], 1e-3 * scale);
              return off > most[1] ? [weight, off] : most;
            },
            ['loss', apart(own.sums, other.sums)],
          );
          if (worst[1] < 1e-4) return draw;
        }
        expect(worst, `state ${i}`).toEqual(['below 1e-4', 0]);
        return DRAWS;
      }
    });

    test.each(names)('%s: twenty free steps, losses within 1e-3 with Adam', async (name) => {
      const [ours, theirs] = await both(name, () => adam({ learningRate: 3e-5 }));
      ours.losses.forEach(
        (loss, i) => void expect(Math.abs(loss / theirs.losses[i]! - 1), `step ${i}`).toBeLessThan(1e-3),
      );
    });

    test.each(names)('%s: twenty free steps, weights within 1e-4 with SGD', async (name) => {
      // A bias that began at zero is all update: its scale is that of a kernel.
      const [ours, theirs] = await both(name, () => sgd({ learningRate: 1e-7 }));
      for (const [weight, { data }] of Object.entries(ours.weights)) {
        expect([weight, apart(data, theirs.weights[weight]!.data, 0.1) < 1e-4]).toEqual([weight, true]);
      }
      expect(
        ours.losses.map((loss, i) => Math.abs(loss / theirs.losses[i]! - 1)).filter((off) => off > 1e-4),
      ).toEqual([]);
    });

    test.each(Object.entries(optimizers))(
      'one update of %s from equal gradients within 1e-6',
      async (_, make) => {
        const [ours, theirs] = [
          await on(engine, () => descent(make())),
          await on(reference, () => descent(make())),
        ];
        expect(ours).toHaveLength(theirs.length);
        expect(apart(ours, theirs)).toBeLessThan(1e-6);
        expect(new Set(theirs).size).toBeGreaterThan(4);
      },
    );

    test.each(Object.keys(tasks))('the loss, gradient and metrics of %s within 1e-4', async (name) => {
      const net = network(
        multiTask({ input: [6, 6, 3], seed: 1 })
          .task('answer', tasks[name]!(), branch([conv(4, 3), flatten(), dense(6)]))
          .build(),
      );
      const run = async () => {
        const steps = getActiveEngine()!.createExecutor(net, sgd({ gradientAccumulationSteps: 2 }), {
          answer: 2,
        });
        const result = await gradientOf(steps, batchOf(net, 5, 3));
        steps.dispose();
        return result;
      };
      const [ours, theirs] = [await on(engine, run), await on(reference, run)];
      expect(apart(ours.sums, theirs.sums)).toBeLessThan(1e-4);
      expect(apart(ours.gradient, theirs.gradient)).toBeLessThan(1e-4);
      expect(largest(theirs.gradient)).toBeGreaterThan(0);
    });

    test('a run that is stopped and resumed has the history of one that was not, to the bit', async () => {
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
        const { rows, engine: ran } = await model.fit(data, {
          ...options,
          ...{ engine, batchSize: 6, epochs: 3, validation: data },
        });
        expect(ran.name).toBe(engine);
        return rows.map(({ seconds: _, ...row }) => row);
      };
      await useEngineWith(counting)(engine);
      const whole = await run({});
      for (const last of [3, 5]) {
        const checkpoint = memoryStore();
        const stop = new AbortController();
        let steps = 0;
        const onBatchEnd = () => void (++steps === last && stop.abort());
        await run({
          checkpoint,
          signal: stop.signal,
          callbacks: [{ name: 'stop', create: () => ({ onBatchEnd }) }],
        });
        expect(await run({ checkpoint, resume: true })).toEqual(whole);
      }
    });

    async function both(name: string, make: () => Optimizer) {
      const run = async () => {
        const net = nets[name]!();
        const optimizer = make();
        const updater = new OptimizerState(
          optimizer,
          getActiveEngine()!.createExecutor(net, optimizer, weightsOfLoss(net)),
        );
        const losses: number[] = [];
        for (let i = 0; i < 20; i++) losses.push((await updater.runStep(batchOf(net, 4, i)))[0]!);
        updater.executor.dispose();
        return { losses, weights: await readWeights(net) };
      };
      return [await on(engine, run), await on(reference, run)] as const;
    }
  });
}

const optimizers: { readonly [name: string]: () => Optimizer } = {
  adam: () => adam(),
  'adam of other betas': () => adam({ learningRate: 0.01, beta1: 0.8, beta2: 0.99, epsilon: 1e-3 }),
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

/** Two updates of a network whose loss is its output, so that its gradient is the image: equal on every engine. */
async function descent(optimizer: Optimizer): Promise<number[]> {
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
  'a loss in operations of TensorFlow.js': () =>
    regression({
      unit: 'years',
      loss: customLoss('log cosh', (prediction, target) => {
        const error = tf.sub(prediction, target);
        return tf.mean(tf.sub(tf.add(error, tf.softplus(tf.mul(error, -2))), Math.log(2)), 1);
      }),
    }),
};
