import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { zipSync } from 'fflate';
import * as h5wasm from 'h5wasm';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadKeras } from '../../src/entries/node.js';
import type { Hdf5Group } from '../../src/formats/hdf5/hdf5Group.js';
import { readHdf5 } from '../../src/formats/hdf5/read/readHdf5.js';
import { writeHdf5 } from '../../src/formats/hdf5/write/writeHdf5.js';
import { readZip, writeZip } from '../../src/formats/zip/zip.js';
import { loadWasmBackend } from '../../src/tensor/backends/wasmBackend.js';
import { fixture as models } from '../parity/fixture.js';
import { catchError } from './catchError.js';
import { getCpuTime } from './getCpuTime.js';
import { type Mutation, mutation } from './mutations.js';

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../parity/fixtures/${name}.h5`, import.meta.url)));
const OLD = fixture('hdf5_old');
const NEW = fixture('hdf5_new');
const EMPTY: Hdf5Group = { attributes: {}, groups: {}, arrays: {} };

const countBytes = ({ groups, arrays }: Hdf5Group): number =>
  Object.values(arrays).reduce((sum, { data }) => sum + data.byteLength, 0) +
  Object.values(groups).reduce((sum, inner) => sum + countBytes(inner), 0);

const FORMATS = {
  'HDF5 in the original layout': [OLD, (file: Uint8Array) => readHdf5(file, 'bad.file')],
  'HDF5 from writeHdf5': [
    writeHdf5(readHdf5(OLD, 'old.h5')),
    (file: Uint8Array) => readHdf5(file, 'bad.file'),
  ],
  'HDF5 in the layout of HDF5 2': [NEW, (file: Uint8Array) => readHdf5(file, 'bad.file')],
  'HDF5 in an uncompressed zip archive': [
    writeZip({ 'metadata.json': new Uint8Array(9), 'model.weights.h5': OLD }),
    (file: Uint8Array) => readHdf5(readZip(file, 'bad.file')['model.weights.h5'] ?? OLD, 'bad.file'),
  ],
  'HDF5 in a compressed zip archive': [
    zipSync({ 'model.weights.h5': NEW }, { level: 1 }),
    (file: Uint8Array) => readHdf5(readZip(file, 'bad.file')['model.weights.h5'] ?? OLD, 'bad.file'),
  ],
} as const;

describe.each(Object.entries(FORMATS))('the reader for the %s format', (_, [file, read]) => {
  test('reads a mutated file or rejects it with an error that names the file, within limits on time and memory', () => {
    const count = { read: 0, refused: 0 };
    fc.assert(
      fc.property(mutation, (mutate) => {
        const started = getCpuTime();
        try {
          // Compressed data can expand a thousand times. The data in these files expand less, and no mutation changes that.
          expect(countBytes(read(mutate(file)))).toBeLessThan(2 * OLD.length);
          count.read++;
        } catch (error) {
          expect(error).toMatchObject({ name: 'MultitaskError', kind: 'file', path: 'bad.file' });
          expect((error as Error).message).toMatch(
            /^bad\.file: expected a complete .*, received .+\. Save the file again/s,
          );
          count.refused++;
        }
        // A typical duration is a few milliseconds. For some of these files, the C library never returns.
        expect(getCpuTime() - started).toBeLessThan(5000);
      }),
      { numRuns: 300 },
    );
    expect(count.refused).toBeGreaterThan(100);
  });
});

describe('loadKeras with a mutated model file', () => {
  const { faces } = models<{ faces: { open: { files: { [kind: string]: string } } } }>('files');
  const unpackFixture = (kind: string) =>
    new Uint8Array(inflateSync(Buffer.from(faces.open.files[kind]!, 'base64')));
  const mutateWeights = (mutate: Mutation) => {
    const members = readZip(unpackFixture('keras'), 'face.keras');
    return writeZip({ ...members, 'model.weights.h5': mutate(members['model.weights.h5']!) });
  };
  const options = { name: 'face.file' };
  beforeAll(async () => {
    await loadWasmBackend();
  });

  test.each<[string, (mutate: Mutation) => Uint8Array]>([
    ['the .keras format', (mutate) => mutate(unpackFixture('keras'))],
    ['the weights in a .keras file, with an updated checksum', mutateWeights],
    ['the .h5 format of Keras 3', (mutate) => mutate(unpackFixture('h5'))],
    ['the .h5 format of Keras 2', (mutate) => mutate(unpackFixture('keras2.h5'))],
  ])('loads the model or throws an error that names the file, and leaks no tensors: %s', async (_, file) => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(mutation, async (mutate) => {
        const before = tf.memory().numTensors;
        const started = getCpuTime();
        try {
          (await loadKeras(file(mutate), options)).dispose();
        } catch (error) {
          expect(error).toMatchObject({ name: 'MultitaskError', kind: 'file' });
          expect((error as Error).message).toMatch(/^face\.file/);
          refused++;
        }
        expect(getCpuTime() - started).toBeLessThan(5000); // A typical duration is about 20 ms.
        expect(tf.memory().numTensors).toBe(before);
      }),
      { numRuns: 75 },
    );
    expect(refused).toBeGreaterThan(25); // About three in four mutated models are rejected.
  });
});

test('readHdf5 rejects a file that is truncated at any offset, because the superblock contains the file size', () => {
  for (const file of [OLD, NEW]) {
    for (let size = 0; size < file.length; size += 97) {
      expect(() => readHdf5(file.subarray(0, size), 'cut.h5')).toThrow(/truncated|a different format/);
    }
  }
});

describe('readHdf5, for a file with a single dataset', () => {
  const COUNT = 12_345;
  const BYTES = 4 * COUNT;
  const root = { ...EMPTY, arrays: { kernel: { shape: [COUNT], data: new Float32Array(COUNT).fill(1) } } };
  /** Returns every offset at which eight bytes contain `number`. */
  const findOffsets = (file: Uint8Array, number: number) => {
    const view = new DataView(file.buffer);
    return Array.from({ length: file.length - 8 }, (_, at) => at).filter(
      (at) => view.getBigUint64(at, true) === BigInt(number),
    );
  };

  test.each([2 ** 20, 2 ** 40, 2 ** 52, 2 ** 60])(
    'rejects a header with the incorrect value count %d',
    async (size) => {
      const file = writeHdf5(root);
      const view = new DataView(file.buffer);
      for (const at of findOffsets(file, COUNT)) view.setBigUint64(at, BigInt(size), true);
      expect((await catchError(() => readHdf5(file, 'large.h5'))).received).toMatch(/at \/kernel$/);
      // The same incorrect count, with a layout message that agrees with it.
      for (const at of findOffsets(file, BYTES)) view.setBigUint64(at, BigInt(4 * size), true);
      expect((await catchError(() => readHdf5(file, 'large.h5'))).received).toMatch(/at \/kernel$/);
    },
  );

  test.each([
    [2, 'chunks without an index'],
    [3, 'a virtual dataset'],
  ])('rejects a header with the incorrect layout class %i: %s', async (layout) => {
    const file = writeHdf5(root);
    for (const at of findOffsets(file, BYTES)) file[at - 9] = layout;
    expect((await catchError(() => readHdf5(file, 'layout.h5'))).received).toMatch(/at \/kernel$/);
  });

  test('accepts a dataset of zeros that gzip compressed by a factor of more than 100', async () => {
    const bytes = await writeWithLibrary((file) =>
      file.create_dataset({
        name: 'zeros',
        data: new Float32Array(2 ** 20),
        chunks: [2 ** 16],
        compression: 'gzip',
      }),
    );
    expect(bytes.length).toBeLessThan(2 ** 15);
    const { data } = readHdf5(bytes, 'zeros.h5').arrays.zeros!;
    expect([data.length, Array.from(data, Number).every((value) => value === 0)]).toEqual([2 ** 20, true]);
  });
});

/** Writes a file with the C library. */
async function writeWithLibrary(build: (file: h5wasm.File) => unknown): Promise<Uint8Array> {
  const { FS } = await h5wasm.ready;
  const file = new h5wasm.File('/bad.h5', 'w');
  build(file);
  file.close();
  const bytes = FS!.readFile('/bad.h5');
  FS!.unlink('/bad.h5');
  return bytes;
}

describe('readHdf5', () => {
  test.each<[string, (file: h5wasm.File) => unknown, RegExp]>([
    [
      'a hard link to the group itself',
      (file) => file.create_hard_link('/a', 'a/again'),
      /a second reference to the same bytes at \/a\/again$/,
    ],
    [
      'a hard link to the root',
      (file) => file.create_hard_link('/', 'a/root'),
      /a second reference to the same bytes at \/a\/root$/,
    ],
    [
      'a hard link to a group that was read before',
      (file) => file.create_hard_link('/a', 'b'),
      /a second reference to the same bytes at \/b$/,
    ],
    [
      'a soft link',
      (file) => file.create_soft_link('/a', 'b'),
      /a soft (or external )?link, which is not supported/,
    ],
    [
      'a soft link to a parent group',
      (file) => file.create_soft_link('../../etc/passwd', 'b'),
      /a soft (or external )?link, which is not supported/,
    ],
    [
      'an external link to a file',
      (file) => file.create_external_link('/etc/passwd', '/', 'b'),
      /external link, which is not supported/,
    ],
  ])('rejects %s', async (_, build, received) => {
    const file = await writeWithLibrary((libraryFile) => {
      libraryFile.create_group('a');
      build(libraryFile);
    });
    const error = await catchError(() => readHdf5(file, 'links.h5'));
    expect(error).toMatchObject({
      kind: 'file',
      path: 'links.h5',
      received: expect.stringMatching(received),
    });
  });

  test('rejects groups that are nested more than 64 levels deep', async () => {
    let root = EMPTY;
    for (let depth = 0; depth < 70; depth++) root = { ...EMPTY, groups: { g: root } };
    const file = writeHdf5(root);
    expect((await catchError(() => readHdf5(file, 'deep.h5'))).received).toMatch(
      /^groups nested more than 64 levels deep/,
    );
  });
});

test('loadKeras rejects a compressed configuration with a declared size over 256 MiB before decompressing it', async () => {
  const file = zipSync({ 'config.json': new TextEncoder().encode('{}') });
  const view = new DataView(file.buffer);
  view.setUint32(view.getUint32(file.length - 6, true) + 24, 2 ** 28 + 1, true);
  const error = await catchError(() => loadKeras(file, { name: 'large.keras' }));
  expect(error).toMatchObject({ kind: 'file', path: 'large.keras: config.json' });
  expect(error.received).toBe('a JSON file that is too large (268435457 bytes)');
});

describe('readZip with an invalid archive', () => {
  const path = 'bad.keras';
  const HELLO = new TextEncoder().encode('hello');

  test.each(['../a', '/a', 'a/../../b', 'a//b', './a', 'C:/a', 'a\\b', '..\\a', 'a\0b'])(
    'rejects a member with the unsafe path %j',
    async (name) => {
      const error = await catchError(() => readZip(zipSync({ [name]: HELLO }), path));
      expect(error).toMatchObject({
        kind: 'file',
        path,
        received: expect.stringContaining('a path outside the archive'),
      });
    },
  );

  test('rejects two members that have the same name', async () => {
    const file = writeZip({ aa: HELLO, ab: HELLO });
    for (let at = 0; at < file.length - 1; at++)
      if (file[at] === 0x61 && file[at + 1] === 0x62) file[at + 1] = 0x61;
    expect((await catchError(() => readZip(file, path))).received).toBe('two members named "aa"');
  });

  /** Returns the offset of the central directory entry of the only member. */
  const entry = (file: Uint8Array) => new DataView(file.buffer).getUint32(file.length - 6, true);

  test('rejects a member that declares more bytes than its compressed data can contain', async () => {
    const file = zipSync({ a: new Uint8Array(10_000) });
    new DataView(file.buffer).setUint32(entry(file) + 24, 0x7fff_ffff, true);
    expect((await catchError(() => readZip(file, path))).received).toMatch(
      /more than \d+ compressed bytes can contain/,
    );
  });

  test('rejects a member that declares fewer bytes than its data contains', async () => {
    const file = zipSync({ a: new Uint8Array(2 ** 25) });
    new DataView(file.buffer).setUint32(entry(file) + 24, 10, true);
    expect((await catchError(() => readZip(file, path))).received).toMatch(
      /more than the declared size of 10 bytes/,
    );
  });

  test('rejects a small archive whose members declare a total size over 64 MiB before decompressing them', async () => {
    const file = zipSync({ a: new Uint8Array(2 ** 25), b: new Uint8Array(2 ** 25), c: HELLO });
    expect(Object.keys(readZip(file, path, (name) => name !== 'c'))).toEqual(['a', 'b']);
    expect((await catchError(() => readZip(file, path))).received).toMatch(
      /^a member "c" of \d+ bytes in an archive of \d+ bytes$/,
    );
  });

  test('rejects overlapping members, as in a zip bomb', async () => {
    const file = writeZip({ a: HELLO, b: HELLO });
    const view = new DataView(file.buffer);
    view.setUint32(entry(file) + 47 + 42, 0, true); // The second member starts at the offset of the first.
    expect((await catchError(() => readZip(file, path))).received).toMatch(
      /not at the offset stored in the central directory/,
    );
  });

  test('rejects an encrypted member and an unsupported compression method', async () => {
    const locked = writeZip({ a: HELLO });
    locked[entry(locked) + 8]! |= 1;
    expect((await catchError(() => readZip(locked, path))).received).toMatch(/encrypted/);
    const packed = writeZip({ a: HELLO });
    packed[entry(packed) + 10] = 14;
    expect((await catchError(() => readZip(packed, path))).received).toMatch(/compression method 14/);
  });
});
