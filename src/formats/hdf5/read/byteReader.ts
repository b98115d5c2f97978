import { createError } from '../../../core/errors/errors.js';
import { getInflateLimit } from '../../zip/inflate.js';

/** Value that represents HDF5's undefined address, which means that the referenced object does not exist. */
export const UNDEFINED_ADDRESS = -1;

/** Kind of data in an HDF5 file. While a file is read, the total size of each kind of data is limited. */
export type ReadBudget = 'headers' | 'heaps' | 'texts' | 'numbers' | 'unpacked';

const ALL_ONES = 0xffff_ffff_ffff_ffffn;

/**
 * Reader for the bytes of one HDF5 file. It enforces limits that apply to the file as a whole.
 *
 * Each byte range of a valid file is referenced only once, so all ranges together are no larger than the file.
 * A file that breaks this rule could make a reader loop forever, or read the same bytes repeatedly until memory
 * is full.
 */
export class ByteReader {
  /** HDF5 path of the object that is being read, for errors, for example `/conv1/kernel:0`. */
  objectPath = '/';
  private readonly view: DataView;
  private readonly visitedOffsets = new Set<number>();
  private readonly remainingBudget: Record<ReadBudget, number>;

  private readonly bytes: Uint8Array;

  constructor(
    source: Uint8Array,
    private readonly path: string,
  ) {
    // Never a Node.js Buffer: Buffer.slice() returns a view, but slice() of any other typed array returns a copy.
    const bytes = new Uint8Array(source.buffer, source.byteOffset, source.length);
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const { length } = bytes;
    this.remainingBudget = {
      headers: length,
      heaps: length,
      texts: length,
      numbers: length,
      unpacked: getInflateLimit(length),
    };
  }

  get length(): number {
    return this.bytes.length;
  }

  /** Creates a `file` error with the file's path and the HDF5 path of the object that is being read. */
  createCorruptFileError(received: string, cause?: unknown): Error {
    return createError({
      kind: 'file',
      path: this.path,
      expected: 'a complete HDF5 file written by Keras',
      received: `${received} at ${this.objectPath}`,
      advice: 'Save the file again with Keras, or download it again.',
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

  /** Reads an unsigned 8-byte integer: a size, a count or an address in the file. */
  uint64(at: number): number {
    const value = this.view.getBigUint64(at, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw this.createCorruptFileError(`the integer ${value}, which is too large,`);
    return Number(value);
  }

  /** Reads a file address, or returns {@link UNDEFINED_ADDRESS} if the address is undefined. */
  address(at: number): number {
    return this.view.getBigUint64(at, true) === ALL_ONES ? UNDEFINED_ADDRESS : this.uint64(at);
  }

  /**
   * Reads an unsigned integer of `size` bytes. The maximum size is six bytes, so that a JavaScript number represents the integer exactly.
   */
  uintOfSize(at: number, size: number): number {
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + this.uint8(at + i);
    return value;
  }

  /** Returns a view of `size` bytes, starting at offset `at`. */
  subarray(at: number, size: number): Uint8Array {
    if (!(at >= 0 && size >= 0 && at + size <= this.length)) {
      throw this.createCorruptFileError(
        `a reference to ${size} bytes at offset ${at} of a file of ${this.length} bytes`,
      );
    }
    return this.bytes.subarray(at, at + size);
  }

  text(at: number, size: number): string {
    return new TextDecoder().decode(this.subarray(at, size));
  }

  /**
   * Checks that `signature` is at offset `at`, and that this offset has not been visited before: a second
   * visit means that the file contains a loop.
   */
  visit(at: number, signature = ''): void {
    for (let i = 0; i < signature.length; i++) {
      if (at < 0 || this.uint8(at + i) !== signature.charCodeAt(i)) {
        throw this.createCorruptFileError(`data without the signature "${signature}"`);
      }
    }
    if (this.visitedOffsets.has(at))
      throw this.createCorruptFileError('a second reference to the same bytes');
    this.visitedOffsets.add(at);
  }

  /**
   * Subtracts `bytes` from a budget, and throws a `file` error if the budget is exceeded. Each budget starts at the size of the file, or at
   * the limit for uncompressed data.
   */
  spend(budget: ReadBudget, bytes: number): void {
    this.remainingBudget[budget] -= bytes;
    if (!(this.remainingBudget[budget] >= 0))
      throw this.createCorruptFileError(`a declared size of ${bytes} bytes, more than the file contains,`);
  }
}
