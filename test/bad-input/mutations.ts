import fc from 'fast-check';

/** A change to a file's bytes, as an accident or an attacker makes it. */
export type Mutation = (file: Uint8Array) => Uint8Array;

const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** A place that holds something: most of an HDF5 file is zeros that nobody reads. */
function placeIn(file: Uint8Array, at: number): number {
  const start = Math.floor(at * file.length);
  const found = file.subarray(start).findIndex((byte) => byte !== 0);
  return start + Math.max(0, found);
}

const cut = share.map(
  (at): Mutation =>
    (file) =>
      file.slice(0, Math.floor(at * file.length)),
);

/** Bytes changed, at places of which most hold something. */
const bytes = fc.array(fc.tuple(share, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 }).map(
  (changes): Mutation =>
    (file) => {
      const changed = file.slice();
      for (const [at, byte] of changes) changed[placeIn(file, at)] = byte;
      return changed;
    },
);

/** A number blown up: sizes, counts and addresses are of four or eight bytes, and begin at a multiple. */
const blown = fc
  .array(fc.tuple(share, fc.constantFrom(4, 8), fc.constantFrom(0xff, 0x7f, 0x01, 0x00)), {
    minLength: 1,
    maxLength: 3,
  })
  .map(
    (changes): Mutation =>
      (file) => {
        const changed = file.slice();
        for (const [at, width, byte] of changes) {
          const place = Math.floor(placeIn(file, at) / width) * width;
          changed.fill(byte, place, place + width);
        }
        return changed;
      },
  );

/** What stands in one place is put in another too: an address of eight bytes makes a loop, a longer piece a second header. */
const copied = fc
  .array(fc.tuple(share, share, fc.constantFrom(8, 8, 16, 100, 600)), { minLength: 1, maxLength: 3 })
  .map(
    (changes): Mutation =>
      (file) => {
        const changed = file.slice();
        for (const [from, to, size] of changes) {
          const [source, target] = [from, to].map((at) => Math.floor(placeIn(file, at) / 8) * 8);
          changed.copyWithin(target!, source!, source! + size);
        }
        return changed;
      },
  );

/** Any of them. */
export const mutation: fc.Arbitrary<Mutation> = fc.oneof(cut, bytes, blown, copied);
