import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadKeras as loadDefault } from '../../src/entries/default.js';
import { binary, categorical, type KerasSource, loadKeras, regression } from '../../src/entries/node.js';
import type { Hdf5Dataset, Hdf5Group } from '../../src/formats/hdf5/hdf5Group.js';
import { writeHdf5 } from '../../src/formats/hdf5/write/writeHdf5.js';
import { readKerasWeights } from '../../src/interop/keras/file/weightFiles.js';
import { saveFile } from '../../src/node/index.js';
import { loadWasmBackend } from '../../src/tensor/backends/wasmBackend.js';
import { catchError } from '../bad-input/catchError.js';
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

/** Creates a legacy weights file from weights that are keyed by layer and stored name. */
function createWeightsGroup(layers: { [layer: string]: { [name: string]: Hdf5Dataset } }): Hdf5Group {
  return group({
    attributes: { layer_names: Object.keys(layers) },
    groups: Object.fromEntries(
      Object.entries(layers).map(([layer, weights]) => [
        layer,
        group({ attributes: { weight_names: Object.keys(weights) }, ...nestWeights(weights) }),
      ]),
    ),
  });
}

function nestWeights(weights: { [name: string]: Hdf5Dataset }): Partial<Hdf5Group> {
  const groups: { [name: string]: { [name: string]: Hdf5Dataset } } = {};
  const arrays: { [name: string]: Hdf5Dataset } = {};
  for (const [name, value] of Object.entries(weights)) {
    const [first, ...rest] = name.split('/');
    if (rest.length === 0) arrays[first!] = value;
    else groups[first!] = { ...groups[first!], [rest.join('/')]: value };
  }
  return {
    arrays,
    groups: Object.fromEntries(
      Object.entries(groups).map(([name, inner]) => [name, group(nestWeights(inner))]),
    ),
  };
}

/** Writes a complete model file as Keras 2 does. */
const writeKeras2File = (json: object, layers: { [layer: string]: { [name: string]: Hdf5Dataset } } = {}) =>
  writeHdf5(
    group({
      attributes: { model_config: JSON.stringify(json), keras_version: '2.9.0' },
      groups: { model_weights: createWeightsGroup(layers) },
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

/** Returns the output of a model for the values 1, 2, 3, … in the input shape of the model. */
function predictRamp(read: tf.LayersModel): number[] {
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

describe('loadKeras with a Keras 2 file', () => {
  test('reads a sequential model that is stored as a list, with weights matched by order', async () => {
    const file = writeKeras2File(
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
    expectClose(predictRamp(read), [6 + first!, (second! - 6) / 2], 1e-6);
    read.dispose();
  });

  test('imports operations on numbers and tensors as layers', async () => {
    const call = (name: string, kwargs: object) => [[name, 0, 0, kwargs]];
    const file = writeKeras2File(
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
    expectClose(predictRamp(read), [4.5, 4, 3.5], 1e-6);
    read.dispose();
  });

  test('imports the preprocessing of ResNet50: reversed channels and a subtracted mean', async () => {
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
    const read = await loadKeras(await writeKeras2File(model(layers, ['x'], ['mean'])));
    expectClose(predictRamp(read), [2, 0, -2, 5, 3, 1], 1e-6);
    expect(read.trainableWeights).toEqual([]);
    read.dispose();
  });

  test('rejects a cast to integers and unsupported operations', async () => {
    const getOperationError = async (name: string, kwargs: object) => {
      const layers = [input('x', 3), layer('TFOpLambda', 'op', { function: name }, ['x', 0, 0, kwargs])];
      return catchError(async () => loadKeras(writeKeras2File(model(layers, ['x'], ['op']))));
    };
    expect(await getOperationError('cast', { dtype: 'int32' })).toMatchObject({
      kind: 'file',
      received: '"int32"',
    });
    expect(await getOperationError('image.resize', {})).toMatchObject({
      kind: 'file',
      received: 'the operation image.resize',
    });
  });

  test('imports the hard sigmoid of Keras 2', async () => {
    const layers = [
      input('x', 3),
      layer('Activation', 'hard', { activation: 'hard_sigmoid' }, [['x', 0, 0, {}]]),
    ];
    const read = await loadKeras(writeKeras2File(model(layers, ['x'], ['hard'])));
    expectClose(predictRamp(read), [0.7, 0.9, 1], 1e-6);
    read.dispose();
  });

  test('imports a base model that is called with training=False as frozen layers without dropout', async () => {
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
      writeKeras2File(
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
    expect(notes).toEqual(['norm: frozen, because it is called with training=False']);
    read.dispose();
    const trainingError = await catchError(async () => loadKeras(await whole({ training: true })));
    expect(trainingError).toMatchObject({ kind: 'file', received: 'a call with training=True' });
  });
});

test('loadKeras takes sizes that the model does not define from the `input` option, and rejects a size that contradicts the model', async () => {
  const open = writeKeras2File(
    model(
      [input('x', null, null, 3), layer('GlobalAveragePooling2D', 'pool', {}, [['x', 0, 0, {}]])],
      ['x'],
      ['pool'],
    ),
  );
  const read = await loadKeras(open, { input: [4, 5, 3] });
  expect(read.inputs[0]!.shape).toEqual([null, 4, 5, 3]);
  read.dispose();
  const error = await catchError(() => loadKeras(open, { input: [4, 5, 1] }));
  expect(error.path).toBe('file: model_config: layers[0].config.batch_input_shape');
  expect(error.advice).toBe('Omit `input`, because the file contains the size.');
  const tasks = { a: categorical(['x', 'y', 'z']) };
  expect((await catchError(() => loadKeras(open, { tasks }))).advice).toContain('input: [128, 128, 3]');
});

test('loadKeras matches outputs to tasks by name or by order, and drops outputs without a task', async () => {
  const file = writeKeras2File(
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
  expect(notes).toEqual(['dropped outputs without a task: age']);
  named.dispose();
  const reordered = await loadKeras(file, { tasks: { who: gender, age } });
  expect(reordered.layersModel.outputNames).toEqual(['who', 'age']);
  reordered.dispose();
  notes.length = 0;
  const ordered = await loadKeras(file, { tasks: { years: age, gender }, log: (note) => notes.push(note) });
  expect(notes).toEqual(['matched tasks to outputs by order: years ← age, gender ← who']);
  expect(ordered.layersModel.weights.map(({ originalName }) => originalName)).toContain('gender/kernel');
  ordered.dispose();
});

describe('a Keras file', () => {
  const file = writeKeras2File(
    model([input('x', 2), layer('Dense', 'age', { units: 1 }, [['x', 0, 0, {}]])], ['x'], ['age']),
    { age: { 'age/kernel:0': array(2, 1), 'age/bias:0': array(1) } },
  );
  const weightsFile = writeHdf5(
    createWeightsGroup({ age: { 'age/kernel:0': array(2, 1), 'age/bias:0': array(1) } }),
  );
  const folder = mkdtempSync(join(tmpdir(), 'keras-sources-'));
  const [path, weightsPath] = [join(folder, 'new', 'face.h5'), join(folder, 'new', 'w.h5')];
  const server = createServer((request, response) => {
    if (request.url === '/face.h5') response.end(readFileSync(path));
    else response.writeHead(404).end();
  });
  let origin: string;
  beforeAll(async () => {
    await saveFile(path, new Uint8Array(3));
    await saveFile(path, file);
    await saveFile(weightsPath, weightsFile);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return () => {
      server.close();
      rmSync(folder, { recursive: true });
    };
  });

  test('is written by saveFile, which creates the folder, replaces the old file and leaves no temporary file behind', () => {
    expect(readFileSync(path).equals(file)).toBe(true);
    expect(readdirSync(join(folder, 'new')).sort()).toEqual(['face.h5', 'w.h5']);
  });

  test.each<[string, () => KerasSource]>([
    ['a path', () => path],
    ['a file: URL', () => pathToFileURL(path)],
    ['a file: URL as a string', () => pathToFileURL(path).href],
    ['an http: URL', () => new URL('face.h5', origin)],
    ['an http: URL as a string', () => `${origin}/face.h5`],
    ['bytes', () => file],
    ['a Blob', () => new Blob([file as BlobPart])],
  ])('can be passed to loadKeras as %s', async (_, getSource) => {
    const read = await loadKeras(getSource(), { weights: weightsPath });
    expect(read.outputNames).toEqual(['age']);
    expectClose(read.getWeights()[0]!.dataSync(), array(2, 1).data as Float32Array, 0);
    read.dispose();
  });

  test('can be passed to loadKeras as a Blob in the default entry', async () => {
    const blob = new Blob([file as BlobPart]);
    const weights = new Blob([weightsFile as BlobPart]);
    const read = await loadDefault(blob, { weights });
    expect(read.outputNames).toEqual(['age']);
    read.dispose();
  });

  test('is identified by path, URL or name in the errors from loadKeras', async () => {
    const missing = await catchError(() => loadKeras(`${origin}/missing.h5`));
    expect(missing).toMatchObject({ kind: 'file', path: `${origin}/missing.h5`, received: 'HTTP 404' });
    const damaged = new File(['text'], 'photo.keras');
    expect((await catchError(() => loadKeras(damaged))).path).toBe('photo.keras');
    expect((await catchError(() => loadKeras(damaged, { name: 'mine' }))).path).toBe('mine');
    expect((await catchError(() => loadKeras(new Blob(['text'])))).path).toBe('file');
    const weights = await catchError(() => loadKeras(path, { weights: damaged }));
    expect(weights.path).toBe('photo.keras');
  });
});

test('loadKeras imports a mixed-precision model as float32, and logs the conversion once', async () => {
  const policy = { class_name: 'DTypePolicy', config: { name: 'mixed_bfloat16' } };
  const dense = (name: string, from: string) =>
    layer('Dense', name, { units: 2, dtype: policy }, [[from, 0, 0, {}]]);
  const file = writeKeras2File(model([input('x', 2), dense('a', 'x'), dense('b', 'a')], ['x'], ['b']), {
    a: { 'a/kernel:0': array(2, 2), 'a/bias:0': array(2) },
    b: { 'b/kernel:0': array(2, 2), 'b/bias:0': array(2) },
  });
  const notes: string[] = [];
  (await loadKeras(file, { log: (note) => notes.push(note) })).dispose();
  expect(notes).toEqual(['the model computes in float32 instead of mixed_bfloat16']);
});

test('loadKeras creates a custom layer with a user-defined function, and sets the weights of the layer from the file', async () => {
  const file = writeKeras2File(
    model([input('x', 3), layer('mine>Scale', 'scale', { units: 2 }, [['x', 0, 0, {}]])], ['x'], ['scale']),
    { scale: { 'scale/w:0': array(3, 2) } },
  );
  const factoryArguments: unknown[] = [];
  const read = await loadKeras(file, {
    layers: {
      Scale: (config, name) => {
        factoryArguments.push(config, name);
        return tf.layers.dense({ units: config.units as number, useBias: false, name });
      },
    },
  });
  expect(factoryArguments).toEqual([{ name: 'scale', units: 2 }, 'scale']);
  expect(Array.from(read.weights[0]!.read().dataSync())).toEqual(Array.from(uniform('3,2', [3, 2])));
  read.dispose();
});

test('readKerasWeights returns the weights of a file, keyed by layer and name', async () => {
  const file = writeHdf5(
    createWeightsGroup({
      image: {},
      conv1: { 'conv1/kernel:0': array(1, 1, 3, 2), 'conv1/bias:0': array(2) },
      base: { 'conv/kernel': array(1, 1, 2, 2), 'norm/gamma': array(2) },
      other: { 'a/conv/kernel': array(2), 'b/conv/kernel': array(2) },
    }),
  );
  const { layers: weights, whole } = await readKerasWeights(file, 'weights.h5');
  expect(whole).toBe(false);
  expect(Object.entries(weights).map(([name, layerWeights]) => [name, Object.keys(layerWeights)])).toEqual([
    ['image', []],
    ['conv1', ['kernel', 'bias']],
    ['base', ['conv/kernel', 'norm/gamma']],
    ['other', ['a/conv/kernel', 'b/conv/kernel']],
  ]);
  expect(weights.conv1!.bias!.data).toEqual(uniform('2', [2]));
});

describe('loadKeras, for a nested model whose weight names differ from its layer names', () => {
  const dense = (name: string, from: string) => layer('Dense', name, { units: 2 }, [[from, 0, 0, {}]]);
  const nested = model([input('in', 2), dense('x', 'in'), dense('y', 'x')], ['in'], ['y'], 'base');
  const outer = model(
    [input('image', 2), { ...nested, name: 'base', inbound_nodes: [[['image', 0, 0, {}]]] }],
    ['image'],
    ['base'],
  );
  const load = (...names: string[]) =>
    loadKeras(
      writeKeras2File(outer, {
        base: Object.fromEntries(
          names.map((name, i) => [
            `${name}:0`,
            name.endsWith('kernel')
              ? { shape: [2, 2], data: Float32Array.of(1 + i, 2, 3, 4) }
              : { shape: [2], data: Float32Array.of(i, i) },
          ]),
        ),
      }),
    );

  test('matches the weights by order, as Keras does', async () => {
    const read = await load('x_1/kernel', 'x_1/bias', 'y_1/kernel', 'y_1/bias');
    expect(read.weights.map((weight) => weight.read().dataSync()[0])).toEqual([1, 1, 3, 3]);
    read.dispose();
  });

  test('rejects weights whose names contradict their order', async () => {
    const { numTensors } = tf.memory();
    const error = await catchError(() => load('y/kernel', 'y/bias', 'z/kernel', 'z/bias'));
    expect(error).toMatchObject({ kind: 'file', received: 'no weight with that name' });
    expect(error.expected).toBe('the weight kernel of layer x');
    expect((await catchError(() => load('x_1/bias', 'x_1/kernel', 'y/kernel', 'y/bias'))).kind).toBe('file');
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});

test('loadKeras rejects a Reshape layer whose sizes do not fit its input', async () => {
  for (const target_shape of [[-1, 5], [-1, -1], [0, -1], [13]]) {
    const reshape = layer('Reshape', 'line', { target_shape }, [['image', 0, 0, {}]]);
    const error = await catchError(() =>
      loadKeras(writeKeras2File(model([input('image', 4, 3), reshape], ['image'], ['line']))),
    );
    expect(error).toMatchObject({ kind: 'file', expected: 'a shape for the 4x3 numbers of each input' });
    expect(error.path).toMatch(/layers\[1\]\.config\.target_shape$/);
  }
});

test('loadKeras rejects a weights file saved on Windows that contains the same group twice', async () => {
  const vars = { vars: group({ arrays: { 0: array(2, 1), 1: array(1) } }) };
  const weights = writeHdf5(
    group({
      groups: {
        layers: group({ groups: { dense: group({ groups: vars }) } }),
        'layers\\dense': group({ groups: vars }),
      },
    }),
  );
  const dense = layer('Dense', 'age', { units: 1 }, [['image', 0, 0, {}]]);
  const file = writeKeras2File(model([input('image', 2), dense], ['image'], ['age']));
  const error = await catchError(() => loadKeras(file, { weights, weightsName: 'twice.weights.h5' }));
  expect(error).toMatchObject({ path: 'twice.weights.h5/layers/dense', received: 'two groups' });
});

test('loadKeras ignores and logs unsupported settings that only affect training', async () => {
  const dense = {
    units: 1,
    kernel_constraint: { class_name: 'MaxNorm', config: { max_value: 2, axis: 0 } },
    bias_regularizer: { class_name: 'L1L2', config: { l1: 0, l2: 0.5 } },
    kernel_regularizer: { class_name: 'OrthogonalRegularizer', config: { factor: 0.1 } },
    activity_regularizer: { class_name: 'L2', config: { l2: 0.1 } },
  };
  const file = await writeKeras2File(
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
    'noise: skipped GaussianNoise, which only acts in training',
    'end: ignored the regularizer OrthogonalRegularizer, which only affects training',
    'end: ignored kernel_constraint, which only affects training',
    'end: ignored activity_regularizer, which only affects training',
  ]);
  const penalties = tf.tidy(() =>
    read.layers.flatMap((each) => each.calculateLosses()).map((loss) => loss.dataSync()[0]),
  );
  expect(penalties).toEqual([2]); // 0.5 · 2²
  read.dispose();
});
