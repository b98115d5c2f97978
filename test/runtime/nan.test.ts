/** NaN in weights or activations stays visible: in predictions, losses and metrics of every engine, and in the kernels of wasm. */

import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  averagePool,
  batchNorm,
  binary,
  branch,
  categorical,
  conv,
  dense,
  depthwiseConv,
  flatten,
  globalAveragePool,
  imagesInMemory,
  mae,
  maxPool,
  multiTask,
  regression,
  residual,
  sgd,
  sharedTrunk,
  terminateOnNaN,
} from '../../src/entries/node.js';
import { loadWasmBackend } from '../../src/tensor/backends/wasmBackend.js';
import { setSimdEnabled } from '../../src/tensor/kernels/simd/simdKernels.js';
import { convolution, depthwiseConvolution } from '../../src/tensor/ops/convolution.js';

const image = (seed: number) => ({
  data: Uint8Array.from({ length: 12 * 12 * 3 }, (_, k) => (k * 31 + seed * 57) % 256),
  height: 12,
  width: 12,
  channels: 3,
});
const labels = (i: number) => ({
  age: i,
  side: i % 2 ? ('left' as const) : ('right' as const),
  grade: (['low', 'middle', 'high'] as const)[i % 3]!,
});
const dataset = imagesInMemory(Array.from({ length: 8 }, (_, i) => ({ image: image(i), labels: labels(i) })));

const createModel = () =>
  multiTask({ input: [12, 12, 3], seed: 3 })
    .trunk(
      sharedTrunk([
        conv(4, 3, { padding: 'same' }),
        maxPool(2),
        batchNorm(),
        depthwiseConv(3, { padding: 'same' }),
        residual([conv(4, 3, { padding: 'same' })]),
        averagePool(2),
      ]),
    )
    .task('age', regression({ unit: 'years', metrics: [mae()] }), branch([flatten(), dense(4)]))
    .task('side', binary(['left', 'right']), branch([conv(4, 2), maxPool(2), flatten(), dense(4)]))
    .task('grade', categorical(['low', 'middle', 'high']), branch([globalAveragePool(), dense(4)]))
    .build();

describe.each(['wasm', 'onnx'] as const)('on %s', (engine) => {
  test('a single NaN weight makes the predictions and losses NaN for every task that depends on the weight', async () => {
    const model = createModel();
    const variables = model.layersModel.layers.flatMap((layer) =>
      layer.weights.map((weight) => [layer.name, weight] as const),
    );
    expect(variables.length).toBeGreaterThan(20);
    for (const [layer, weight] of variables) {
      const original = (weight.read() as Tensor).clone();
      const values = Float32Array.from(original.dataSync());
      values[0] = Number.NaN;
      weight.write(tf.tensor(values, original.shape));
      const tasks = (['age', 'side', 'grade'] as const).filter(
        (name) => !/^(age|side|grade)/.test(layer) || layer.startsWith(name),
      );
      const prediction = await model.predict(image(1), { engine });
      const evaluation = await model.evaluate(dataset, { engine });
      for (const task of tasks) {
        const answer = prediction[task];
        const name = `${task} after ${weight.name}`;
        expect(typeof answer === 'number' ? answer : answer.probability, name).toBeNaN();
        expect(evaluation[`${task}_loss`], `loss of ${name}`).toBeNaN();
      }
      expect(evaluation.loss, weight.name).toBeNaN();
      if (tasks.includes('age')) expect(evaluation.age_mae, weight.name).toBeNaN();
      if (tasks.includes('side')) expect(evaluation.side_accuracy, weight.name).toBeNaN();
      if (tasks.includes('grade')) expect(evaluation.grade_accuracy, weight.name).toBeNaN();
      weight.write(original);
    }
    expect(Number.isFinite((await model.evaluate(dataset, { engine })).loss)).toBe(true);
    model.dispose();
  });

  test('a run that diverges has NaN losses, logs the first NaN loss once, and is stopped by terminateOnNaN', async () => {
    const options = {
      epochs: 3,
      batchSize: 4,
      engine,
      validation: dataset,
      optimizer: sgd({ learningRate: 1e25 }),
    };
    const model = createModel();
    const lines: string[] = [];
    const { rows } = await model.fit(dataset, { ...options, log: (line) => lines.push(line) });
    for (const column of [
      'loss',
      'val_loss',
      'side_loss',
      'val_side_loss',
      'grade_loss',
      'val_age_mae',
    ] as const)
      expect(rows.at(-1)![column], column).toBeNaN();
    const warnings = lines.filter((line) => line.includes('NaN'));
    expect(rows.at(-1)!.val_side_accuracy).toBeNaN();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^the loss became NaN in epoch 1, step [12]; lower the learning rate/);
    expect((await model.predict(image(0))).side.probability).toBeNaN();
    model.dispose();

    const stopped = createModel();
    const history = await stopped.fit(dataset, { ...options, callbacks: [terminateOnNaN()] });
    expect(history.stopped).toMatch(/^the loss was (NaN|Infinity) in epoch 1/);
    stopped.dispose();
  });
});

describe.each([true, false])('the wasm kernels, with SIMD: %s', (simd) => {
  beforeAll(() => loadWasmBackend());
  beforeEach(() => setSimdEnabled(simd));
  afterEach(() => setSimdEnabled(true));

  /** NaN as JavaScript writes it, and as processors create it. They differ in the sign bit, which XNNPACK reads. */
  const [positive, negative] = new Float32Array(Int32Array.of(0x7fc00000, 0xffc00000 | 0).buffer);
  const noise = (shape: number[]) => {
    const values = Float32Array.from(
      { length: shape.reduce((a, b) => a * b, 1) },
      (_, i) => ((i * 37) % 19) / 5 - 1.5,
    );
    new Int32Array(values.buffer)[1] = 0x7fc00000;
    new Int32Array(values.buffer)[values.length - 2] = 0xffc00000 | 0;
    return tf.tensor(values, shape);
  };
  const ones = (shape: number[]) => tf.ones(shape);
  const options = { strides: [1, 1], padding: 'same', dilations: [1, 1] } as const;
  const kernels: { [name: string]: () => Tensor } = {
    relu: () => tf.relu(noise([3, 7])),
    relu6: () => tf.relu6(noise([3, 7])),
    clipByValue: () => tf.clipByValue(noise([3, 7]), -0.5, 0.5),
    'maximum(x, 0)': () => tf.maximum(noise([3, 7]), 0),
    'maximum(0, x)': () => tf.maximum(0, noise([3, 7])),
    'minimum(row, x)': () => tf.minimum(ones([1, 7]), noise([3, 7])),
    sign: () => tf.sign(noise([3, 7])),
    'matMul with relu': () =>
      tf.fused.matMul({ a: noise([3, 7]) as never, b: ones([7, 2]) as never, activation: 'relu' }),
    'matMul with relu6': () =>
      tf.fused.matMul({ a: noise([3, 7]) as never, b: ones([7, 2]) as never, activation: 'relu6' }),
    'convolution with relu': () =>
      convolution(noise([2, 5, 6, 4]) as Tensor4D, ones([3, 3, 4, 8]) as Tensor4D, ones([8]) as never, {
        ...options,
        activation: 'relu',
      }),
    // These convolutions are large enough for the Winograd method.
    '3x3 convolution of many pixels with relu': () =>
      convolution(noise([2, 9, 10, 8]) as Tensor4D, ones([3, 3, 8, 8]) as Tensor4D, ones([8]) as never, {
        ...options,
        activation: 'relu',
      }),
    'gradient of a 3x3 convolution of many pixels with respect to its input': () =>
      tf.grad((x) => tf.conv2d(x as Tensor4D, ones([3, 3, 8, 8]) as Tensor4D, 1, 'valid'))(
        tf.zeros([2, 11, 10, 8]),
        noise([2, 9, 8, 8]),
      ),
    'convolution of RGB with relu6': () =>
      tf.fused.conv2d({
        x: noise([2, 5, 6, 3]) as Tensor4D,
        filter: ones([3, 3, 3, 8]) as Tensor4D,
        strides: 2,
        pad: 'same',
        activation: 'relu6',
      }),
    'depthwise convolution with relu': () =>
      depthwiseConvolution(
        noise([2, 5, 6, 4]) as Tensor4D,
        ones([3, 3, 4, 1]) as Tensor4D,
        ones([4]) as never,
        { ...options, activation: 'relu' },
      ),
    maxPool: () => tf.maxPool(noise([2, 6, 7, 5]) as Tensor4D, 2, 2, 'valid'),
    'maxPool with overlapping windows': () => tf.maxPool(noise([2, 6, 7, 4]) as Tensor4D, 3, 1, 'same'),
    avgPool: () => tf.avgPool(noise([2, 6, 7, 5]) as Tensor4D, [2, 3], 2, 'valid'),
    'avgPool with padding': () => tf.avgPool(noise([2, 6, 7, 4]) as Tensor4D, 3, 2, 'same'),
  };

  const masks: { [name: string]: () => Tensor } = {
    sign: kernels.relu!,
    maxPool: () => tf.avgPool(noise([2, 6, 7, 5]) as Tensor4D, 2, 2, 'valid'),
    'maxPool with overlapping windows': () => tf.avgPool(noise([2, 6, 7, 4]) as Tensor4D, 3, 1, 'same'),
  };

  test('are tested with two NaN values that differ in their bits', () => {
    expect([positive, negative].every(Number.isNaN)).toBe(true);
    expect(new Set(new Int32Array(Float32Array.of(positive!, negative!).buffer)).size).toBe(2);
  });

  test.each(Object.entries(kernels))(
    'include %s, which returns NaN where an input is NaN, and otherwise the same values as the cpu backend',
    async (name, compute) => {
      await tf.setBackend('cpu');
      const expected = tf.tidy(() => compute().dataSync());
      // The cpu backend ignores NaN in these kernels, too. NaN is expected where another kernel of the same values has it.
      const mask = tf.tidy(() => (masks[name] ?? compute)().dataSync());
      mask.forEach((value, i) => {
        if (Number.isNaN(value)) expected[i] = Number.NaN;
      });
      await tf.setBackend('wasm');
      const actual = tf.tidy(() => compute().dataSync());
      expect(Array.from(expected).some(Number.isNaN)).toBe(true);
      expect(Array.from(expected).every(Number.isNaN)).toBe(false);
      expected.forEach((value, i) => {
        if (Number.isNaN(value)) expect(actual[i], `element ${i}`).toBeNaN();
        else expect(actual[i], `element ${i}`).toBeCloseTo(value, 4);
      });
    },
  );
});
