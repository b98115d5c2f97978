import { createError } from '../../../core/errors/errors.js';
import { MAX_INFLATED_BYTES } from '../../zip/inflate.js';

/** The address of something that is not there. */
export const UNDEFINED_ADDRESS = -1;

/** What is counted over a whole file. */
export type ReadBudget = 'headers' | 'heaps' | 'texts' | 'numbers' | 'unpacked';

const ALL_ONES = 0xffff_ffff_ffff_ffffn;

/**
 * The bytes of one HDF5 file, and what is left of the bounds that hold for all of it together. Each part of a whole file
 * is used once, so that the sum of what is used is at most the file: a file that says otherwise makes the reader go in
 * circles, or takes the same bytes again and again to fill the memory.
 */
export class ByteReader {
  /** What is being read, for errors: `/conv1/kernel:0`. */
  objectPath = '/';
  private readonly view: DataView;
  private readonly visitedOffsets = new Set<number>();
  private readonly remainingBudget: Record<ReadBudget, number>;

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
    this.remainingBudget = {
      headers: length,
      heaps: length,
      texts: length,
      numbers: length,
      unpacked: MAX_INFLATED_BYTES,
    };
  }

  get length(): number {
    return this.bytes.length;
  }

  /** A `file` fault that names the file and the place in it. */
  createCorruptFileError(received: string, cause?: unknown): Error {
    return createError({
      kind: 'file',
      path: this.path,
      expected: 'a whole HDF5 file, as Keras writes it',
      received: `${received} at ${this.objectPath}`,
      advice: 'Save it anew with Keras, or download it again.',
      cause,
    });
  }

  uint8(at: number): number {
    return this.view.getUint8(at);
  }

  uint16(at: number): number {
    return this.view.getUint16(at, true);
  }

  uint32(at: number): number {
    return this.view.getUint32(at, true);
  }

  /** A number of eight bytes, which counts something that is in the file, or claims to be. */
  uint64(at: number): number {
    const value = this.view.getBigUint64(at, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.createCorruptFileError(`the number ${value}`);
    return Number(value);
  }

  /** Where something stands, or {@link UNDEFINED_ADDRESS}. */
  address(at: number): number {
    return this.view.getBigUint64(at, true) === ALL_ONES ? UNDEFINED_ADDRESS : this.uint64(at);
  }

  /** A number of `size` bytes, up to six. */
  uintOfSize(at: number, size: number): number {
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + this.uint8(at + i);
    return value;
  }

  /** A view of the bytes from `at` on. */
  subarray(at: number, size: number): Uint8Array {
    if (!(at >= 0 && size >= 0 && at + size <= this.length)) {
      throw this.createCorruptFileError(`${size} bytes from ${at} on, where the file has ${this.length},`);
    }
    return this.bytes.subarray(at, at + size);
  }

  text(at: number, size: number): string {
    return new TextDecoder().decode(this.subarray(at, size));
  }

  /** Checks that `signature` stands at `at`, and that nothing was read there before: then it is a loop. */
  visit(at: number, signature = ''): void {
    for (let i = 0; i < signature.length; i++) {
      if (at < 0 || this.uint8(at + i) !== signature.charCodeAt(i)) {
        throw this.createCorruptFileError(`no "${signature}" where one should be`);
      }
    }
    if (this.visitedOffsets.has(at)) throw this.createCorruptFileError('something that stands elsewhere too');
    this.visitedOffsets.add(at);
  }

  /** Takes `bytes` from a budget: of as many bytes as the file has, or of what is unpacked at most. */
  spend(budget: ReadBudget, bytes: number): void {
    this.remainingBudget[budget] -= bytes;
    if (!(this.remainingBudget[budget] >= 0))
      throw this.createCorruptFileError(`${bytes} bytes, more than the file can hold,`);
  }
}
