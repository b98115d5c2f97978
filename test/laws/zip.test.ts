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

test('what is written is read back, and the same members give the same bytes', () => {
  fc.assert(
    fc.property(members, (given) => {
      const file = writeZip(given);
      expect(readZip(file, 'law.zip')).toEqual(given);
      expect(writeZip(given)).toEqual(file);
    }),
  );
});

test('deflate is unpacked, and only the members wanted are there', () => {
  fc.assert(
    fc.property(members, fc.integer({ min: 1, max: 9 }), (given, level) => {
      const file = zipSync(given, { level: level as 1 });
      expect(readZip(file, 'law.zip')).toEqual(given);
      const [first] = Object.keys(given);
      expect(Object.keys(readZip(file, 'law.zip', (key) => key === first))).toEqual(
        first === undefined ? [] : [first],
      );
    }),
  );
});

test('a member that is stored is a view of the file, not a copy', () => {
  const file = writeZip({ 'model.weights.h5': new Uint8Array(1000).fill(7) });
  expect(readZip(file, 'm.keras')['model.weights.h5']!.buffer).toBe(file.buffer);
});

test('a bit that has changed in a member is found by its checksum', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 100 }),
      fc.nat(),
      fc.nat({ max: 7 }),
      (bytes, place, bit) => {
        const file = writeZip({ a: bytes });
        file[31 + (place % bytes.length)]! ^= 1 << bit; // after the header of 30 bytes and the name
        expect(() => readZip(file, 'law.zip')).toThrow(/checksum/);
      },
    ),
  );
});
