import fc from 'fast-check';
import * as h5wasm from 'h5wasm';
import { describe, expect, test } from 'vitest';
import { type Hdf5Dataset, type Hdf5Group, readNameList } from '../../src/formats/hdf5/hdf5Group.js';
import { readHdf5 } from '../../src/formats/hdf5/read/readHdf5.js';
import { writeHdf5 } from '../../src/formats/hdf5/write/writeHdf5.js';

const EMPTY: Hdf5Group = { attributes: {}, groups: {}, arrays: {} };

const name = fc
  .string({ unit: fc.constantFrom(...'abcXYZ019_:. äß'), minLength: 1, maxLength: 12 })
  .filter((text) => text !== '.' && text !== '..');
/** Text without zero characters: text in an HDF5 file ends at the first zero. */
const text = fc.string({ unit: 'binary', maxLength: 30 }).map((value) => value.replaceAll('\0', ''));
const value = fc.oneof(
  text,
  fc.array(text, { maxLength: 8 }),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true }).map((number) => number + 0), // Integers are stored as integers, which have no -0.
  fc.array(fc.maxSafeInteger(), { maxLength: 8 }),
);
const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
const array = shape.chain((sides) => {
  const size = sides.reduce((product, side) => product * side, 1);
  const exactly = { minLength: size, maxLength: size };
  return fc
    .oneof(
      fc.float32Array(exactly),
      fc.float64Array(exactly),
      fc.int32Array(exactly),
      fc.uint8Array(exactly),
      fc.bigInt64Array(exactly),
    )
    .map((data) => ({ shape: sides, data }));
});
const group = (depth: number): fc.Arbitrary<Hdf5Group> =>
  fc
    .record<Hdf5Group>({
      attributes: fc.dictionary(name, value, { maxKeys: 5, noNullPrototype: true }),
      groups:
        depth === 0
          ? fc.constant<{ [name: string]: Hdf5Group }>({})
          : fc.dictionary(name, group(depth - 1), { maxKeys: 4, noNullPrototype: true }),
      arrays: fc.dictionary(name, array, { maxKeys: 4, noNullPrototype: true }),
    })
    .map(({ groups, ...rest }) => ({
      ...rest,
      groups: Object.fromEntries(Object.entries(groups).filter(([key]) => !Object.hasOwn(rest.arrays, key))),
    }));

test('readHdf5 returns the groups that writeHdf5 wrote, and writing the same groups twice produces identical bytes', () => {
  fc.assert(
    fc.property(group(2), (root) => {
      const file = writeHdf5(root);
      expect(readHdf5(file, 'law.h5')).toEqual(root);
      expect(writeHdf5(root)).toEqual(file);
    }),
    { numRuns: 100 },
  );
});

/** Reads a file with the C library. */
async function readWithLibrary(bytes: Uint8Array): Promise<Hdf5Group> {
  const { FS } = await h5wasm.ready;
  FS!.writeFile('/ours.h5', bytes);
  const file = new h5wasm.File('/ours.h5', 'r');
  try {
    return toGroup(file);
  } finally {
    file.close();
    FS!.unlink('/ours.h5');
  }
}

function toGroup(group: h5wasm.Group): Hdf5Group {
  const groups: [string, Hdf5Group][] = [];
  const arrays: [string, Hdf5Dataset][] = [];
  for (const key of group.keys()) {
    const member = group.get(key);
    if (member instanceof h5wasm.Group) groups.push([key, toGroup(member)]);
    else arrays.push([key, toDataset(member as h5wasm.Dataset)]);
  }
  const attributes = Object.entries(group.attrs).map(([key, { shape, dtype, value }]) => {
    if (shape!.length === 1 && shape![0] === 0) return [key, []];
    const list = (shape!.length === 0 ? [value] : Array.from(value as ArrayLike<unknown>)) as unknown[];
    if (!list.every((entry) => typeof entry === 'string')) expect(['<q', '<d']).toContain(dtype);
    const values = list.map((entry) => (typeof entry === 'string' ? entry : Number(entry)));
    return [key, shape!.length === 0 ? values[0] : values];
  });
  return {
    attributes: Object.fromEntries(attributes),
    groups: Object.fromEntries(groups),
    arrays: Object.fromEntries(arrays),
  };
}

const TYPED_ARRAYS = {
  '<f': Float32Array,
  '<d': Float64Array,
  '<i': Int32Array,
  '<B': Uint8Array,
  '<q': BigInt64Array,
} as const;

function toDataset({ shape, dtype, value }: h5wasm.Dataset): Hdf5Dataset {
  const List = TYPED_ARRAYS[dtype as keyof typeof TYPED_ARRAYS] as Float32ArrayConstructor;
  const values = shape!.length === 0 ? [value] : Array.from(value as ArrayLike<unknown>);
  return { shape: shape!, data: List.from(values as never) as Hdf5Dataset['data'] };
}

test('the HDF5 C library reads the files that writeHdf5 writes', async () => {
  await fc.assert(
    fc.asyncProperty(group(2), async (root) => {
      expect(await readWithLibrary(writeHdf5(root))).toEqual(root);
    }),
    { numRuns: 100 },
  );
});

describe('writeHdf5', () => {
  const numbers = (...values: number[]) => ({ shape: [values.length], data: Float32Array.from(values) });
  const many = (count: number) => Array.from({ length: count }, (_, i) => `m${i}`);
  let deep = { ...EMPTY, arrays: { last: numbers(1) } } as Hdf5Group;
  for (let depth = 0; depth < 60; depth++) deep = { ...EMPTY, groups: { [`g${depth}`]: deep } };

  test.each<[string, Hdf5Group]>([
    ['an empty file', EMPTY],
    // A symbol node holds 8 members, and a tree node holds 32 symbol nodes: test full nodes, and one more member.
    ...[8, 9, 256, 257, 3000].map((count): [string, Hdf5Group] => [
      `${count} groups`,
      {
        ...EMPTY,
        groups: Object.fromEntries(many(count).map((key, i) => [key, { ...EMPTY, attributes: { i } }])),
      },
    ]),
    [
      '9,000 datasets',
      { ...EMPTY, arrays: Object.fromEntries(many(9000).map((key, i) => [key, numbers(i)])) },
    ],
    ['2,000 attributes', { ...EMPTY, attributes: Object.fromEntries(many(2000).map((key) => [key, key])) }],
    ['text of 100 kB and 2 MB', { ...EMPTY, attributes: { a: 'a'.repeat(1e5), b: 'ä'.repeat(1e6), c: 'c' } }],
    // A heap collection has 4,096 bytes, including 32 bytes of headers. The text fits exactly, or leaves less than a
    // header of 16 bytes.
    ...[4048, 4049, 4056, 4064, 4065].map((size): [string, Hdf5Group] => [
      `text of ${size} bytes and other text`,
      { ...EMPTY, attributes: { a: 'x'.repeat(size), b: 'b', c: ['c', ''] } },
    ]),
    ['60 nested groups', deep],
    [
      'a scalar and an empty list',
      { ...EMPTY, arrays: { a: { shape: [], data: Int32Array.of(-1) }, b: numbers() } },
    ],
    [
      'a shape with a dimension of size 0',
      { ...EMPTY, arrays: { a: { shape: [3, 0, 2], data: new Uint8Array() } } },
    ],
    [
      'extreme numbers',
      {
        ...EMPTY,
        attributes: { most: [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER], least: 5e-324 },
        arrays: {
          whole: { shape: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) },
          float: numbers(Infinity, -Infinity, NaN, -0, 1e-45),
        },
      },
    ],
    // Sorting by UTF-16 code units would reverse these two names.
    [
      'names sorted by their UTF-8 bytes',
      { ...EMPTY, groups: { '\u{1f600}': EMPTY, '\uff5e': EMPTY, a: EMPTY } },
    ],
  ])('writes %s so that readHdf5 and the HDF5 C library read the same content', async (_, root) => {
    const file = writeHdf5(root);
    expect(readHdf5(file, 'law.h5')).toEqual(root);
    expect(await readWithLibrary(file)).toEqual(root);
  });

  test('writes only the part of a larger buffer that a typed array covers', async () => {
    const whole = Float32Array.of(1, 2, 3, 4, 5);
    const root = { ...EMPTY, arrays: { a: { shape: [2], data: whole.subarray(1, 3) } } };
    expect((await readWithLibrary(writeHdf5(root))).arrays.a!.data).toEqual(Float32Array.of(2, 3));
  });
});

test('the HDF5 C library finds members by name in a file with 3,000 groups from writeHdf5, and can add members to the file', async () => {
  const memberNames = Array.from({ length: 3000 }, (_, i) => `layer_${i}`);
  const { FS } = await h5wasm.ready;
  FS!.writeFile(
    '/ours.h5',
    writeHdf5({ ...EMPTY, groups: Object.fromEntries(memberNames.map((key) => [key, EMPTY])) }),
  );
  const file = new h5wasm.File('/ours.h5', 'a');
  expect(memberNames.every((key) => file.get(key) instanceof h5wasm.Group)).toBe(true);
  expect(file.get('layer_')).toBeNull();
  // The C library can also add members to a file that `writeHdf5` wrote.
  for (let i = 0; i < 300; i++) file.create_group(`added_${i}`);
  file.create_attribute('later', 'text');
  file.close();
  const root = readHdf5(FS!.readFile('/ours.h5'), 'added.h5');
  FS!.unlink('/ours.h5');
  expect([Object.keys(root.groups).length, root.attributes]).toEqual([3300, { later: 'text' }]);
});

test.each([
  [1654, 1],
  [1655, 2],
  [4000, 3],
])(
  'writeHdf5 splits a list of %i names with 39 letters each into %i attributes, which readNameList joins again',
  async (count, parts) => {
    const memberNames = Array.from({ length: count }, (_, i) => `layer_${i}_`.padEnd(39, 'x'));
    const file = writeHdf5({ ...EMPTY, attributes: { layer_names: memberNames } });
    const root = readHdf5(file, 'long.h5');
    expect(Object.keys(root.attributes)).toHaveLength(parts);
    expect(readNameList(root, 'layer_names')).toEqual(memberNames);
    expect(await readWithLibrary(file)).toEqual(root);
  },
);

describe('writeHdf5 with invalid content', () => {
  const one = { shape: [], data: Float32Array.of(1) };
  test.each<[string, Partial<Hdf5Group>, RegExp]>([
    ['an empty name', { groups: { '': EMPTY } }, /a group or dataset with the invalid name "" at \/$/],
    [
      'a path as a name',
      { arrays: { 'a/b': one } },
      /a group or dataset with the invalid name "a\/b" at \/$/,
    ],
    [
      'the name ".."',
      { groups: { a: { ...EMPTY, groups: { '..': EMPTY } } } },
      /the invalid name ".." at \/a$/,
    ],
    [
      'a zero character in a name',
      { arrays: { 'a\0b': one } },
      /a group or dataset with the invalid name "a\\u0000b" at \/$/,
    ],
    [
      'a group and a dataset with the same name',
      { groups: { a: EMPTY }, arrays: { a: one } },
      /a group and a dataset named "a"/,
    ],
    ['an attribute without a name', { attributes: { '': 1 } }, /an attribute with the invalid name ""/],
    ['a zero character in text', { attributes: { a: ['b', 'c\0d'] } }, /a NUL character in the value of "a"/],
    [
      '100 kB of numbers in an attribute',
      { attributes: { a: Array(12_500).fill(1) } },
      /"a" of 1000\d\d bytes/,
    ],
    ['text above 64 kB in a list', { attributes: { a: ['b', 'c'.repeat(70_000)] } }, /"a0" of 700\d\d bytes/],
    [
      'an attribute with the name of a segment of another split attribute',
      {
        attributes: { a0: 1, a: Array(2000).fill('b'.repeat(50)) },
      },
      /two attributes named "a0"/,
    ],
    [
      'a dataset whose size differs from its shape',
      { arrays: { a: { ...one, shape: [2] } } },
      /1 numbers for the shape \[2\] at \/a$/,
    ],
  ])('rejects %s', (_, root, received) => {
    expect(() => writeHdf5({ ...EMPTY, ...root })).toThrow(
      expect.objectContaining({ kind: 'file', path: 'HDF5', received: expect.stringMatching(received) }),
    );
  });
});

test('readHdf5 reads the files that the HDF5 C library writes', async () => {
  const { FS } = await h5wasm.ready;
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(name, { minLength: 1, maxLength: 80 }),
      fc.float32Array({ minLength: 1 }),
      async (memberNames, data) => {
        // Groups with symbol tables and compressed chunks, which `writeHdf5` does not write.
        const file = new h5wasm.File('/law.h5', 'w');
        for (const [i, key] of memberNames.entries()) {
          file.create_group(key).create_attribute('number', i);
        }
        file.create_dataset({
          name: `${memberNames[0]}/numbers`,
          data,
          shape: [data.length],
          chunks: [Math.min(3, data.length)],
          compression: 'gzip',
          compression_opts: [4],
        });
        file.close();
        const root = readHdf5(FS!.readFile('/law.h5'), 'law.h5');
        FS!.unlink('/law.h5');
        expect(Object.keys(root.groups).sort()).toEqual([...memberNames].sort());
        for (const [i, key] of memberNames.entries())
          expect(root.groups[key]!.attributes).toEqual({ number: i });
        expect(root.groups[memberNames[0]!]!.arrays.numbers).toEqual({ shape: [data.length], data });
      },
    ),
    { numRuns: 60 },
  );
});
