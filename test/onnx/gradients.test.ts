import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { modelA } from '../../examples/study/model-a-network.js';
import { onnxBytes } from '../../src/engines/onnx/format.js';
import { graphOf } from '../../src/engines/onnx/graph.js';
import { adam, useEngine } from '../../src/index.js';
import { networkOf } from '../../src/models/compose.js';
import { batchNormTraining } from '../../src/tensor/batchNormalization.js';
import { convolution } from '../../src/tensor/convolution.js';
import { record } from '../../src/tensor/recorder.js';
import { masksOf } from '../../src/training/batch.js';
import { freshSlots, trainedWeights, trainingStep } from '../../src/training/step.js';
import { difference, runGraphs } from './run.js';

const signed = (i: number) => Math.sin(i * 1.7 + 0.3) * 2;
const fill = (shape: readonly number[]) =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, (_, i) => Math.cos(i * 2.3)),
    [...shape],
  );
/** The gradient of `f`, every entry of whose result weighs otherwise. */
const gradient = (f: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor) => tf.grad(f)(x, tf.sigmoid(f(x)));

const window = fc.record({
  size: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  pad: fc.constantFrom('same' as const, 'valid' as const),
});

test('gradients of a convolution in its input and its filter, on cpu', async () => {
  await tf.setBackend('cpu');
  await fc.assert(
    fc.asyncProperty(window, fc.boolean(), async ({ size, strides, pad }, ofFilter) => {
      const filter = fill([...size, 3, 4]) as tf.Tensor4D;
      const operation = (x: tf.Tensor) =>
        ofFilter
          ? gradient((w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad))(filter)
          : gradient((v) => tf.conv2d(v as tf.Tensor4D, filter, strides, pad))(x);
      expect(await difference(operation, [7, 8, 3], signed)).toBeLessThan(1e-5);
    }),
    { numRuns: 40 },
  );
});

test('our own kernels of wasm: fused relu and bias, batch normalisation, and their gradients', async () => {
  await useEngine('wasm');
  const filter = fill([3, 3, 3, 4]) as tf.Tensor4D;
  const bias = fill([4]) as tf.Tensor1D;
  const options = { strides: [1, 1], padding: 'same', dilations: [1, 1], activation: 'relu' } as const;
  const fused = (x: tf.Tensor) => convolution(x as tf.Tensor4D, filter, bias, options);
  const ofBias = (x: tf.Tensor) =>
    gradient((b) => convolution(x as tf.Tensor4D, filter, b as tf.Tensor1D, options))(bias);
  const normal = (x: tf.Tensor) => batchNormTraining(x, fill([3]), fill([3]), 1e-3).y;
  const ofGamma = (x: tf.Tensor) => gradient((g) => batchNormTraining(x, g, fill([3]), 1e-3).y)(fill([3]));
  for (const operation of [gradient(fused), ofBias, normal, gradient(normal), ofGamma]) {
    expect(await difference(operation, [7, 8, 3], signed)).toBeLessThan(2e-5);
  }
});

test('a whole training step of Model A is one graph, whose sums, statistics and gradients are those of wasm', async () => {
  await useEngine('wasm');
  const [size, batch] = [56, 4];
  const model = modelA(size, 1);
  const network = networkOf(model.layersModel, model.tasks, model.input);
  const optimizer = adam();
  const slots = freshSlots(network, optimizer);
  const trained = trainedWeights(network);
  const images = tf.tidy(() => tf.abs(fill([batch, size, size, 3]))) as tf.Tensor4D;
  const task = (value: number) => ({
    target: tf.fill([batch, 1], value) as tf.Tensor2D,
    present: tf.ones([batch]) as tf.Tensor1D,
    weight: tf.ones([batch]) as tf.Tensor1D,
  });
  const targets = [task(30), task(1)];
  const masks = masksOf(network, batch, 1, 0, 0);
  const coefficients = [tf.scalar(1e-3), tf.scalar(1e-3)];
  const inputs: [string, tf.Tensor][] = [
    ['images', images],
    ...targets.flatMap((own, i) =>
      Object.entries(own).map(([name, t]): [string, tf.Tensor] => [`${name}${i}`, t]),
    ),
    ...Object.entries(masks).map(([name, t]): [string, tf.Tensor] => [`mask ${name}`, t]),
    ...coefficients.map((t, i): [string, tf.Tensor] => [`coefficient${i}`, t]),
    ...network.layersModel.weights.map((weight): [string, tf.Tensor] => [weight.originalName, weight.read()]),
    ...slots.flatMap((own, i) =>
      own.map((t, j): [string, tf.Tensor] => [`${trained[i]!.originalName}#${j}`, t]),
    ),
  ];
  const recording = record(() =>
    trainingStep(
      network,
      optimizer,
      { age: 1, gender: 50 },
      'update',
      { images, targets, masks, coefficients },
      slots,
    ),
  );
  const { sums, moved, slots: next } = recording.result;
  const outputs: [string, tf.Tensor][] = [
    ['sums', sums],
    ...moved.map(([weight, t]): [string, tf.Tensor] => [`new ${weight.originalName}`, t]),
    // The first moment after a first step is a tenth of the gradient.
    ...next.map((own, i): [string, tf.Tensor] => [`m ${trained[i]!.originalName}`, own[0]!]),
  ];
  const named = (list: typeof inputs) =>
    list.map(([name, t]) => ({ name, tensor: { id: t.dataId, shape: t.shape, dtype: t.dtype } }));
  const port = ([name, t]: [string, tf.Tensor]) => ({ name, shape: t.shape, description: '' });
  const graph = graphOf(recording, recording, named(inputs), named(outputs));
  const used = new Set(graph.nodes.flatMap((node) => node.inputs));
  const given = inputs.filter(([name]) => used.has(name));
  const bytes = onnxBytes({
    ...graph,
    inputs: given.map(port),
    outputs: outputs.map(port),
    description: '',
    metadata: {},
  });
  const results = await runGraphs(bytes, given);
  for (const [name, wanted] of outputs) {
    const own = wanted.dataSync<'float32'>();
    const largest = own.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12);
    const off = own.reduce((most, value, i) => Math.max(most, Math.abs(value - results[name]!.data[i]!)), 0);
    expect([name, off / largest < 1e-4]).toEqual([name, true]);
  }
  expect(outputs).toHaveLength(1 + 10 + trained.length);
});
