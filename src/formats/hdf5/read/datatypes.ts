import { countElements } from '../../../core/arrays.js';
import type { Hdf5TypedArray } from '../hdf5Group.js';
import type { ByteReader } from './byteReader.js';

/** Type of the values of a dataset or an attribute. */
export type Datatype =
  | { readonly kind: 'text'; readonly size: number; readonly isSpacePadded: boolean }
  /**
   * Text of variable length. The text itself is stored in a heap, and each element of the dataset or attribute is a reference to its text.
   */
  | { readonly kind: 'reference'; readonly size: 16 }
  | {
      readonly kind: 'integer' | 'float' | 'bfloat';
      readonly size: number;
      readonly isSigned: boolean;
      readonly isBigEndian: boolean;
    };

/** Supported floating-point types, keyed by size in bytes, exponent bits, fraction bits and exponent bias. */
const FLOAT_LAYOUTS: { readonly [layout: string]: 'float' | 'bfloat' } = {
  '2 5 10 15': 'float',
  '2 8 7 127': 'bfloat',
  '4 8 23 127': 'float',
  '8 11 52 1023': 'float',
};

/** Reads a datatype message (HDF5 file format 3.0, section IV.A.2.d). */
export function readDatatype(file: ByteReader, at: number): Datatype {
  const kind = file.uint8(at) & 15;
  const bits = file.uint8(at + 1);
  const size = file.uint32(at + 4);
  if (kind === 3 && size > 0) return { kind: 'text', size, isSpacePadded: (bits & 15) === 2 };
  if (kind === 9 && (bits & 15) === 1 && size === 16) return { kind: 'reference', size };
  // An enumeration, which h5py uses for booleans. The type of its values follows the type header.
  if (kind === 8) return readDatatype(file, at + 8);
  if (kind === 0 && [1, 2, 4, 8].includes(size) && file.uint16(at + 10) === 8 * size) {
    return { kind: 'integer', size, isSigned: (bits & 8) !== 0, isBigEndian: (bits & 1) !== 0 };
  }
  if (kind === 1 && (bits & 0x40) === 0) {
    const layout = [size, file.uint8(at + 13), file.uint8(at + 15), file.uint32(at + 16)].join(' ');
    const float = FLOAT_LAYOUTS[layout];
    if (float) return { kind: float, size, isSigned: true, isBigEndian: (bits & 1) !== 0 };
  }
  throw file.createCorruptFileError(`values of an unsupported type (class ${kind}, ${size} bytes)`);
}

/** Reads a dataspace message. Returns the shape, or undefined for a null dataspace, which has no values. */
export function readDataspace(file: ByteReader, at: number): readonly number[] | undefined {
  const version = file.uint8(at);
  const rank = file.uint8(at + 1);
  if (version !== 1 && version !== 2)
    throw file.createCorruptFileError(`a dataspace with the unsupported version ${version}`);
  if (rank > 32) throw file.createCorruptFileError(`a shape with ${rank} dimensions`);
  if (version === 2 && file.uint8(at + 3) === 2) return undefined;
  return Array.from({ length: rank }, (_, axis) => file.uint64(at + (version === 1 ? 8 : 4) + 8 * axis));
}

/** Returns the number of elements of a shape that was read from a file, or infinity if the product is not a safe integer. */
export function countDeclaredElements(shape: readonly number[]): number {
  const count = countElements(shape);
  return Number.isSafeInteger(count) ? count : Number.POSITIVE_INFINITY;
}

/**
 * Decodes numbers from their bytes. The result shares the memory of `bytes`, whose byte order may be changed in place. float16 is widened
 * to float32 without loss.
 */
export function decodeNumbers(
  file: ByteReader,
  type: Datatype,
  bytes: Uint8Array<ArrayBuffer>,
): Hdf5TypedArray {
  if (type.kind === 'text' || type.kind === 'reference')
    throw file.createCorruptFileError('text instead of numbers');
  const { kind, size, isSigned, isBigEndian } = type;
  if (isBigEndian) for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse();
  const { buffer } = bytes;
  if (kind === 'bfloat') {
    return new Float32Array(Uint32Array.from(new Uint16Array(buffer), (half) => half << 16).buffer);
  }
  if (kind === 'float') {
    if (size === 2) return widenFloat16(new Uint16Array(buffer));
    return size === 4 ? new Float32Array(buffer) : new Float64Array(buffer);
  }
  if (size === 1) return isSigned ? new Int8Array(buffer) : new Uint8Array(buffer);
  if (size === 2) return isSigned ? new Int16Array(buffer) : new Uint16Array(buffer);
  if (size === 4) return isSigned ? new Int32Array(buffer) : new Uint32Array(buffer);
  return isSigned ? new BigInt64Array(buffer) : new BigUint64Array(buffer);
}

/** Widens float16 to float32. Float32 can represent every float16 exactly. */
function widenFloat16(halves: Uint16Array): Float32Array {
  const floats = new Float32Array(halves.length);
  const bits = new Uint32Array(floats.buffer);
  for (let i = 0; i < halves.length; i++) {
    const sign = (halves[i]! & 0x8000) << 16;
    const exponent = (halves[i]! >> 10) & 31;
    const fraction = halves[i]! & 1023;
    if (exponent === 0) floats[i] = (sign ? -1 : 1) * fraction * 2 ** -24;
    else bits[i] = sign | ((exponent === 31 ? 255 : exponent + 112) << 23) | (fraction << 13);
  }
  return floats;
}
