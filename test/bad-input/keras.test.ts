import { inflateSync } from 'node:zlib';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadKeras as loadDefault } from '../../src/entries/default.js';
import {
  binary,
  branch,
  exportKeras,
  flatten,
  isMultitaskError,
  loadKeras,
  multiTask,
  regression,
} from '../../src/entries/node.js';
import type { Hdf5Dataset, Hdf5Group } from '../../src/formats/hdf5/hdf5Group.js';
import { readHdf5 } from '../../src/formats/hdf5/read/readHdf5.js';
import { writeHdf5 } from '../../src/formats/hdf5/write/writeHdf5.js';
import { readZip, writeZip } from '../../src/formats/zip/zip.js';
import { loadWasmBackend } from '../../src/tensor/backends/wasmBackend.js';
import { fixture } from '../parity/fixture.js';
import { catchError } from './catchError.js';
import { getCpuTime } from './getCpuTime.js';

const { faces } = fixture<{ faces: { open: { files: { [kind: string]: string } } } }>('files');
const unpackFixture = (kind: string) =>
  new Uint8Array(inflateSync(Buffer.from(faces.open.files[kind]!, 'base64')));
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));

const face = unpackFixture('keras');
const members = readZip(face, 'face.keras');
const config = () => JSON.parse(text(members['config.json']!));
let weights: Hdf5Group;
beforeAll(async () => {
  await loadWasmBackend();
  weights = await readHdf5(members['model.weights.h5']!, 'weights');
});

const archive = (json: unknown, h5 = members['model.weights.h5']!) =>
  writeZip({ ...members, 'config.json': bytes(json), 'model.weights.h5': h5 });

/** Returns a layer of the outermost model. */
const findLayer = (json: any, name: string) =>
  json.config.layers.find((layer: any) => layer.config.name === name);

/** Returns the error of reading a file, and checks that no tensors leaked. */
async function readError(file: Uint8Array, options: object = {}) {
  const before = tf.memory().numTensors;
  const error = await catchError(() => loadKeras(file, { name: 'face.keras', ...options }));
  expect(tf.memory().numTensors).toBe(before);
  expect(error.kind).toBe('file');
  return error;
}

/** Returns the error of reading a file whose configuration was changed. */
function readChangedConfig(change: (json: any) => void, options: object = {}) {
  const json = config();
  change(json);
  return readError(archive(json), options);
}

/** Returns the error of reading a file whose weights were changed. */
async function readChangedWeights(change: (root: any) => void) {
  const root = structuredClone(weights) as any;
  change(root);
  return readError(archive(config(), writeHdf5(root)));
}

describe('loadKeras with an invalid config.json', () => {
  test('rejects text that is not JSON', async () => {
    const file = writeZip({ ...members, 'config.json': new TextEncoder().encode('{"module": ') });
    expect((await readError(file)).path).toBe('face.keras: config.json');
  });

  test('rejects JSON with 100,000 nested arrays', async () => {
    const file = writeZip({ ...members, 'config.json': new TextEncoder().encode('['.repeat(100_000)) });
    expect(await readError(file)).toMatchObject({ received: 'JSON with deeper nesting' });
  });

  test('rejects the configuration of a subclassed model', async () => {
    const error = await readChangedConfig((json) => {
      json.class_name = 'FaceNet';
      json.config = {};
    });
    expect(error.path).toBe('face.keras: config.json: class_name');
    expect(error.advice).toContain('subclassed');
  });

  test.each<[string, (json: any) => void, path: string, received: string]>([
    [
      'text in place of a number',
      (json) => {
        findLayer(json, 'conv').config.filters = 'two';
      },
      'layers[2].config.filters',
      '"two"',
    ],
    [
      'a negative number of filters',
      (json) => {
        findLayer(json, 'conv').config.filters = -1;
      },
      'layers[2].config.filters',
      '-1',
    ],
    [
      'a list in place of a record',
      (json) => {
        findLayer(json, 'conv').config = [];
      },
      'layers[2].config',
      '[]',
    ],
    [
      'a channels_first layer',
      (json) => {
        findLayer(json, 'conv').config.data_format = 'channels_first';
      },
      'layers[2].config.data_format',
      '"channels_first"',
    ],
    [
      'a grouped convolution',
      (json) => {
        findLayer(json, 'conv').config.groups = 2;
      },
      'layers[2] (conv)',
      'a convolution with 2 groups',
    ],
    [
      'an unknown activation',
      (json) => {
        findLayer(json, 'conv').config.activation = 'wave';
      },
      'layers[2] (conv)',
      'wave',
    ],
    [
      'float16 weights',
      (json) => {
        findLayer(json, 'conv').config.dtype = 'float16';
      },
      'layers[2].config.dtype',
      '"float16"',
    ],
    [
      '8-bit weights',
      (json) => {
        findLayer(json, 'conv').config.dtype = {
          class_name: 'QuantizedDTypePolicy',
          config: { name: 'int8_from_float32' },
        };
      },
      'layers[2].config.dtype.config.name',
      '"int8_from_float32"',
    ],
    [
      'two layers with the same name',
      (json) => {
        findLayer(json, 'conv').name = 'image';
      },
      'layers',
      '"image" twice, the second time at index 2',
    ],
    [
      'a reference to a missing layer',
      (json) => {
        json.config.output_layers.age[0] = 'missing';
      },
      'output_layers',
      'the reference ["missing",0,0]',
    ],
    [
      'a reference to a missing call',
      (json) => {
        json.config.output_layers.age[1] = 7;
      },
      'output_layers',
      'the reference ["years",7,0]',
    ],
    [
      'an input that is not an input layer',
      (json) => {
        json.config.input_layers = ['conv', 0, 0];
      },
      'input_layers',
      '"conv"',
    ],
  ])(
    'rejects %s, and the error contains the path in the configuration',
    async (_, change, path, received) => {
      const error = await readChangedConfig(change);
      expect(error.path).toBe(`face.keras: config.json: ${path}`);
      expect(error.received).toBe(received);
    },
  );

  test.each([
    ['LSTM', { units: 4 }],
    ['TextVectorization', {}],
    ['Lambda', { function: 'os.remove' }],
    ['mine>Blur', { size: 3 }],
    ['GroupNormalization', { groups: 2 }],
    ['constructor', {}],
    ['__proto__', {}],
  ])(
    'rejects the unknown layer class %s, and the error suggests registering the class',
    async (className, settings) => {
      const error = await readChangedConfig((json) => {
        const layer = findLayer(json, 'conv');
        layer.class_name = className.split('>').at(-1);
        layer.registered_name = className;
        layer.config = { name: 'conv', ...settings };
      });
      expect(error.path).toBe('face.keras: config.json: layers[2] (conv)');
      expect(error.received).toBe(className);
      expect(error.advice).toContain('layers: {');
    },
  );

  test('rejects layers that form a cycle', async () => {
    const error = await readChangedConfig((json) => {
      const near = findLayer(json, 'near').inbound_nodes[0].args[0].config;
      near.keras_history = ['far', 0, 0];
    });
    expect(error.received).toMatch(/^the reference \["(near|far|shared)",\d,0\]$/);
  });

  test('rejects 30 nested models if each of them doubles the number of layer calls', async () => {
    const tensor = (name: string, call: number) => ({
      class_name: '__keras_tensor__',
      config: { shape: [null, 4], dtype: 'float32', keras_history: [name, call, 0] },
    });
    const input = (name: string) => ({
      class_name: 'InputLayer',
      name,
      config: { name, batch_shape: [null, 4] },
      inbound_nodes: [],
    });
    let model: any = {
      class_name: 'ReLU',
      name: 'last',
      config: { name: 'last' },
      inbound_nodes: [
        { args: [tensor('in', 0)], kwargs: {} },
        { args: [tensor('last', 0)], kwargs: {} },
      ],
    };
    for (let level = 0; level < 30; level++) {
      const layers = [input('in'), model];
      const outputs = [model.name, 1, 0];
      const name = `level${level}`;
      model = {
        module: 'keras',
        class_name: 'Functional',
        name,
        config: { name, layers, input_layers: ['in', 0, 0], output_layers: outputs },
        inbound_nodes: [
          { args: [tensor('in', 0)], kwargs: {} },
          { args: [tensor(name, 0)], kwargs: {} },
        ],
      };
    }
    expect((await readError(archive(model))).expected).toBe('a model with at most 100000 layer calls');
  });

  test('rejects a layer whose weights would be larger than the file', async () => {
    const error = await readChangedConfig((json) => {
      findLayer(json, 'near').config.units = 2 ** 40;
    });
    expect(error.received).toContain('kernel of shape [');
  });

  test('rejects a convolution whose kernel is larger than its input', async () => {
    const error = await readChangedConfig((json) => {
      Object.assign(findLayer(json, 'conv').config, { kernel_size: [9, 9] });
    });
    expect(error.path).toBe('face.keras: config.json: layers[2] (conv)');
    expect(error.expected).toContain('large enough');
  });
});

describe('loadKeras with invalid weights', () => {
  const vars = (root: any, key: string): { [name: string]: Hdf5Dataset } =>
    root.groups.layers.groups[key].groups.vars.arrays;

  test('rejects a layer whose weights are missing', async () => {
    const one = await readChangedWeights((root) => {
      delete vars(root, 'dense_1')['1'];
    });
    expect(one.path).toBe('face.keras: model.weights.h5/layers/dense_1');
    const all = await readChangedWeights((root) => {
      delete root.groups.layers.groups.dense_1;
    });
    expect(all.path).toContain('face.keras: model.weights.h5');
  });

  test('rejects weights that belong to no layer of the model', async () => {
    const error = await readChangedWeights((root) => {
      root.groups.layers.groups.dense_9 = structuredClone(root.groups.layers.groups.dense_1);
      root.groups.layers.groups.dense_9.groups.vars.attributes.name = 'more';
    });
    expect(error.path).toBe('face.keras: model.weights.h5/layers/dense_9/vars/0');
  });

  test('rejects weights whose shapes differ from those of the layer', async () => {
    const error = await readChangedWeights((root) => {
      vars(root, 'conv2d')['1'] = { shape: [3], data: new Float32Array(3) };
    });
    expect(error).toMatchObject({
      path: 'face.keras: model.weights.h5/layers/conv2d/vars/1',
      expected: 'the shape [2] for the weight bias of layer conv',
      received: 'the shape [3]',
    });
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'rejects weights that contain the value %s',
    async (value) => {
      const error = await readChangedWeights((root) => {
        vars(root, 'conv2d')['1'] = { shape: [2], data: Float32Array.of(0, value) };
      });
      expect(error).toMatchObject({ expected: 'finite numbers', received: `${value} at index 1` });
    },
  );

  test('rejects a Keras 2 weight file that lists a weight but does not contain it', async () => {
    const root = structuredClone(await readHdf5(unpackFixture('old.h5'), 'old')) as any;
    delete root.groups.conv.groups.conv.arrays['bias:0'];
    const error = await readError(face, { weights: writeHdf5(root), weightsName: 'old.h5' });
    expect(error.path).toBe('old.h5/conv/conv/bias:0');
  });

  test('rejects a file without weights, and a file that contains only weights', async () => {
    const { 'model.weights.h5': alone, ...others } = members;
    expect(await readError(writeZip(others))).toMatchObject({
      expected: 'a file with weights',
      received: 'a file without weights',
    });
    expect(await readError(alone!)).toMatchObject({
      expected: 'a file with a model',
      received: 'a file with weights only',
    });
  });
});

describe('loadKeras with tasks that do not match the model outputs', () => {
  const age = regression({ unit: 'years' });
  const gender = binary(['male', 'female']);

  test.each<[string, object, string]>([
    ['a task whose name matches no output', { age, sex: gender }, 'loadKeras.tasks'],
    ['too few tasks, whose names match no outputs', { years_old: age }, 'loadKeras.tasks'],
    ['no tasks', {}, 'loadKeras.tasks'],
    ['a number in place of a task', { age: 1, gender }, 'loadKeras.tasks.age'],
    ['a task name that is reserved for a history column', { loss: age, gender }, 'loadKeras.tasks.loss'],
    ['a binary task for an output without an activation', { age: gender, gender }, 'face.keras: age'],
  ])('rejects %s', async (_, tasks, path) => {
    const before = tf.memory().numTensors;
    const error = await catchError(() => loadKeras(face, { name: 'face.keras', tasks: tasks as never }));
    expect(error).toMatchObject({ kind: 'argument', path });
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('loadKeras reads the pixel range from a file that exportKeras wrote, and rejects labels in a different order than in the file', async () => {
  const model = multiTask({ input: [4, 4, 3], range: [-1, 1] })
    .task('gender', binary(['male', 'female']), branch([flatten()]))
    .build();
  for (const format of ['keras', 'h5'] as const) {
    const plain = await exportKeras(model, { format });
    const again = await loadKeras(plain, { tasks: { gender: binary(['male', 'female']) } });
    expect(again.input.range).toEqual([-1, 1]);
    again.dispose();
    const bytes = await exportKeras(model, { format, bytes: true });
    const fed = await loadKeras(bytes, { tasks: { gender: binary(['male', 'female']) } });
    expect(fed.input.range).toEqual([0, 255]);
    fed.dispose();
    const turned = await catchError(() =>
      loadKeras(plain, { tasks: { gender: binary(['female', 'male']) } }),
    );
    expect(turned).toMatchObject({
      kind: 'argument',
      path: 'loadKeras.tasks.gender',
      expected: 'binary([male, female]), as stored in the file',
    });
  }
});

test('exportKeras adds no Rescaling layer to a model whose pixel range is already [0, 255]', async () => {
  const tasks = { age: regression({ unit: 'years' }) };
  const model = multiTask({ input: [4, 4, 3], range: [0, 255] })
    .task('age', tasks.age, branch([flatten()]))
    .build();
  expect(await exportKeras(model, { bytes: true })).toEqual(await exportKeras(model));
});

describe('loadKeras with an invalid argument or option', () => {
  const buffer = face.buffer.slice(face.byteOffset, face.byteOffset + face.byteLength);
  test.each<[string, unknown, object | undefined, string, RegExp]>([
    ['an ArrayBuffer', buffer, {}, 'loadKeras', /^Write new Uint8Array\(buffer\)/],
    ['no arguments', undefined, undefined, 'loadKeras', /Uint8Array/],
    ['an empty path', '', {}, 'loadKeras', /face\.keras/],
    ['an array of paths', ['face.keras'], {}, 'loadKeras', /face\.keras/],
    ['a promise', Promise.resolve(face), {}, 'loadKeras', /^Await /],
    ['a number as the weights', face, { weights: 1 }, 'loadKeras.weights', /Uint8Array/],
    ['one number as the image size', face, { input: 32 }, 'loadKeras.input', /\[128, 128, 3\]/],
    ['an image size without channels', face, { input: [32, 32] }, 'loadKeras.input', /\[128, 128, 3\]/],
    ['a misspelled option', face, { taks: {} }, 'loadKeras', /Did you mean "tasks"/],
  ])('rejects %s', async (_, file, options, path, advice) => {
    const fault = await catchError(() => loadKeras(file as never, options as never));
    expect(fault).toMatchObject({ kind: 'argument', path });
    expect(fault.advice).toMatch(advice);
  });

  test('rejects a path or a URL in the default entry, which cannot read files', async () => {
    for (const path of ['face.keras', new URL('https://example.org/face.keras')]) {
      const error = await catchError(() => loadDefault(path));
      expect(error).toMatchObject({ kind: 'argument', path: 'loadKeras' });
      expect(error.advice).toContain('pass its bytes');
    }
    expect((await catchError(() => loadDefault(undefined as never))).received).toBe('undefined');
    const weights = await catchError(() => loadDefault(face, { weights: 'w.h5' }));
    expect(weights).toMatchObject({ kind: 'argument', path: 'loadKeras.weights' });
  });
});

test.each([
  ['stored as Python bytecode', { class_name: '__lambda__', config: { value: 'bytecode' } }],
  ['stored by name', '<lambda>'],
])(
  'loadKeras rejects a lambda activation that is %s, and the error states that the activation is a Python function',
  async (_, activation) => {
    const error = await readChangedConfig((json) => {
      findLayer(json, 'conv').config.activation = activation;
    });
    expect(error.received).toBe('a Python function');
  },
);

test('loadKeras rejects a missing file and a file that was not written by Keras', async () => {
  const gone = await catchError(() => loadKeras('nowhere/face.keras'));
  expect(gone).toMatchObject({
    kind: 'file',
    path: 'nowhere/face.keras',
    received: 'a file or folder that does not exist (ENOENT)',
  });
  const weightsError = await catchError(() => loadKeras(face, { weights: 'nowhere/w.h5' }));
  expect(weightsError).toMatchObject({ kind: 'file', path: 'nowhere/w.h5' });
  const ftp = await catchError(() => loadKeras(new URL('ftp://example.org/face.keras')));
  expect(ftp).toMatchObject({ kind: 'file', path: 'ftp://example.org/face.keras' });
  expect(ftp.received).toContain('a URL that begins neither with file: nor with http(s):');
  expect((await readError(new Uint8Array(0))).path).toBe('face.keras');
  expect((await readError(new TextEncoder().encode('PK is how a zip begins'))).path).toBe('face.keras');
  expect((await readError(writeZip({ 'readme.txt': bytes('') }))).received).toContain('without config.json');
});

/** Returns the path of every value in a JSON document. */
function listPaths(json: unknown, path: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof json !== 'object' || json === null) return [[...path]];
  return [[...path], ...Object.entries(json).flatMap(([key, value]) => listPaths(value, [...path, key]))];
}

test('loadKeras either loads or rejects a model with one changed configuration value, and leaks no tensors', async () => {
  const paths = listPaths(config()).filter((path) => path.length > 0);
  const values = fc.constantFrom<unknown>(
    null,
    -1,
    0,
    3,
    1e12,
    0.5,
    '',
    'conv',
    'LSTM',
    true,
    [],
    {},
    [[]],
    [1, 2],
    ['conv', 0, 0],
    { value: 1 },
    { class_name: 'Dense', config: {} },
  );
  await fc.assert(
    fc.asyncProperty(fc.nat(), values, fc.boolean(), async (index, value, remove) => {
      const path = paths[index % paths.length]!;
      const json = config();
      const parent = path.slice(0, -1).reduce((part: any, key) => part[key], json);
      if (remove) delete parent[path.at(-1)!];
      else parent[path.at(-1)!] = value;
      const before = tf.memory().numTensors;
      const started = getCpuTime();
      try {
        (await loadKeras(archive(json), { name: 'face.keras' })).dispose();
      } catch (error) {
        if (!isMultitaskError(error)) throw error;
        expect(error.kind).toBe('file');
        expect(error.path).toContain('face.keras');
      }
      expect(getCpuTime() - started).toBeLessThan(2000); // A typical duration is about 20 ms.
      expect(tf.memory().numTensors).toBe(before);
    }),
    { numRuns: 300 },
  );
});

test.each(['keras', 'h5', 'keras2.h5', 'old.h5'])(
  'loadKeras either loads or rejects a %s file with changed or missing bytes, and leaks no tensors',
  async (kind) => {
    const whole = unpackFixture(kind);
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(changes, fc.option(fc.nat()), async (flips, cut) => {
        const file = whole.slice(0, cut === null ? undefined : cut % whole.length);
        for (const [at, value] of flips) file[at % file.length] = value;
        const before = tf.memory().numTensors;
        try {
          const options = kind === 'old.h5' ? { weights: file } : {};
          (await loadKeras(kind === 'old.h5' ? face : file, options)).dispose();
        } catch (error) {
          if (!isMultitaskError(error)) throw error;
          expect(error.kind).toBe('file');
        }
        expect(tf.memory().numTensors).toBe(before);
      }),
      { numRuns: 75 },
    );
  },
);
