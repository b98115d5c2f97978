import fc from 'fast-check';
import * as h5wasm from 'h5wasm';
import { expect, test } from 'vitest';
import { type Hdf5Group, listAttribute, readHdf5, writeHdf5 } from '../../src/io/hdf5.js';
import { loadPackage } from '../../src/node/index.js';

const name = fc
  .string({ unit: fc.constantFrom(...'abcXYZ019_:. äß'), minLength: 1, maxLength: 12 })
  .filter((text) => text !== '.' && text !== '..');
/** Text in a file ends at a zero, so there is none within. */
const text = fc.string({ unit: 'binary', maxLength: 30 }).map((value) => value.replaceAll('\0', ''));
const value = fc.oneof(
  text,
  fc.array(text, { maxLength: 8 }),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true }).map((number) => number + 0), // a whole number is kept as one, and those have no -0
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

test('what is written is read back, and written twice gives the same bytes', async () => {
  await fc.assert(
    fc.asyncProperty(group(2), async (root) => {
      const file = await writeHdf5(root, loadPackage);
      expect(readHdf5(file, 'law.h5')).toEqual(root);
      expect(await writeHdf5(root, loadPackage)).toEqual(file);
    }),
    { numRuns: 40 },
  );
});

test('no time is kept: the same bytes a second later', async () => {
  const root = { attributes: {}, groups: {}, arrays: { a: { shape: [2], data: new Float32Array([1, 2]) } } };
  const file = await writeHdf5(root, loadPackage);
  await new Promise((resolve) => setTimeout(resolve, 1100)); // HDF5 counts whole seconds
  expect(await writeHdf5(root, loadPackage)).toEqual(file);
});

test.each([
  [1654, 1],
  [1655, 2],
  [4000, 3],
])('a list of %i names of 39 letters has %i parts, none longer than a header takes', async (count, parts) => {
  const names = Array.from({ length: count }, (_, i) => `layer_${i}_`.padEnd(39, 'x'));
  const file = await writeHdf5({ attributes: { layer_names: names }, groups: {}, arrays: {} }, loadPackage);
  const root = readHdf5(file, 'long.h5');
  expect(Object.keys(root.attributes)).toHaveLength(parts);
  expect(listAttribute(root, 'layer_names')).toEqual(names);
});

test('a name that HDF5 cannot have is an error, and the next file is written as if nothing had been', async () => {
  const empty = { attributes: {}, groups: {}, arrays: {} };
  await expect(writeHdf5({ ...empty, groups: { '': empty } }, loadPackage)).rejects.toMatchObject({
    kind: 'file',
  });
  expect(readHdf5(await writeHdf5(empty, loadPackage), 'empty.h5')).toEqual(empty);
});

test('the C library reads what is read here', async () => {
  const { FS } = await h5wasm.ready;
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(name, { minLength: 1, maxLength: 80 }),
      fc.float32Array({ minLength: 1 }),
      async (names, data) => {
        // Written by the C library in its own layout, which is another one than that of `writeHdf5`.
        const file = new h5wasm.File('/law.h5', 'w');
        for (const [i, key] of names.entries()) {
          file.create_group(key).create_attribute('number', i);
        }
        file.create_dataset({
          name: `${names[0]}/numbers`,
          data,
          shape: [data.length],
          chunks: [Math.min(3, data.length)],
          compression: 'gzip',
          compression_opts: [4],
        });
        file.close();
        const root = readHdf5(FS!.readFile('/law.h5'), 'law.h5');
        FS!.unlink('/law.h5');
        expect(Object.keys(root.groups).sort()).toEqual([...names].sort());
        for (const [i, key] of names.entries()) expect(root.groups[key]!.attributes).toEqual({ number: i });
        expect(root.groups[names[0]!]!.arrays.numbers).toEqual({ shape: [data.length], data });
      },
    ),
    { numRuns: 60 },
  );
});
