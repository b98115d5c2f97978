import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { modelA } from '../../examples/study/modelA.js';
import {
  averagePool,
  batchNorm,
  binary,
  branch,
  categorical,
  conv,
  dense,
  depthwiseConv,
  dropout,
  exportKeras,
  exportOnnx,
  flatten,
  globalAveragePool,
  imagesInMemory,
  loadKeras,
  maxPool,
  multiTask,
  regression,
  residual,
  sharedTrunk,
  useEngine,
} from '../../src/entries/node.js';
import { encodeOnnxModel } from '../../src/formats/onnxModel.js';
import { getActiveEngine } from '../engines/getActiveEngine.js';
import { runOnnx } from './runOnnx.js';

const createOddModel = () =>
  multiTask({ input: [21, 18, 3], range: [-1, 1], seed: 2 })
    .trunk(
      sharedTrunk([
        conv(8, 3, { strides: 2, padding: 'same' }),
        batchNorm(),
        averagePool(2, { padding: 'same' }),
        residual([depthwiseConv(3, { padding: 'same' }), conv(8, 1)]),
      ]),
    )
    .task(
      'age',
      regression({ unit: 'years' }),
      branch([
        tf.layers.conv2d({ filters: 2, kernelSize: 2, activation: 'elu' }),
        flatten(),
        dense(4),
        dropout(0.2),
      ]),
    )
    .task(
      'kind',
      categorical(['a', 'b', 'c']),
      branch([globalAveragePool(), tf.layers.dense({ units: 5, activation: 'tanh' }), tf.layers.leakyReLU()]),
    )
    .task('sex', binary(['m', 'f']), branch([maxPool(2), flatten()]))
    .build();

test.each([
  ['Model A', () => modelA(56, { seed: 1 })],
  ['Model A with one task in grayscale', () => modelA(56, { seed: 1, grayscale: ['gender'] })],
  [
    'A trained residual network with three kinds of tasks',
    async () => {
      const model = createOddModel();
      const image = (v: number) => ({
        data: Uint8Array.from({ length: 21 * 18 * 3 }, (_, i) => (i * v) % 256),
        height: 21,
        width: 18,
        channels: 3,
      });
      const data = imagesInMemory(
        [3, 5, 7, 11].map((v) => ({
          image: image(v),
          labels: { age: v, kind: 'a' as const, sex: 'm' as const },
        })),
      );
      await model.fit(data, { epochs: 3, batchSize: 2, engine: 'wasm' });
      return model;
    },
  ],
] as const)(
  'the ONNX export of %s gives the same predictions in ONNX Runtime as in TensorFlow.js for one image and for five images',
  async (_, build) => {
    const model = (await build()) as ReturnType<typeof createOddModel>;
    const bytes = await exportOnnx(model);
    for (const batch of [1, 5]) {
      const shape = [batch, ...model.input.shape];
      const data = Float32Array.from(
        { length: tf.util.sizeFromShape(shape) },
        (_, i) => (Math.sin(i * i) + 1) / 2,
      );
      const outputs = await runOnnx(bytes, 'image', data, shape);
      const expected = [model.layersModel.predict(tf.tensor(data, shape)) as tf.Tensor[]].flat();
      expect(Object.keys(outputs).sort()).toEqual(Object.keys(model.tasks).sort());
      Object.keys(model.tasks).forEach((task, i) => {
        const values = expected[i]!.dataSync();
        const scale = Math.max(1, ...values.map(Math.abs));
        expect(outputs[task]!.dims).toEqual(expected[i]!.shape);
        values.forEach(
          (value, j) => void expect(Math.abs(value - outputs[task]!.data[j]!) / scale).toBeLessThan(1e-5),
        );
      });
    }
  },
);

test.each([
  ['input_layer_7', 'age'],
  ['v0', 'c1'],
])(
  'exportOnnx names the input "image" and names the output after its task, for a Keras model with the input "%s" and the task "%s"',
  async (inputName, task) => {
    const input = tf.input({ shape: [4, 4, 3], name: inputName });
    const output = tf.layers.dense({ units: 1 }).apply(tf.layers.flatten().apply(input));
    const file = await exportKeras(tf.model({ inputs: input, outputs: output as tf.SymbolicTensor }));
    const model = await loadKeras(file, { tasks: { [task]: regression({ unit: 'years' }) } });
    const data = Float32Array.from({ length: 48 }, (_, i) => i / 48);
    const outputs = await runOnnx(await exportOnnx(model), 'image', data, [1, 4, 4, 3]);
    expect(Object.keys(outputs)).toEqual([task]);
    const expected = model.layersModel.predict(tf.tensor(data, [1, 4, 4, 3])) as tf.Tensor;
    expect(outputs[task]!.data[0]).toBeCloseTo(expected.dataSync()[0]!, 5);
    const [image] = await model.predict([{ data: new Uint8Array(48), height: 4, width: 4, channels: 3 }], {
      engine: 'onnx',
    });
    expect(image).toHaveProperty(task);
  },
);

test('encodeOnnxModel rejects a graph with 2 GiB of constants', () => {
  const data = new Float32Array(2 ** 28);
  const initializers = ['a', 'b'].map((name) => ({ name, shape: [2 ** 28], data }));
  const graph = { nodes: [], initializers, inputs: [], outputs: [], description: '', metadata: {} };
  expect(() => encodeOnnxModel(graph)).toThrow(
    'the ONNX graph: expected at most 2 GiB of constants, the limit of the format, received 2.0 GiB',
  );
});

test('exportOnnx does not change the active engine', async () => {
  const model = createOddModel();
  await useEngine('cpu');
  const bytes = await exportOnnx(model);
  expect(getActiveEngine()?.name).toBe('cpu');
  expect(tf.getBackend()).toBe('cpu');
  await useEngine('wasm');
  expect(await exportOnnx(model)).toEqual(bytes);
});

/** Layer that counts its calls in JavaScript and adds the count to its input. */
class Counting extends tf.layers.Layer {
  static className = 'Counting';
  calls = 0;
  override call(x: tf.Tensor | tf.Tensor[]) {
    return tf.add(Array.isArray(x) ? x[0]! : x, tf.scalar(this.calls++));
  }
}

test('exportOnnx rejects a layer whose output depends on how often the layer was called', async () => {
  const model = multiTask({ input: [8, 8, 3] })
    .task('age', regression({ unit: 'years' }), branch([flatten(), new Counting({})]))
    .build();
  await expect(exportOnnx(model)).rejects.toMatchObject({
    kind: 'engine',
    path: 'operation Add of layer age_counting1',
  });
});

/** Layer whose operation contains the batch size in an attribute. */
class Sized extends tf.layers.Layer {
  static className = 'Sized';
  constructor(private readonly operation: (x: tf.Tensor, batch: number) => tf.Tensor) {
    super({});
  }
  override call(x: tf.Tensor | tf.Tensor[]) {
    const images = Array.isArray(x) ? x[0]! : x;
    return this.operation(images, images.shape[0]!);
  }
}

test.each([
  ['Fill', (x, batch) => tf.mul(x, tf.fill([batch, 1], 2))],
  ['Slice', (x, batch) => tf.add(x, tf.slice(x, [batch - 1], [1]))],
  ['Slice', (x) => tf.add(x, tf.sum(tf.slice(x, [0], [2]), 0, true))],
  ['Tile', (x, batch) => tf.add(x, tf.tile(tf.sum(x, 0, true), [batch, 1]))],
] as [string, (x: tf.Tensor, batch: number) => tf.Tensor][])(
  'exportOnnx rejects a layer that uses a fixed batch size in the operation %s',
  async (kernel, operation) => {
    const model = multiTask({ input: [8, 8, 3] })
      .task('age', regression({ unit: 'years' }), branch([flatten(), new Sized(operation)]))
      .build();
    await expect(exportOnnx(model)).rejects.toMatchObject({
      kind: 'engine',
      path: `operation ${kernel} of layer age_sized1`,
    });
  },
);

beforeAll(() => tf.ready());
