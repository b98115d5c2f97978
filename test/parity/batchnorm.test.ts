import type { Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { batchNorm, branch, conv, flatten, regression, sgd, sharedTrunk } from '../../src/entries/node.js';
import type { Weight } from '../../src/layers/patched/forwardContext.js';
import { createModel } from '../../src/model/multiTaskModel.js';
import { buildNetwork, type NetworkDefinition } from '../../src/network/buildNetwork.js';
import { runGraph } from '../../src/network/layerGraph.js';
import type { Network } from '../../src/network/network.js';
import { nodePlatform } from '../../src/node/platform/nodePlatform.js';
import { loadWasmBackend } from '../../src/tensor/backends/wasmBackend.js';
import { expectClose, expectCloseToLargest } from './close.js';
import { type FixtureArray, fixture, numbers } from './fixture.js';
import { uniform } from './noise.js';
import { faces, fill, weightsOf } from './same.js';

type Call = Record<'before' | 'training' | 'after' | 'moving_mean' | 'moving_variance', FixtureArray>;
interface Trained {
  history: { [column: string]: number[] };
  weights: { [name: string]: FixtureArray };
  'called in training': FixtureArray;
  predicted: FixtureArray;
}
const keras = fixture<
  Record<'of four numbers' | 'of images' | 'of one number', Call> & Record<'trained' | 'frozen', Trained>
>('batchnorm');

beforeAll(() => loadWasmBackend());

/** Runs a training pass and writes the updated statistics to the network. Returns the output and the number of updated statistics. */
function training(network: Network, x: Tensor) {
  const updated = new Map<Weight, Tensor>();
  const forwardContext = {
    getMask: () => {
      throw new Error('no dropout here');
    },
    readWeight: (weight: Weight) => updated.get(weight) ?? weight.read(),
    updateWeight: (weight: Weight, value: Tensor) => void updated.set(weight, tf.keep(value)),
  };
  const y = tf.tidy(() => runGraph(network.graph, [x], { training: true, forwardContext })[0]!.dataSync());
  for (const [weight, value] of updated) {
    weight.write(value);
    value.dispose();
  }
  return { y, updateCount: updated.size };
}

const inference = (network: Network, x: Tensor) =>
  tf.tidy(() => runGraph(network.graph, [x], { training: false })[0]!.dataSync());

/** Builds a network with a batch normalization layer and a head that returns its input. */
function buildBatchNormNetwork(
  [, height, width, channels]: readonly number[],
  options: { momentum?: number; epsilon?: number },
) {
  const units = height! * width! * channels!;
  const task = { ...regression({ unit: 'years' }), units };
  const network = buildNetwork({
    input: { shape: [height!, width!, channels!], range: [0, 1] },
    seed: 0,
    trunk: sharedTrunk([batchNorm(options)]),
    tasks: [{ name: 'age', task, branch: branch([flatten()]) }],
  } satisfies NetworkDefinition);
  network.layersModel.getLayer('age').setWeights([tf.eye(units), tf.zeros([units])]);
  return network;
}

describe('one call to a batchNorm() layer', () => {
  const cases: [keyof typeof keras, number[], Float32Array, { momentum?: number; epsilon?: number }][] = [
    ['of four numbers', [4, 1, 1, 1], Float32Array.of(1, 2, 3, 6), {}],
    ['of images', [2, 2, 2, 3], uniform('bn/x', [2, 2, 2, 3], -2, 5), { momentum: 0.9, epsilon: 1e-2 }],
    ['of one number', [1, 1, 1, 1], Float32Array.of(7), {}],
  ];
  test.each(cases)(
    'gives the same results and moving statistics as Keras for a batch %s',
    (name, shape, values, options) => {
      const network = buildBatchNormNetwork(shape, options);
      const layer = network.layersModel.getLayer('trunk_bn1');
      if ('momentum' in options) {
        for (const weight of layer.weights) {
          const kind = weight.originalName.split('/').at(-1)!;
          const [low, high] = kind === 'gamma' || kind === 'moving_variance' ? [0.5, 1.5] : [-0.1, 0.1];
          const size = weight.shape as number[];
          weight.write(tf.tensor(uniform(`bn/trunk_bn1/${kind}`, size, low, high), size));
        }
      }
      const x = tf.tensor(values, shape);
      const expected = keras[name] as Call;
      const check = (actual: ArrayLike<number>, key: keyof Call) =>
        expectClose(actual, numbers(expected[key]), 1e-5, `${name}, ${key}`);
      check(inference(network, x), 'before');
      check(training(network, x).y, 'training');
      check(inference(network, x), 'after');
      const weights = weightsOf(network.layersModel);
      check(weights['trunk_bn1/moving_mean']!, 'moving_mean');
      check(weights['trunk_bn1/moving_variance']!, 'moving_variance');
    },
  );
});

describe('fit with batchNorm() layers', () => {
  const SHAPE = [4, 4, 3] as const;
  const build = (frozen: boolean) => {
    const network = buildNetwork({
      input: { shape: SHAPE, range: [0, 1] },
      seed: 0,
      trunk: sharedTrunk([conv(5, 2), batchNorm()]),
      tasks: [
        {
          name: 'age',
          task: regression({ unit: 'years', metrics: [] }),
          branch: branch([conv(4, 2), batchNorm({ momentum: 0.9 }), flatten()]),
        },
      ],
    });
    fill(network.layersModel, 'bn');
    for (const name of ['trunk_conv1', 'trunk_bn1']) network.layersModel.getLayer(name).trainable = !frozen;
    return network;
  };

  test.each(['trained', 'frozen'] as const)(
    'gives the same history, weights and predictions as Keras if the trunk is %s',
    async (name) => {
      const network = build(name === 'frozen');
      const start = weightsOf(network.layersModel);
      const model = createModel(nodePlatform, network);
      const data = faces('train', 10, SHAPE);
      const { rows } = await model.fit(data, {
        validation: data,
        epochs: 2,
        batchSize: 4,
        shuffle: false,
        engine: 'wasm',
        optimizer: sgd({ learningRate: 1e-3 }),
      });
      const { history, weights, predicted, ...rest } = keras[name];
      for (const [column, values] of Object.entries(history)) {
        const ours = rows.map((row) => row[column]!);
        expectCloseToLargest(ours, values, 1e-5, column);
      }
      const end = weightsOf(network.layersModel);
      expect(Object.keys(end).sort()).toEqual(Object.keys(weights).sort());
      for (const [weight, values] of Object.entries(weights)) {
        expectCloseToLargest(end[weight]!, numbers(values), 1e-5, weight);
        if (name === 'frozen' && weight.startsWith('trunk_')) expect(end[weight]).toEqual(start[weight]);
        else expect(end[weight]).not.toEqual(start[weight]);
      }
      const pixels = await Promise.all(Array.from({ length: 10 }, (_, i) => data.read(i)));
      const images = tf.tidy(() =>
        tf.div(tf.stack(pixels.map((image) => tf.tensor(Float32Array.from(image.data), [...SHAPE]))), 255),
      );
      expectCloseToLargest(inference(network, images), numbers(predicted), 1e-5, 'predicted');
      const { y, updateCount } = training(network, images);
      expect(updateCount).toBe(name === 'frozen' ? 2 : 4);
      expectCloseToLargest(y, numbers(rest['called in training']), 1e-5, 'called in training');
      images.dispose();
      model.dispose();
    },
  );
});
