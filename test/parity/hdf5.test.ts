import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Hdf5Group, readNameList } from '../../src/formats/hdf5/hdf5Group.js';
import { readHdf5 } from '../../src/formats/hdf5/read/readHdf5.js';
import { fixture } from './fixture.js';

/** Group in the format that `keras/make_hdf5.py` writes. Every number is text. */
interface Plain {
  readonly attributes: Hdf5Group['attributes'];
  readonly groups: { readonly [name: string]: Plain };
  readonly arrays: { readonly [name: string]: { readonly shape: number[]; readonly data: string[] } };
}

const parseNumber = (text: string) =>
  ({ True: 1, False: 0, inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY })[text] ??
  Number(text);

const sortByKey = <T>(record: { readonly [name: string]: T }) =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Returns a group with plain numbers, so that the types of its arrays do not matter. */
function toPlain(group: Hdf5Group | Plain): unknown {
  const arrays = Object.entries(group.arrays).map(([name, { shape, data }]) => [
    name,
    {
      shape,
      data: Array.from<unknown, number>(data as ArrayLike<unknown>, (value) =>
        typeof value === 'string' ? parseNumber(value) : Number(value),
      ),
    },
  ]);
  const groups = Object.entries(group.groups).map(([name, inner]) => [name, toPlain(inner)]);
  return {
    attributes: sortByKey(group.attributes),
    groups: sortByKey(Object.fromEntries(groups)),
    arrays: sortByKey(Object.fromEntries(arrays)),
  };
}

const readFixture = (name: string) =>
  readHdf5(new Uint8Array(readFileSync(new URL(`./fixtures/${name}.h5`, import.meta.url))), name);

test.each([
  ['the default layout of h5py', 'hdf5_old'],
  ['the layout of HDF5 2', 'hdf5_new'],
])('readHdf5 reads the same content as h5py from a file that h5py wrote in %s', (_, name) => {
  expect(toPlain(readFixture(name))).toEqual(toPlain(fixture<Plain>('hdf5')));
});

test('readHdf5 accepts a Node.js Buffer, and returns arrays that do not share memory with it', () => {
  const bytes = readFileSync(new URL('./fixtures/hdf5_old.h5', import.meta.url));
  const root = readHdf5(bytes, 'buffer.h5');
  bytes.fill(0);
  expect(root).toEqual(readFixture('hdf5_old'));
});

test('readHdf5 returns the matching typed array for each HDF5 datatype, and a Float32Array for float16', () => {
  const { arrays } = readFixture('hdf5_old').groups.kinds!;
  const kinds = Object.fromEntries(
    Object.entries(arrays).map(([name, { data }]) => [name, data.constructor.name]),
  );
  expect(kinds).toEqual({
    little_f2: 'Float32Array',
    halves: 'Float32Array',
    little_f4: 'Float32Array',
    big_f4: 'Float32Array',
    little_f8: 'Float64Array',
    b1: 'Int8Array',
    i1: 'Int8Array',
    little_i2: 'Int16Array',
    little_i4: 'Int32Array',
    little_i8: 'BigInt64Array',
    big_i8: 'BigInt64Array',
    u1: 'Uint8Array',
    little_u2: 'Uint16Array',
    little_u4: 'Uint32Array',
    little_u8: 'BigUint64Array',
  });
});

test('readNameList joins a list of names that Keras split into several attributes, and returns no names for an empty float attribute', () => {
  const root = readFixture('hdf5_old');
  expect(readNameList(root, 'layer_names')).toEqual(Array.from({ length: 20 }, (_, i) => `layer_${i}`));
  expect(readNameList(root, 'no_names')).toEqual([]);
  expect(readNameList(root, 'not there')).toEqual([]);
});
