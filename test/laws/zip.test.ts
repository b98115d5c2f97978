import fc from 'fast-check';
import { zipSync } from 'fflate';
import { expect, test } from 'vitest';
import { readZip, writeZip } from '../../src/formats/zip/zip.js';

const name = fc
  .array(fc.string({ unit: fc.constantFrom(...'abc09_-. ä'), minLength: 1, maxLength: 8 }), {
    minLength: 1,
    maxLength: 3,
  })
  .filter((parts) => parts.every((part) => part !== '.' && part !== '..'))
  .map((parts) => parts.join('/'));
const members = fc.dictionary(name, fc.uint8Array({ maxLength: 300 }), { maxKeys: 6, noNullPrototype: true });

test('readZip returns the members that writeZip wrote, and writing the same members twice produces identical bytes', () => {
  fc.assert(
    fc.property(members, (archiveMembers) => {
      const file = writeZip(archiveMembers);
      expect(readZip(file, 'law.zip')).toEqual(archiveMembers);
      expect(writeZip(archiveMembers)).toEqual(file);
    }),
  );
});

test('readZip decompresses deflated members, and can return only selected members', () => {
  fc.assert(
    fc.property(members, fc.integer({ min: 1, max: 9 }), (archiveMembers, level) => {
      const file = zipSync(archiveMembers, { level: level as 1 });
      expect(readZip(file, 'law.zip')).toEqual(archiveMembers);
      const [first] = Object.keys(archiveMembers);
      expect(Object.keys(readZip(file, 'law.zip', (key) => key === first))).toEqual(
        first === undefined ? [] : [first],
      );
    }),
  );
});

test('readZip returns an uncompressed member as a view of the file, without copying it', () => {
  const file = writeZip({ 'model.weights.h5': new Uint8Array(1000).fill(7) });
  expect(readZip(file, 'm.keras')['model.weights.h5']!.buffer).toBe(file.buffer);
});

test('readZip detects a flipped bit in a member by its checksum', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 100 }),
      fc.nat(),
      fc.nat({ max: 7 }),
      (bytes, position, bit) => {
        const file = writeZip({ a: bytes });
        file[31 + (position % bytes.length)]! ^= 1 << bit; // The data starts after the header of 30 bytes and the name.
        expect(() => readZip(file, 'law.zip')).toThrow(/checksum/);
      },
    ),
  );
});
