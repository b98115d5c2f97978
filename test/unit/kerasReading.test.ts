import { beforeAll, describe, expect, test } from 'vitest';
import type { Hdf5Dataset, Hdf5Group } from '../../src/formats/hdf5/hdf5Group.js';
import { writeHdf5 } from '../../src/formats/hdf5/write/writeHdf5.js';
import { binary, categorical, loadKeras, regression } from '../../src/index.js';
import { readKerasWeights } from '../../src/interop/keras/file/weightFiles.js';
import { tf } from '../../src/tensor/tf.js';
import { loadWasmBackend } from '../../src/tensor/wasmBackend.js';
import { faultOf } from '../bad-input/faultOf.js';
import { expectClose } from '../parity/close.js';
import { uniform } from '../parity/noise.js';

beforeAll(async () => {
  await loadWasmBackend();
});

const group = (parts: Partial<Hdf5Group>): Hdf5Group => ({
  attributes: {},
  groups: {},
  arrays: {},
  ...parts,
});
const array = (...shape: number[]): Hdf5Dataset => ({ shape, data: uniform(shape.join(), shape) });

/** A legacy weights file: weights by layer and by the name they are stored under. */
function weightsOf(layers: { [layer: string]: { [name: string]: Hdf5Dataset } }): Hdf5Group {
  return group({
    attributes: { layer_names: Object.keys(layers) },
    groups: Object.fromEntries(
      Object.entries(layers).map(([layer, weights]) => [
        layer,
        group({ attributes: { weight_names: Object.keys(weights) }, ...nested(weights) }),
      ]),
    ),
  });
}

function nested(weights: { [name: string]: Hdf5Dataset }): Partial<Hdf5Group> {
  const groups: { [name: string]: { [name: string]: Hdf5Dataset } } = {};
  const arrays: { [name: string]: Hdf5Dataset } = {};
  for (const [name, value] of Object.entries(weights)) {
    const [first, ...rest] = name.split('/');
    if (rest.length === 0) arrays[first!] = value;
    else groups[first!] = { ...groups[first!], [rest.join('/')]: value };
  }
  return {
    arrays,
    groups: Object.fromEntries(Object.entries(groups).map(([name, inner]) => [name, group(nested(inner))])),
  };
}

/** A whole model as Keras 2 saved it. */
const keras2 = (json: object, layers: { [layer: string]: { [name: string]: Hdf5Dataset } } = {}) =>
  writeHdf5(
    group({
      attributes: { model_config: JSON.stringify(json), keras_version: '2.9.0' },
      groups: { model_weights: weightsOf(layers) },
    }),
  );

const input = (name: string, ...shape: (number | null)[]) => ({
  class_name: 'InputLayer',
  name,
  config: { name, batch_input_shape: [null, ...shape], dtype: 'float32' },
  inbound_nodes: [],
});
const layer = (class_name: string, name: string, config: object, ...nodes: unknown[]) => ({
  class_name,
  name,
  config: { name, ...config },
  inbound_nodes: nodes,
});
const model = (layers: object[], inputs: string[], outputs: string[], name = 'model') => ({
  class_name: 'Functional',
  config: {
    name,
    layers,
    input_layers: inputs.map((from) => [from, 0, 0]),
    output_layers: outputs.map((from) => [from, 0, 0]),
  },
});

/** What a model says of 1, 2, 3, … in the shape of its input. */
function answer(read: tf.LayersModel): number[] {
  const shape = [1, ...(read.inputs[0]!.shape.slice(1) as number[])];
  const count = shape.reduce((product, size) => product * size, 1);
  return tf.tidy(() => {
    const x = tf.tensor(
      Array.from({ length: count }, (_, i) => i + 1),
      shape,
    );
    return Array.from((read.predict(x) as tf.Tensor).dataSync());
  });
}

describe('words of Keras 2:', () => {
  test('a chain in a list, its input in the first layer, weights without names that say anything', async () => {
    const file = keras2(
      {
        class_name: 'Sequential',
        config: [
          {
            class_name: 'Dense',
            config: { name: 'a', units: 2, activation: 'linear', batch_input_shape: [null, 3] },
          },
          { class_name: 'LeakyReLU', config: { name: 'b', alpha: { type: 'ndarray', value: 0.5 } } },
        ],
      },
      { a: { a_W: { shape: [3, 2], data: Float32Array.of(1, -1, 1, -1, 1, -1) }, a_b: array(2) } },
    );
    const read = await loadKeras(file);
    const [first, second] = uniform('2', [2]);
    expectClose(answer(read), [6 + first!, (second! - 6) / 2], 1e-6);
    read.dispose();
  });

  test('operations on numbers and tensors', async () => {
    const call = (name: string, kwargs: object) => [[name, 0, 0, kwargs]];
    const file = keras2(
      model(
        [
          input('x', 3),
          layer('TFOpLambda', 'twice', { function: 'math.multiply' }, ['x', 0, 0, { y: 2, name: null }]),
          layer('TFOpLambda', 'less', { function: 'math.subtract' }, [
            '_CONSTANT_VALUE',
            -1,
            10,
            { y: ['twice', 0, 0] },
          ]),
          layer('TFOpLambda', 'sum', { function: '__operators__.add' }, [
            'less',
            0,
            0,
            { y: ['x', 0, 0], name: null },
          ]),
          layer('TFOpLambda', 'half', { function: 'math.truediv' }, ['sum', 0, 0, { y: 2, name: null }]),
          layer('TFOpLambda', 'same', { function: 'cast' }, ['half', 0, 0, { dtype: 'float32' }]),
          layer('Activation', 'end', { activation: 'linear' }, call('same', {})),
        ],
        ['x'],
        ['end'],
      ),
    );
    const read = await loadKeras(file);
    expectClose(answer(read), [4.5, 4, 3.5], 1e-6);
    read.dispose();
  });

  test("ResNet50's preprocessing: channels turned round, a mean taken off", async () => {
    const whole = { start: null, stop: null, step: null };
    const layers = [
      input('x', 1, 2, 3),
      layer('SlicingOpLambda', 'bgr', { function: '__operators__.getitem' }, [
        'x',
        0,
        0,
        { slice_spec: [{ class_name: '__ellipsis__' }, { ...whole, step: -1 }] },
      ]),
      layer('TFOpLambda', 'mean', { function: 'nn.bias_add' }, [
        'bgr',
        0,
        0,
        { bias: [-1, -2, -3], data_format: 'NHWC', name: null },
      ]),
    ];
    const read = await loadKeras(await keras2(model(layers, ['x'], ['mean'])));
    expectClose(answer(read), [2, 0, -2, 5, 3, 1], 1e-6);
    expect(read.trainableWeights).toEqual([]);
    read.dispose();
  });

  test('a cast to whole numbers, and other operations, are refused', async () => {
    const refused = async (name: string, kwargs: object) => {
      const layers = [input('x', 3), layer('TFOpLambda', 'op', { function: name }, ['x', 0, 0, kwargs])];
      return faultOf(async () => loadKeras(keras2(model(layers, ['x'], ['op']))));
    };
    expect(await refused('cast', { dtype: 'int32' })).toMatchObject({ kind: 'file', received: '"int32"' });
    expect(await refused('image.resize', {})).toMatchObject({ kind: 'file', received: 'image.resize' });
  });

  test('hard sigmoid is that of Keras 2', async () => {
    const layers = [
      input('x', 3),
      layer('Activation', 'hard', { activation: 'hard_sigmoid' }, [['x', 0, 0, {}]]),
    ];
    const read = await loadKeras(keras2(model(layers, ['x'], ['hard'])));
    expectClose(answer(read), [0.7, 0.9, 1], 1e-6);
    read.dispose();
  });

  test('a base called with training=False keeps its statistics and drops nothing', async () => {
    const base = model(
      [
        input('in', 2),
        layer('BatchNormalization', 'norm', { axis: [1] }, [['in', 0, 0, {}]]),
        layer('Dropout', 'drop', { rate: 0.5 }, [['norm', 0, 0, {}]]),
      ],
      ['in'],
      ['drop'],
      'base',
    );
    const whole = (kwargs: object) =>
      keras2(
        model(
          [input('x', 2), { ...layer('Functional', 'base', {}, [['x', 0, 0, kwargs]]), ...base }],
          ['x'],
          ['base'],
        ),
        {
          base: {
            'norm/gamma:0': array(2),
            'norm/beta:0': array(2),
            'norm/moving_mean:0': array(2),
            'norm/moving_variance:0': { shape: [2], data: Float32Array.of(1, 2) },
          },
        },
      );
    const notes: string[] = [];
    const read = await loadKeras(await whole({ training: false }), { log: (note) => notes.push(note) });
    expect(read.layers.map((each) => each.getClassName())).toEqual(['InputLayer', 'BatchNormalization']);
    expect(read.trainableWeights).toEqual([]);
    expect(notes).toEqual(['norm: called with training=False, so it is frozen']);
    read.dispose();
    const on = await faultOf(async () => loadKeras(await whole({ training: true })));
    expect(on).toMatchObject({ kind: 'file', received: 'a call with training=True' });
  });
});

test('sizes that a model leaves open come from `input`, and must be those it names', async () => {
  const open = keras2(
    model(
      [input('x', null, null, 3), layer('GlobalAveragePooling2D', 'pool', {}, [['x', 0, 0, {}]])],
      ['x'],
      ['pool'],
    ),
  );
  const read = await loadKeras(open, { input: [4, 5, 3] });
  expect(read.inputs[0]!.shape).toEqual([null, 4, 5, 3]);
  read.dispose();
  const wrong = await faultOf(() => loadKeras(open, { input: [4, 5, 1] }));
  expect(wrong.path).toBe('file: model_config: layers[0].config.batch_input_shape');
  expect(wrong.advice).toBe('Leave `input` out: the file says the size.');
  const tasks = { a: categorical(['x', 'y', 'z']) };
  expect((await faultOf(() => loadKeras(open, { tasks }))).advice).toContain('input: [128, 128, 3]');
});

test('outputs are tasks by name or by order, and one that is no task is left out', async () => {
  const file = keras2(
    model(
      [
        input('x', 2, 2, 1),
        layer('Flatten', 'flat', {}, [['x', 0, 0, {}]]),
        layer('Dense', 'age', { units: 1 }, [['flat', 0, 0, {}]]),
        layer('Dense', 'who', { units: 1, activation: 'sigmoid' }, [['flat', 0, 0, {}]]),
      ],
      ['x'],
      ['age', 'who'],
    ),
    {
      age: { 'age/kernel:0': array(4, 1), 'age/bias:0': array(1) },
      who: { 'who/kernel:0': array(4, 1), 'who/bias:0': array(1) },
    },
  );
  const [age, gender] = [regression({ unit: 'years' }), binary(['male', 'female'])];
  const notes: string[] = [];
  const named = await loadKeras(file, { tasks: { who: gender }, log: (note) => notes.push(note) });
  expect(named.layersModel.outputNames).toEqual(['who']);
  expect(notes).toEqual(['outputs without a task are left out: age']);
  named.dispose();
  const turned = await loadKeras(file, { tasks: { who: gender, age } });
  expect(turned.layersModel.outputNames).toEqual(['who', 'age']);
  turned.dispose();
  notes.length = 0;
  const ordered = await loadKeras(file, { tasks: { years: age, gender }, log: (note) => notes.push(note) });
  expect(notes).toEqual(['tasks by order: years ← age, gender ← who']);
  expect(ordered.layersModel.weights.map(({ originalName }) => originalName)).toContain('gender/kernel');
  ordered.dispose();
});

test('a mixed policy is read as float32, and told once', async () => {
  const policy = { class_name: 'DTypePolicy', config: { name: 'mixed_bfloat16' } };
  const dense = (name: string, from: string) =>
    layer('Dense', name, { units: 2, dtype: policy }, [[from, 0, 0, {}]]);
  const file = keras2(model([input('x', 2), dense('a', 'x'), dense('b', 'a')], ['x'], ['b']), {
    a: { 'a/kernel:0': array(2, 2), 'a/bias:0': array(2) },
    b: { 'b/kernel:0': array(2, 2), 'b/bias:0': array(2) },
  });
  const notes: string[] = [];
  (await loadKeras(file, { log: (note) => notes.push(note) })).dispose();
  expect(notes).toEqual(['the model computes in float32 here, not by mixed_bfloat16']);
});

test('a class of the user is made by the user, with the weights of the file', async () => {
  const file = keras2(
    model([input('x', 3), layer('mine>Scale', 'scale', { units: 2 }, [['x', 0, 0, {}]])], ['x'], ['scale']),
    { scale: { 'scale/w:0': array(3, 2) } },
  );
  const given: unknown[] = [];
  const read = await loadKeras(file, {
    layers: {
      Scale: (config, name) => {
        given.push(config, name);
        return tf.layers.dense({ units: config.units as number, useBias: false, name });
      },
    },
  });
  expect(given).toEqual([{ name: 'scale', units: 2 }, 'scale']);
  expect(Array.from(read.weights[0]!.read().dataSync())).toEqual(Array.from(uniform('3,2', [3, 2])));
  read.dispose();
});

test('weights by layer and name', async () => {
  const file = writeHdf5(
    weightsOf({
      image: {},
      conv1: { 'conv1/kernel:0': array(1, 1, 3, 2), 'conv1/bias:0': array(2) },
      base: { 'conv/kernel': array(1, 1, 2, 2), 'norm/gamma': array(2) },
    }),
  );
  const { layers: weights, whole } = await readKerasWeights(file, 'weights.h5');
  expect(whole).toBe(false);
  expect(Object.entries(weights).map(([name, held]) => [name, Object.keys(held)])).toEqual([
    ['image', []],
    ['conv1', ['kernel', 'bias']],
    ['base', ['conv/kernel', 'norm/gamma']],
  ]);
  expect(weights.conv1!.bias!.data).toEqual(uniform('2', [2]));
});

test('what matters to training alone and cannot be had is left out, and told', async () => {
  const dense = {
    units: 1,
    kernel_constraint: { class_name: 'MaxNorm', config: { max_value: 2, axis: 0 } },
    bias_regularizer: { class_name: 'L1L2', config: { l1: 0, l2: 0.5 } },
    kernel_regularizer: { class_name: 'OrthogonalRegularizer', config: { factor: 0.1 } },
    activity_regularizer: { class_name: 'L2', config: { l2: 0.1 } },
  };
  const file = await keras2(
    model(
      [
        input('x', 3),
        layer('GaussianNoise', 'noise', { stddev: 0.1 }, [['x', 0, 0, {}]]),
        layer('Dense', 'end', dense, [['noise', 0, 0, {}]]),
      ],
      ['x'],
      ['end'],
    ),
    { end: { 'end/kernel:0': array(3, 1), 'end/bias:0': { shape: [1], data: Float32Array.of(2) } } },
  );
  const notes: string[] = [];
  const read = await loadKeras(file, { log: (note) => notes.push(note) });
  expect(notes).toEqual([
    'noise: GaussianNoise is left out, it only acts in training',
    'end: the penalty OrthogonalRegularizer is left out, it only matters to training',
    'end: kernel_constraint is left out, it only matters to training',
    'end: activity_regularizer is left out, it only matters to training',
  ]);
  const penalties = tf.tidy(() =>
    read.layers.flatMap((each) => each.calculateLosses()).map((loss) => loss.dataSync()[0]),
  );
  expect(penalties).toEqual([2]); // 0.5 · 2²
  read.dispose();
});
