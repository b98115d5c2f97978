import { inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Hdf5Dataset, Hdf5Group } from '../../src/formats/hdf5/hdf5Group.js';
import { readHdf5 } from '../../src/formats/hdf5/read/readHdf5.js';
import { writeHdf5 } from '../../src/formats/hdf5/write/writeHdf5.js';
import { readZip, writeZip } from '../../src/formats/zip/zip.js';
import {
  binary,
  branch,
  exportKeras,
  flatten,
  isMultitaskError,
  loadKeras,
  multiTask,
  regression,
} from '../../src/index.js';
import { loadKeras as loadFile } from '../../src/node/loadKeras.js';
import { tf } from '../../src/tensor/tf.js';
import { loadWasmBackend } from '../../src/tensor/wasmBackend.js';
import { fixture } from '../parity/fixture.js';
import { faultOf } from './faultOf.js';
import { spent } from './spent.js';

const { faces } = fixture<{ faces: { open: { files: { [kind: string]: string } } } }>('files');
const unpacked = (kind: string) =>
  new Uint8Array(inflateSync(Buffer.from(faces.open.files[kind]!, 'base64')));
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));

const face = unpacked('keras');
const members = readZip(face, 'face.keras');
const config = () => JSON.parse(text(members['config.json']!));
let weights: Hdf5Group;
beforeAll(async () => {
  await loadWasmBackend();
  weights = await readHdf5(members['model.weights.h5']!, 'weights');
});

const archive = (json: unknown, h5 = members['model.weights.h5']!) =>
  writeZip({ ...members, 'config.json': bytes(json), 'model.weights.h5': h5 });

/** A layer of the outermost model. */
const layerOf = (json: any, name: string) =>
  json.config.layers.find((layer: any) => layer.config.name === name);

/** The fault of reading these bytes; nothing is left behind. */
async function readingFault(file: Uint8Array, options: object = {}) {
  const before = tf.memory().numTensors;
  const error = await faultOf(() => loadKeras(file, { name: 'face.keras', ...options }));
  expect(tf.memory().numTensors).toBe(before);
  expect(error.kind).toBe('file');
  return error;
}

/** The same after a change of the configuration. */
function changed(change: (json: any) => void, options: object = {}) {
  const json = config();
  change(json);
  return readingFault(archive(json), options);
}

/** The same after a change of the weights' groups. */
async function rewritten(change: (root: any) => void) {
  const root = structuredClone(weights) as any;
  change(root);
  return readingFault(archive(config(), writeHdf5(root)));
}

describe('a configuration that is', () => {
  test('no JSON', async () => {
    const file = writeZip({ ...members, 'config.json': new TextEncoder().encode('{"module": ') });
    expect((await readingFault(file)).path).toBe('face.keras: config.json');
  });

  test('nested deeper than any model', async () => {
    const file = writeZip({ ...members, 'config.json': new TextEncoder().encode('['.repeat(100_000)) });
    expect(await readingFault(file)).toMatchObject({ received: 'deeper nesting' });
  });

  test('of a model that is a program', async () => {
    const error = await changed((json) => {
      json.class_name = 'FaceNet';
      json.config = {};
    });
    expect(error.path).toBe('face.keras: config.json: class_name');
    expect(error.advice).toContain('subclassed');
  });

  test.each<[string, (json: any) => void, path: string, received: string]>([
    [
      'text for a number',
      (json) => {
        layerOf(json, 'conv').config.filters = 'two';
      },
      'layers[2].config.filters',
      '"two"',
    ],
    [
      'a negative number',
      (json) => {
        layerOf(json, 'conv').config.filters = -1;
      },
      'layers[2].config.filters',
      '-1',
    ],
    [
      'a list for a record',
      (json) => {
        layerOf(json, 'conv').config = [];
      },
      'layers[2].config',
      '[]',
    ],
    [
      'channels first',
      (json) => {
        layerOf(json, 'conv').config.data_format = 'channels_first';
      },
      'layers[2].config.data_format',
      '"channels_first"',
    ],
    [
      'groups',
      (json) => {
        layerOf(json, 'conv').config.groups = 2;
      },
      'layers[2] (conv)',
      '2 groups',
    ],
    [
      'an activation that is unknown',
      (json) => {
        layerOf(json, 'conv').config.activation = 'wave';
      },
      'layers[2] (conv)',
      'wave',
    ],
    [
      'weights of another type',
      (json) => {
        layerOf(json, 'conv').config.dtype = 'float16';
      },
      'layers[2].config.dtype',
      '"float16"',
    ],
    [
      'weights in eight bits',
      (json) => {
        layerOf(json, 'conv').config.dtype = {
          class_name: 'QuantizedDTypePolicy',
          config: { name: 'int8_from_float32' },
        };
      },
      'layers[2].config.dtype.config.name',
      '"int8_from_float32"',
    ],
    [
      'two layers of one name',
      (json) => {
        layerOf(json, 'conv').name = 'image';
      },
      'layers',
      '"image" twice, at 2 again',
    ],
    [
      'a layer that is not there',
      (json) => {
        json.config.output_layers.age[0] = 'nobody';
      },
      'output_layers',
      '["nobody",0,0]',
    ],
    [
      'a call that is not there',
      (json) => {
        json.config.output_layers.age[1] = 7;
      },
      'output_layers',
      '["years",7,0]',
    ],
    [
      'an input that is none',
      (json) => {
        json.config.input_layers = ['conv', 0, 0];
      },
      'input_layers',
      '"conv"',
    ],
  ])('%s', async (_, change, path, received) => {
    const error = await changed(change);
    expect(error.path).toBe(`face.keras: config.json: ${path}`);
    expect(error.received).toBe(received);
  });

  test.each([
    ['LSTM', { units: 4 }],
    ['TextVectorization', {}],
    ['Lambda', { function: 'os.remove' }],
    ['mine>Blur', { size: 3 }],
    ['GroupNormalization', { groups: 2 }],
    ['constructor', {}],
    ['__proto__', {}],
  ])('of the layer %s, with how to register it', async (className, settings) => {
    const error = await changed((json) => {
      const layer = layerOf(json, 'conv');
      layer.class_name = className.split('>').at(-1);
      layer.registered_name = className;
      layer.config = { name: 'conv', ...settings };
    });
    expect(error.path).toBe('face.keras: config.json: layers[2] (conv)');
    expect(error.received).toBe(className);
    expect(error.advice).toContain('layers: {');
  });

  test('of layers that wait for each other', async () => {
    const error = await changed((json) => {
      const near = layerOf(json, 'near').inbound_nodes[0].args[0].config;
      near.keras_history = ['far', 0, 0];
    });
    expect(error.received).toMatch(/^\["(near|far|shared)",\d,0\]$/);
  });

  test('of calls that double with every level', async () => {
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
    expect((await readingFault(archive(model))).expected).toBe('at most 100000 calls of layers');
  });

  test('of weights larger than the file', async () => {
    const error = await changed((json) => {
      layerOf(json, 'near').config.units = 2 ** 40;
    });
    expect(error.received).toContain('kernel of [');
  });

  test('too large for the image', async () => {
    const error = await changed((json) => {
      Object.assign(layerOf(json, 'conv').config, { kernel_size: [9, 9] });
    });
    expect(error.path).toBe('face.keras: config.json: layers[2] (conv)');
    expect(error.expected).toContain('large enough');
  });
});

describe('weights that are', () => {
  const vars = (root: any, key: string): { [name: string]: Hdf5Dataset } =>
    root.groups.layers.groups[key].groups.vars.arrays;

  test('missing', async () => {
    const one = await rewritten((root) => {
      delete vars(root, 'dense_1')['1'];
    });
    expect(one.path).toBe('face.keras: model.weights.h5/layers/dense_1');
    const all = await rewritten((root) => {
      delete root.groups.layers.groups.dense_1;
    });
    expect(all.path).toContain('face.keras: model.weights.h5');
  });

  test('left over', async () => {
    const error = await rewritten((root) => {
      root.groups.layers.groups.dense_9 = structuredClone(root.groups.layers.groups.dense_1);
      root.groups.layers.groups.dense_9.groups.vars.attributes.name = 'more';
    });
    expect(error.path).toBe('face.keras: model.weights.h5/layers/dense_9/vars/0');
  });

  test('of another shape', async () => {
    const error = await rewritten((root) => {
      vars(root, 'conv2d')['1'] = { shape: [3], data: new Float32Array(3) };
    });
    expect(error).toMatchObject({
      path: 'face.keras: model.weights.h5/layers/conv2d/vars/1',
      expected: 'bias of layer conv, [2]',
      received: '[3]',
    });
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('%s', async (value) => {
    const error = await rewritten((root) => {
      vars(root, 'conv2d')['1'] = { shape: [2], data: Float32Array.of(0, value) };
    });
    expect(error).toMatchObject({ expected: 'finite numbers', received: `${value} at place 1` });
  });

  test('of a legacy file without one that it lists', async () => {
    const root = structuredClone(await readHdf5(unpacked('old.h5'), 'old')) as any;
    delete root.groups.conv.groups.conv.arrays['bias:0'];
    const error = await readingFault(face, { weights: writeHdf5(root), weightsName: 'old.h5' });
    expect(error.path).toBe('old.h5/conv/conv/bias:0');
  });

  test('not in the file, or alone in it', async () => {
    const { 'model.weights.h5': alone, ...others } = members;
    expect(await readingFault(writeZip(others))).toMatchObject({ expected: 'weights', received: 'none' });
    expect(await readingFault(alone!)).toMatchObject({ expected: 'a model', received: 'weights alone' });
  });
});

describe('tasks that are not the outputs', () => {
  const age = regression({ unit: 'years' });
  const gender = binary(['male', 'female']);

  test.each<[string, object, string]>([
    ['another name', { age, sex: gender }, 'loadKeras.tasks'],
    ['too few of other names', { years_old: age }, 'loadKeras.tasks'],
    ['none', {}, 'loadKeras.tasks'],
    ['no task', { age: 1, gender }, 'loadKeras.tasks.age'],
    ['a name that cannot be a column', { loss: age, gender }, 'loadKeras.tasks.loss'],
    ['a probability from a number without activation', { age: gender, gender }, 'face.keras: age'],
  ])('%s', async (_, tasks, path) => {
    const before = tf.memory().numTensors;
    const error = await faultOf(() => loadKeras(face, { name: 'face.keras', tasks: tasks as never }));
    expect(error).toMatchObject({ kind: 'argument', path });
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('a file of ours says its range, and whether the labels are turned round', async () => {
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
    const turned = await faultOf(() => loadKeras(plain, { tasks: { gender: binary(['female', 'male']) } }));
    expect(turned).toMatchObject({
      kind: 'argument',
      path: 'loadKeras.tasks.gender',
      expected: 'binary([male, female]), as the file says',
    });
  }
});

test('a file of ours that reads bytes already gets no Rescaling for them', async () => {
  const tasks = { age: regression({ unit: 'years' }) };
  const model = multiTask({ input: [4, 4, 3], range: [0, 255] })
    .task('age', tasks.age, branch([flatten()]))
    .build();
  expect(await exportKeras(model, { bytes: true })).toEqual(await exportKeras(model));
});

describe('a wrong call', () => {
  const buffer = face.buffer.slice(face.byteOffset, face.byteOffset + face.byteLength);
  test.each<[string, unknown, object | undefined, string, RegExp]>([
    ['an ArrayBuffer', buffer, {}, 'loadKeras', /^Write new Uint8Array\(buffer\)/],
    ['a path', 'face.keras', {}, 'loadKeras', /tfjs-multitask\/node/],
    ['nothing', undefined, undefined, 'loadKeras', /Uint8Array|node/],
    ['a promise', Promise.resolve(face), {}, 'loadKeras', /await/],
    ['a path of weights', face, { weights: 'w.h5' }, 'loadKeras.weights', /node/],
    ['one side', face, { input: 32 }, 'loadKeras.input', /\[128, 128, 3\]/],
    ['two sides', face, { input: [32, 32] }, 'loadKeras.input', /\[128, 128, 3\]/],
    ['an option misspelt', face, { taks: {} }, 'loadKeras', /Did you mean "tasks"/],
  ])('of loadKeras with %s', async (_, file, options, path, advice) => {
    const fault = await faultOf(() => loadKeras(file as never, options as never));
    expect(fault).toMatchObject({ kind: 'argument', path });
    expect(fault.advice).toMatch(advice);
  });

  test('of the one that reads paths', async () => {
    const bytes = await faultOf(() => loadFile(face as never));
    expect(bytes).toMatchObject({ path: 'loadKeras', received: 'bytes' });
    expect((await faultOf(() => loadFile(undefined as never))).received).toBe('nothing');
    const weights = await faultOf(() => loadFile('face.keras', { weights: face as never }));
    expect(weights.path).toBe('loadKeras.weights');
  });
});

test.each([
  ['by its code', { class_name: '__lambda__', config: { value: 'bytecode' } }],
  ['by its name', '<lambda>'],
])('a lambda as activation, %s, is said to be a function of Python', async (_, activation) => {
  const error = await changed((json) => {
    layerOf(json, 'conv').config.activation = activation;
  });
  expect(error.received).toBe('a Python function');
});

test('a file that is not there, or is something else', async () => {
  const gone = await faultOf(() => loadFile('nowhere/face.keras'));
  expect(gone).toMatchObject({ kind: 'file', path: 'nowhere/face.keras', received: 'ENOENT' });
  expect((await readingFault(new Uint8Array(0))).path).toBe('face.keras');
  expect((await readingFault(new TextEncoder().encode('PK is how a zip begins'))).path).toBe('face.keras');
  expect((await readingFault(writeZip({ 'readme.txt': bytes('') }))).received).toContain(
    'without config.json',
  );
});

/** Every place in the configuration. */
function placesIn(json: unknown, path: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof json !== 'object' || json === null) return [[...path]];
  return [[...path], ...Object.entries(json).flatMap(([key, value]) => placesIn(value, [...path, key]))];
}

test('a configuration changed anywhere is read, or refused by name, and leaves nothing behind', async () => {
  const places = placesIn(config()).filter((path) => path.length > 0);
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
    fc.asyncProperty(fc.nat(), values, fc.boolean(), async (place, value, remove) => {
      const path = places[place % places.length]!;
      const json = config();
      const around = path.slice(0, -1).reduce((part: any, key) => part[key], json);
      if (remove) delete around[path.at(-1)!];
      else around[path.at(-1)!] = value;
      const before = tf.memory().numTensors;
      const started = spent();
      try {
        (await loadKeras(archive(json), { name: 'face.keras' })).dispose();
      } catch (error) {
        if (!isMultitaskError(error)) throw error;
        expect(error.kind).toBe('file');
        expect(error.path).toContain('face.keras');
      }
      expect(spent() - started).toBeLessThan(2000); // it takes about 20 ms
      expect(tf.memory().numTensors).toBe(before);
    }),
    { numRuns: 300 },
  );
});

test.each(['keras', 'h5', 'keras2.h5', 'old.h5'])('%s with bytes changed, or cut short', async (kind) => {
  const whole = unpacked(kind);
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
});
