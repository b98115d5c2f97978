import fc from 'fast-check';

/** Change to the bytes of a file, accidental or malicious. */
export type Mutation = (file: Uint8Array) => Uint8Array;

/** A position as a fraction of the file. fc.double() would be uniform over exponents, so most positions would be at the start of the file. */
export const share = fc.maxSafeNat().map((number) => number / 2 ** 53);

/**
 * Returns the offset of the next nonzero byte, because most of an HDF5 file consists of zeros that no reader
 * uses.
 */
function findUsedOffset(file: Uint8Array, at: number): number {
  const start = Math.floor(at * file.length);
  const found = file.subarray(start).findIndex((byte) => byte !== 0);
  return start + Math.max(0, found);
}

const truncation = share.map(
  (at): Mutation =>
    (file) =>
      file.slice(0, Math.floor(at * file.length)),
);

/** Changes single bytes, mostly where the file is not zero. */
const byteChanges = fc
  .array(fc.tuple(share, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 })
  .map(
    (changes): Mutation =>
      (file) => {
        const changed = file.slice();
        for (const [at, byte] of changes) changed[findUsedOffset(file, at)] = byte;
        return changed;
      },
  );

/** Overwrites numbers with large values. Sizes, counts and addresses have four or eight bytes and are aligned. */
const largeNumbers = fc
  .array(fc.tuple(share, fc.constantFrom(4, 8), fc.constantFrom(0xff, 0x7f, 0x01, 0x00)), {
    minLength: 1,
    maxLength: 3,
  })
  .map(
    (changes): Mutation =>
      (file) => {
        const changed = file.slice();
        for (const [at, width, byte] of changes) {
          const offset = Math.floor(findUsedOffset(file, at) / width) * width;
          changed.fill(byte, offset, offset + width);
        }
        return changed;
      },
  );

/**
 * Copies bytes to another position. A copied address (eight bytes) can create a loop, and a longer copy can create
 * a second header.
 */
const copies = fc
  .array(fc.tuple(share, share, fc.constantFrom(8, 8, 16, 100, 600)), { minLength: 1, maxLength: 3 })
  .map(
    (changes): Mutation =>
      (file) => {
        const changed = file.slice();
        for (const [from, to, size] of changes) {
          const [source, target] = [from, to].map((at) => Math.floor(findUsedOffset(file, at) / 8) * 8);
          changed.copyWithin(target!, source!, source! + size);
        }
        return changed;
      },
  );

/** Any of these mutations. */
export const mutation: fc.Arbitrary<Mutation> = fc.oneof(truncation, byteChanges, largeNumbers, copies);
