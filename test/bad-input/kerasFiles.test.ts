import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { zipSync } from 'fflate';
import * as h5wasm from 'h5wasm';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Hdf5Group } from '../../src/formats/hdf5/hdf5Group.js';
import { readHdf5 } from '../../src/formats/hdf5/read/readHdf5.js';
import { writeHdf5 } from '../../src/formats/hdf5/write/writeHdf5.js';
import { readZip, writeZip } from '../../src/formats/zip/zip.js';
import { loadKeras } from '../../src/index.js';
import { tf } from '../../src/tensor/tf.js';
import { loadWasmBackend } from '../../src/tensor/wasmBackend.js';
import { fixture as models } from '../parity/fixture.js';
import { faultOf } from './faultOf.js';
import { type Mutation, mutation } from './mutations.js';
import { spent } from './spent.js';

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../parity/fixtures/${name}.h5`, import.meta.url)));
const OLD = fixture('hdf5_old');
const NEW = fixture('hdf5_new');
const EMPTY: Hdf5Group = { attributes: {}, groups: {}, arrays: {} };

const bytesOf = ({ groups, arrays }: Hdf5Group): number =>
  Object.values(arrays).reduce((sum, { data }) => sum + data.byteLength, 0) +
  Object.values(groups).reduce((sum, inner) => sum + bytesOf(inner), 0);

const FORMATS = {
  'HDF5 in its first layout': [OLD, (file: Uint8Array) => readHdf5(file, 'bad.file')],
  'HDF5 as it is written here': [
    writeHdf5(readHdf5(OLD, 'old.h5')),
    (file: Uint8Array) => readHdf5(file, 'bad.file'),
  ],
  'HDF5 in the layout of HDF5 2': [NEW, (file: Uint8Array) => readHdf5(file, 'bad.file')],
  'HDF5 in a zip': [
    writeZip({ 'metadata.json': new Uint8Array(9), 'model.weights.h5': OLD }),
    (file: Uint8Array) => readHdf5(readZip(file, 'bad.file')['model.weights.h5'] ?? OLD, 'bad.file'),
  ],
  'HDF5 in a zip that is packed': [
    zipSync({ 'model.weights.h5': NEW }, { level: 1 }),
    (file: Uint8Array) => readHdf5(readZip(file, 'bad.file')['model.weights.h5'] ?? OLD, 'bad.file'),
  ],
} as const;

describe.each(Object.entries(FORMATS))('%s', (_, [file, read]) => {
  test('with changes is read, or refused by a fault that names the file; at once, and within its size', () => {
    const count = { read: 0, refused: 0 };
    fc.assert(
      fc.property(mutation, (mutate) => {
        const began = spent();
        try {
          // What is packed may be a thousand times as large; these files' is not, and no change makes it so.
          expect(bytesOf(read(mutate(file)))).toBeLessThan(2 * OLD.length);
          count.read++;
        } catch (error) {
          expect(error).toMatchObject({ name: 'MultitaskError', kind: 'file', path: 'bad.file' });
          expect((error as Error).message).toMatch(
            /^bad\.file: expected a whole .*, received .+\. Save it anew/s,
          );
          count.refused++;
        }
        // It takes some milliseconds; the C library stays for ever in some of them.
        expect(spent() - began).toBeLessThan(5000);
      }),
      { numRuns: 300 },
    );
    expect(count.refused).toBeGreaterThan(100);
  });
});

describe('a model with changes', () => {
  const { faces } = models<{ faces: { open: { files: { [kind: string]: string } } } }>('files');
  const unpacked = (kind: string) =>
    new Uint8Array(inflateSync(Buffer.from(faces.open.files[kind]!, 'base64')));
  const inside = (mutate: Mutation) => {
    const members = readZip(unpacked('keras'), 'face.keras');
    return writeZip({ ...members, 'model.weights.h5': mutate(members['model.weights.h5']!) });
  };
  const options = { name: 'face.file' };
  beforeAll(async () => {
    await loadWasmBackend();
  });

  test.each<[string, (mutate: Mutation) => Uint8Array]>([
    ['.keras', (mutate) => mutate(unpacked('keras'))],
    ['the weights in .keras, under a new checksum', inside],
    ['.h5 of Keras 3', (mutate) => mutate(unpacked('h5'))],
    ['.h5 of Keras 2', (mutate) => mutate(unpacked('keras2.h5'))],
  ])('in %s is read, or refused by a fault that names it, and leaves nothing behind', async (_, file) => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(mutation, async (mutate) => {
        const before = tf.memory().numTensors;
        const began = spent();
        try {
          (await loadKeras(file(mutate), options)).dispose();
        } catch (error) {
          expect(error).toMatchObject({ name: 'MultitaskError', kind: 'file' });
          expect((error as Error).message).toMatch(/^face\.file/);
          refused++;
        }
        expect(spent() - began).toBeLessThan(5000); // it takes about 20 ms
        expect(tf.memory().numTensors).toBe(before);
      }),
      { numRuns: 75 },
    );
    expect(refused).toBeGreaterThan(25); // about three in four are
  });
});

test('a file cut anywhere is refused: its head says how long it was', () => {
  for (const file of [OLD, NEW]) {
    for (let size = 0; size < file.length; size += 97) {
      expect(() => readHdf5(file.subarray(0, size), 'cut.h5')).toThrow(/cut short|another format/);
    }
  }
});

describe('a dataset that lies about its size', () => {
  const COUNT = 12_345;
  const BYTES = 4 * COUNT;
  const root = { ...EMPTY, arrays: { kernel: { shape: [COUNT], data: new Float32Array(COUNT).fill(1) } } };
  /** Every place where eight bytes hold `number`. */
  const placesOf = (file: Uint8Array, number: number) => {
    const view = new DataView(file.buffer);
    return Array.from({ length: file.length - 8 }, (_, at) => at).filter(
      (at) => view.getBigUint64(at, true) === BigInt(number),
    );
  };

  test.each([2 ** 20, 2 ** 40, 2 ** 52, 2 ** 60])(
    'is refused before %d values are allocated',
    async (size) => {
      const file = writeHdf5(root);
      const view = new DataView(file.buffer);
      for (const at of placesOf(file, COUNT)) view.setBigUint64(at, BigInt(size), true);
      expect((await faultOf(() => readHdf5(file, 'large.h5'))).received).toMatch(/at \/kernel$/);
      // and when the layout agrees with it
      for (const at of placesOf(file, BYTES)) view.setBigUint64(at, BigInt(4 * size), true);
      expect((await faultOf(() => readHdf5(file, 'large.h5'))).received).toMatch(/at \/kernel$/);
    },
  );

  test.each([
    [2, 'in parts, with no list of them'],
    [3, 'made of other datasets'],
  ])('or is of layout %i, %s', async (layout) => {
    const file = writeHdf5(root);
    for (const at of placesOf(file, BYTES)) file[at - 9] = layout;
    expect((await faultOf(() => readHdf5(file, 'layout.h5'))).received).toMatch(/at \/kernel$/);
  });

  test('and one of zeros, packed a thousand times, is read: that is what deflate does', async () => {
    const bytes = await withLibrary((file) =>
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

/** A file as the C library makes it. */
async function withLibrary(make: (file: h5wasm.File) => unknown): Promise<Uint8Array> {
  const { FS } = await h5wasm.ready;
  const file = new h5wasm.File('/bad.h5', 'w');
  make(file);
  file.close();
  const bytes = FS!.readFile('/bad.h5');
  FS!.unlink('/bad.h5');
  return bytes;
}

describe('a group that leads elsewhere', () => {
  test.each<[string, (file: h5wasm.File) => unknown, RegExp]>([
    ['to itself', (file) => file.create_hard_link('/a', 'a/again'), /stands elsewhere too at \/a\/again$/],
    ['to the root', (file) => file.create_hard_link('/', 'a/root'), /stands elsewhere too at \/a\/root$/],
    ['to one read before', (file) => file.create_hard_link('/a', 'b'), /stands elsewhere too at \/b$/],
    ['by a name', (file) => file.create_soft_link('/a', 'b'), /a link that leads by a name/],
    [
      'by a name that climbs',
      (file) => file.create_soft_link('../../etc/passwd', 'b'),
      /a link that leads by a name/,
    ],
    ['to another file', (file) => file.create_external_link('/etc/passwd', '/', 'b'), /to another file/],
  ])('%s is refused', async (_, make, received) => {
    const file = await withLibrary((made) => {
      made.create_group('a');
      make(made);
    });
    const error = await faultOf(() => readHdf5(file, 'links.h5'));
    expect(error).toMatchObject({
      kind: 'file',
      path: 'links.h5',
      received: expect.stringMatching(received),
    });
  });

  test('or too deep', async () => {
    let root = EMPTY;
    for (let depth = 0; depth < 70; depth++) root = { ...EMPTY, groups: { g: root } };
    const file = writeHdf5(root);
    expect((await faultOf(() => readHdf5(file, 'deep.h5'))).received).toMatch(/^groups more than 64 deep/);
  });
});

describe('a zip archive', () => {
  const path = 'bad.keras';
  const HELLO = new TextEncoder().encode('hello');

  test.each(['../a', '/a', 'a/../../b', 'a//b', './a', 'C:/a', 'a\\b', '..\\a', 'a\0b'])(
    'with a member named %j is refused',
    async (name) => {
      const error = await faultOf(() => readZip(zipSync({ [name]: HELLO }), path));
      expect(error).toMatchObject({
        kind: 'file',
        path,
        received: expect.stringContaining('leads out of its folder'),
      });
    },
  );

  test('with one name twice is refused', async () => {
    const file = writeZip({ aa: HELLO, ab: HELLO });
    for (let at = 0; at < file.length - 1; at++)
      if (file[at] === 0x61 && file[at + 1] === 0x62) file[at + 1] = 0x61;
    expect((await faultOf(() => readZip(file, path))).received).toBe('two members named "aa"');
  });

  /** The entry of the only member in the list at the end. */
  const entry = (file: Uint8Array) => new DataView(file.buffer).getUint32(file.length - 6, true);

  test('that claims what its bytes cannot hold is refused before it is allocated', async () => {
    const file = zipSync({ a: new Uint8Array(10_000) });
    new DataView(file.buffer).setUint32(entry(file) + 24, 0x7fff_ffff, true);
    expect((await faultOf(() => readZip(file, path))).received).toMatch(/more than \d+ packed ones can hold/);
  });

  test('that claims less than it holds is refused, and not unpacked to its end', async () => {
    const file = zipSync({ a: new Uint8Array(2 ** 25) });
    new DataView(file.buffer).setUint32(entry(file) + 24, 10, true);
    expect((await faultOf(() => readZip(file, path))).received).toMatch(
      /more than the 10 bytes that it claims/,
    );
  });

  test('whose members share their bytes is refused: so bombs are made', async () => {
    const file = writeZip({ a: HELLO, b: HELLO });
    const view = new DataView(file.buffer);
    view.setUint32(entry(file) + 47 + 42, 0, true); // the second member begins where the first does
    expect((await faultOf(() => readZip(file, path))).received).toMatch(/not where the list says/);
  });

  test('under a password, or packed in another way, is refused', async () => {
    const locked = writeZip({ a: HELLO });
    locked[entry(locked) + 8]! |= 1;
    expect((await faultOf(() => readZip(locked, path))).received).toMatch(/password/);
    const packed = writeZip({ a: HELLO });
    packed[entry(packed) + 10] = 14;
    expect((await faultOf(() => readZip(packed, path))).received).toMatch(/method 14/);
  });
});
