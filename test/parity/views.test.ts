import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  batchNorm,
  binary,
  branch,
  conv,
  flatten,
  grayscaleImage,
  regression,
  sgd,
  sharedTrunk,
  weightedLoss,
} from '../../src/entries/node.js';
import { createModel } from '../../src/model/multiTaskModel.js';
import { buildNetwork, type NetworkDefinition } from '../../src/network/buildNetwork.js';
import { splitFrozen } from '../../src/network/frozenSplit.js';
import { nodePlatform } from '../../src/node/platform/nodePlatform.js';
import { loadWasmBackend } from '../../src/tensor/backends/wasmBackend.js';
import { expectClose, expectCloseToLargest } from './close.js';
import { type FixtureArray, fixture, numbers } from './fixture.js';
import { uniform } from './noise.js';
import { faces, fill, GENDERS, weightsOf } from './same.js';

interface Run {
  readonly history: { readonly [column: string]: readonly number[] };
  readonly weights: { readonly [name: string]: FixtureArray };
  readonly predicted: readonly FixtureArray[];
  readonly parameters: number;
}
const keras = fixture<{ readonly [run: string]: Run } & { readonly gray: FixtureArray }>('views');
const SHAPE = [6, 6, 3] as const;

beforeAll(() => loadWasmBackend());

/** Builds the networks of keras/make_views.py. The grayscale layer has its own weights instead of the weights of `fill`. */
function build(grayTasks: readonly string[], ageConvs: number, genderConvs: number, frozen = false) {
  const part = (task: string, convs: number) =>
    branch(
      [...Array.from({ length: convs }, () => conv(4, 2)), flatten()],
      grayTasks.includes(task) ? { inputView: grayscaleImage() } : {},
    );
  const network = buildNetwork({
    input: { shape: SHAPE, range: [0, 1] },
    seed: 0,
    trunk: sharedTrunk([conv(5, 2), batchNorm({ momentum: 0.7 })]),
    tasks: [
      { name: 'age', task: regression({ unit: 'years' }), branch: part('age', ageConvs) },
      { name: 'gender', task: binary(GENDERS), branch: part('gender', genderConvs) },
    ],
  } satisfies NetworkDefinition);
  const viewWeights =
    grayTasks.length > 0 ? network.layersModel.getLayer('image_grayscale1').getWeights() : [];
  const copies = viewWeights.map((weight) => weight.clone());
  fill(network.layersModel, 'views');
  if (copies.length > 0) network.layersModel.getLayer('image_grayscale1').setWeights(copies);
  tf.dispose(copies);
  for (const name of frozen ? ['trunk_conv1', 'trunk_bn1'] : [])
    network.layersModel.getLayer(name).trainable = false;
  return network;
}

test('grayscaleImage() computes the same gray values as Keras, and copies them to three channels', () => {
  const { layersModel } = buildNetwork({
    input: { shape: [3, 4, 3], range: [0, 1] },
    seed: 0,
    trunk: undefined,
    tasks: [
      {
        name: 'age',
        task: regression({ unit: 'years' }),
        branch: branch([flatten()], { inputView: grayscaleImage() }),
      },
    ],
  });
  const view = tf.model({
    inputs: layersModel.inputs,
    outputs: layersModel.getLayer('image_grayscale1').output as tf.SymbolicTensor,
  });
  const pixels = tf.tensor(uniform('views/pixels', [2, 3, 4, 3], 0, 1), [2, 3, 4, 3]);
  const gray = (view.predict(pixels) as tf.Tensor).dataSync();
  const expected = Array.from(numbers(keras.gray)).flatMap((value) => [value, value, value]);
  expectClose(gray, expected, 1e-6, 'gray'); // The values are sums of three products of numbers up to 1.
});

describe('a network whose trunk is called on two input views', () => {
  test.each([
    ['neither', build([], 1, 1), false],
    ['gender', build(['gender'], 1, 1), true],
    ['gender, deeper', build(['gender'], 1, 2), true],
    ['age', build(['age'], 1, 1), true],
    ['age, gender shallower', build(['age'], 2, 1), true],
    ['both', build(['age', 'gender'], 1, 2), false],
    ['gender, frozen trunk', build(['gender'], 1, 1, true), true],
  ] as const)(
    'trains, evaluates and predicts as in Keras with grayscale views for these tasks: %s',
    async (name, network, isCalledTwice) => {
      const { history, weights, predicted, parameters } = keras[name] as Run;
      const calls = network.graph.calls.filter(({ layer }) => layer.name === 'trunk_conv1');
      expect(calls).toHaveLength(isCalledTwice ? 2 : 1);
      expect(network.layersModel.countParams()).toBe(parameters);
      const model = createModel(nodePlatform, network);
      const data = faces('train', 10, SHAPE);
      const { rows } = await model.fit(data, {
        validation: data,
        epochs: 2,
        batchSize: 4,
        shuffle: false,
        engine: 'wasm',
        loss: weightedLoss({ age: 1, gender: 50 } as { [task: string]: number }),
        lossAverage: 'batches',
        optimizer: sgd({ learningRate: 1e-4 }),
      });
      for (const [column, values] of Object.entries(history)) {
        expectCloseToLargest(
          rows.map((row) => row[column]!),
          values,
          1e-5,
          column,
        );
      }
      const trainedWeights = weightsOf(network.layersModel);
      expect(Object.keys(trainedWeights).sort()).toEqual(Object.keys(weights).sort());
      for (const [weight, values] of Object.entries(weights)) {
        expectCloseToLargest(trainedWeights[weight]!, numbers(values), 1e-5, weight);
      }
      const answers = (await model.predict(await imagesOf(data))) as { age: number }[];
      expectCloseToLargest(
        answers.map(({ age }) => age),
        numbers(predicted[0]!),
        1e-5,
        'predicted',
      );
      model.dispose();
    },
  );

  test('has its frozen trunk and both input views in the frozen graph from splitFrozen', () => {
    const { frozenGraph, trainableGraph } = splitFrozen(build(['gender'], 1, 1, true).graph);
    expect(frozenGraph!.calls.filter(({ layer }) => layer.name === 'trunk_bn1')).toHaveLength(2);
    expect(trainableGraph.inputs.map(({ name }) => name).sort()).toEqual([
      'frozen/trunk_bn1',
      'frozen/trunk_bn1/1/0',
    ]);
    // Below a trainable trunk, the grayscale image is frozen and its gradient is not computed.
    expect(
      splitFrozen(build(['gender'], 1, 1).graph)
        .trainableGraph.inputs.map(({ name }) => name)
        .sort(),
    ).toEqual(['frozen/image', 'frozen/image_grayscale1']);
  });
});

const imagesOf = (data: ReturnType<typeof faces>) =>
  Promise.all(
    Array.from({ length: data.size }, async (_, i) => {
      const image = await data.read(i);
      return { ...image, data: Uint8Array.from(image.data) };
    }),
  ) as Promise<any>;
