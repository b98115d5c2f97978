import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  activation,
  averagePool,
  type Block,
  batchNorm,
  branch,
  conv,
  depthwiseConv,
  flatten,
  globalAveragePool,
  maxPool,
  regression,
  residual,
  sgd,
  sharedTrunk,
} from '../../src/entries/node.js';
import { rescaleImages } from '../../src/inference/rescaleImages.js';
import { buildNetwork } from '../../src/network/buildNetwork.js';
import { runGraph } from '../../src/network/layerGraph.js';
import {
  createBatchArrays,
  createCoefficientArrays,
  toStepInputs,
  toTensors,
} from '../../src/steps/stepArrays.js';
import { getTrainableWeights, splitByWeight } from '../../src/steps/trainableWeights.js';
import { computeTrainingStep } from '../../src/steps/trainingStep.js';
import { loadWasmBackend } from '../../src/tensor/backends/wasmBackend.js';
import { expectCloseToLargest } from './close.js';
import { type FixtureArray, fixture, numbers } from './fixture.js';
import { faces, fill } from './same.js';

const keras = fixture<{
  [block: string]: { predicted: FixtureArray; total: number; gradients: { [name: string]: FixtureArray } };
}>('blocks');

const SHAPE = [8, 7, 3] as const;
const COUNT = 3;
const same = { padding: 'same' } as const;
const linear = { activation: 'linear' } as const;

const cases: { [name: string]: Block[] } = {
  conv: [conv(5, 3)],
  'conv, same': [conv(5, 3, same)],
  'conv, same, even kernel': [conv(5, 2, same)],
  'conv, strides': [conv(5, 3, { strides: 2 })],
  'conv, strides, same': [conv(5, 3, { strides: 2, ...same })],
  'conv, strides over the kernel, same': [conv(5, 1, { strides: 3, ...same })],
  'conv, dilated': [conv(5, 2, { dilation: 2 })],
  'conv, dilated, same': [conv(5, 3, { dilation: 2, ...same })],
  'conv, linear without bias': [conv(5, 3, { ...linear, useBias: false })],
  'conv, L2': [conv(5, 3, { l2: 0.5 })],
  depthwise: [depthwiseConv(3)],
  'depthwise, two each, same': [depthwiseConv(3, { depthMultiplier: 2, ...same })],
  'depthwise, strides, same': [depthwiseConv(3, { strides: 2, ...same })],
  'depthwise, L2': [depthwiseConv(2, { l2: 0.5 })],
  max: [maxPool(2)],
  'max, strides, same': [maxPool(3, { strides: 2, ...same })],
  average: [averagePool(2)],
  'average, strides, same': [averagePool(3, { strides: 2, ...same })],
  'average, overlapping': [averagePool(3, { strides: 2 })],
  'average, strides over the window, same': [averagePool(2, { strides: 3, ...same })],
  'max, strides over the window, same': [maxPool(2, { strides: 3, ...same })],
  residual: [residual([conv(4, 3, same), conv(4, 3, { ...same, ...linear })]), activation('relu')],
  'residual, strides': [
    residual([conv(5, 3, { ...same, strides: 2 }), conv(5, 3, { ...same, ...linear })]),
    activation('relu'),
  ],
  'batch normalization': [conv(5, 3), batchNorm()],
  'global average': [],
  ...Object.fromEntries(
    (['elu', 'selu', 'sigmoid', 'tanh', 'softplus', 'swish'] as const).map((kind) => [
      kind,
      [conv(5, 3, linear), activation(kind)],
    ]),
  ),
};

test('the Keras fixture for blocks contains exactly the blocks that are tested', () => {
  expect(Object.keys(cases).sort()).toEqual(Object.keys(keras).sort());
});

// The `cpu` backend has no custom kernels of this library, so it tests the fallbacks for the other engines.
describe.each(['wasm', 'cpu'])('a network with one block on %s', (engine) => {
  beforeAll(async () => {
    if (engine === 'wasm') await loadWasmBackend();
    else await tf.setBackend(engine);
  });
  test.each(Object.entries(cases))(
    'gives the same predictions, losses and gradients as Keras: %s',
    async (name, blocks) => {
      const network = buildNetwork({
        input: { shape: SHAPE, range: [0, 1] },
        seed: 0,
        trunk: sharedTrunk([conv(4, 3, linear), ...blocks]),
        tasks: [
          {
            name: 'age',
            task: regression({ unit: 'years' }),
            branch: branch([name === 'global average' ? globalAveragePool() : flatten()]),
          },
        ],
      });
      fill(network.layersModel, 'blocks');
      const data = faces('blocks', COUNT, SHAPE);
      const indices = Array.from({ length: COUNT }, (_, i) => i);
      const bytes = await Promise.all(indices.map((index) => data.read(index)));
      const pixels = Float32Array.from(bytes.flatMap((image) => Array.from(image.data)));
      const images = rescaleImages(pixels, [COUNT, ...SHAPE], network.input.range);
      const batch = toTensors({
        ...createBatchArrays(network, data, { indices }, {}, [images]),
        ...createCoefficientArrays([0, 0]),
      });
      const expected = keras[name]!;

      const [prediction] = tf.tidy(() =>
        runGraph(network.graph, [batch['input/image']!], { training: false }),
      );
      expectCloseToLargest(prediction!.dataSync(), numbers(expected.predicted), 1e-5, 'prediction');

      const plain = sgd();
      const inputs = toStepInputs(network, batch);
      const { gradient: flat, sums } = computeTrainingStep(network, plain, { age: 1 }, 'update', inputs, []);
      expectCloseToLargest([sums.dataSync()[0]!], [expected.total], 1e-5, 'loss');
      const trained = getTrainableWeights(network);
      expect(trained.map((weight) => weight.originalName).sort()).toEqual(
        Object.keys(expected.gradients).sort(),
      );
      const gradients = splitByWeight(flat, trained);
      trained.forEach(({ originalName }, i) => {
        const gradient = numbers(expected.gradients[originalName]!);
        expectCloseToLargest(gradients[i]!.dataSync(), gradient, 1e-5, originalName);
      });
    },
  );
});
