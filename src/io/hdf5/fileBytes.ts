import { fault } from '../../core/errors.js';
import { LARGEST_UNPACKED } from '../inflate.js';

/** The address of something that is not there. */
export const NOWHERE = -1;

/** What is counted over a whole file. */
export type Budget = 'headers' | 'heaps' | 'texts' | 'numbers' | 'unpacked';

const ALL_ONES = 0xffff_ffff_ffff_ffffn;

/**
 * The bytes of one HDF5 file, and what is left of the bounds that hold for all of it together. Each part of a whole file
 * is used once, so that the sum of what is used is at most the file: a file that says otherwise makes the reader go in
 * circles, or takes the same bytes again and again to fill the memory.
 */
export class FileBytes {
  /** What is being read, for errors: `/conv1/kernel:0`. */
  place = '/';
  private readonly view: DataView;
  private readonly visited = new Set<number>();
  private readonly left: Record<Budget, number>;

  private readonly bytes: Uint8Array;

  constructor(
    given: Uint8Array,
    private readonly path: string,
  ) {
    // Never a Buffer of Node's: its slice() is a view, where every other array's is a copy.
    const bytes = new Uint8Array(given.buffer, given.byteOffset, given.length);
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const { length } = bytes;
    this.left = {
      headers: length,
      heaps: length,
      texts: length,
      numbers: length,
      unpacked: LARGEST_UNPACKED,
    };
  }

  get length(): number {
    return this.bytes.length;
  }

  /** A `file` fault that names the file and the place in it. */
  corrupt(received: string, cause?: unknown): Error {
    return fault({
      kind: 'file',
      path: this.path,
      expected: 'a whole HDF5 file, as Keras writes it',
      received: `${received} at ${this.place}`,
      advice: 'Save it anew with Keras, or download it again.',
      cause,
    });
  }

  byte(at: number): number {
    return this.view.getUint8(at);
  }

  short(at: number): number {
    return this.view.getUint16(at, true);
  }

  int(at: number): number {
    return this.view.getUint32(at, true);
  }

  /** A number of eight bytes, which counts something that is in the file, or claims to be. */
  long(at: number): number {
    const value = this.view.getBigUint64(at, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.corrupt(`the number ${value}`);
    return Number(value);
  }

  /** Where something stands, or {@link NOWHERE}. */
  address(at: number): number {
    return this.view.getBigUint64(at, true) === ALL_ONES ? NOWHERE : this.long(at);
  }

  /** A number of `size` bytes, up to six. */
  packed(at: number, size: number): number {
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + this.byte(at + i);
    return value;
  }

  /** A view of the bytes from `at` on. */
  part(at: number, size: number): Uint8Array {
    if (!(at >= 0 && size >= 0 && at + size <= this.length)) {
      throw this.corrupt(`${size} bytes from ${at} on, where the file has ${this.length},`);
    }
    return this.bytes.subarray(at, at + size);
  }

  text(at: number, size: number): string {
    return new TextDecoder().decode(this.part(at, size));
  }

  /** Checks that `signature` stands at `at`, and that nothing was read there before: then it is a loop. */
  enter(at: number, signature = ''): void {
    for (let i = 0; i < signature.length; i++) {
      if (at < 0 || this.byte(at + i) !== signature.charCodeAt(i)) {
        throw this.corrupt(`no "${signature}" where one should be`);
      }
    }
    if (this.visited.has(at)) throw this.corrupt('something that stands elsewhere too');
    this.visited.add(at);
  }

  /** Takes `bytes` from a budget: of as many bytes as the file has, or of what is unpacked at most. */
  spend(budget: Budget, bytes: number): void {
    this.left[budget] -= bytes;
    if (!(this.left[budget] >= 0)) throw this.corrupt(`${bytes} bytes, more than the file can hold,`);
  }
}
