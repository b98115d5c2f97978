import type { Hdf5TypedArray } from '../hdf5Group.js';
import { MESSAGE_TYPE } from '../messageTypes.js';
import { ByteWriter, roundUpTo8 } from './byteWriter.js';
import type { FileAllocator } from './fileAllocator.js';

/** Encoded message of an object header. {@link writeHeader} pads its bytes to a multiple of eight. */
export interface EncodedMessage {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** Maximum size of a message in bytes. The size must fit into 16 bits and be a multiple of eight. */
export const MAX_MESSAGE_BYTES = 65_528;
export const MAX_MESSAGES = 65_535;

/** Writes a complete version 1 object header and returns its address (HDF5 file format 3.0, section IV.A.1.a). */
export function writeHeader(parts: FileAllocator, messages: readonly EncodedMessage[]): number {
  const size = messages.reduce((sum, { bytes }) => sum + 8 + roundUpTo8(bytes.length), 0);
  const fields = new ByteWriter().uint8(1, 0).uint16(messages.length).uint32(1).uint32(size).padTo();
  for (const { type, bytes } of messages) {
    fields.uint16(type).uint16(roundUpTo8(bytes.length)).uint32(0).bytes(bytes).padTo();
  }
  return parts.allocate(fields.toBytes());
}

/** Encodes a dataspace of fixed shape (HDF5 file format 3.0, section IV.A.2.b). An empty shape encodes a scalar. */
export function encodeDataspace(shape: readonly number[]): Uint8Array {
  const fields = new ByteWriter().uint8(1, shape.length).padTo();
  for (const side of shape) fields.uint64(side);
  return fields.toBytes();
}

/**
 * Encodes the datatype of the elements of `data` (HDF5 file format 3.0, section IV.A.2.d): a signed or unsigned integer, or an IEEE 754
 * float.
 */
export function encodeNumberType(data: Hdf5TypedArray): Uint8Array {
  const size = data.BYTES_PER_ELEMENT;
  if (data instanceof Float32Array || data instanceof Float64Array) {
    const [exponentAt, exponent, bias] = size === 4 ? [23, 8, 127] : [52, 11, 1023];
    // 0x11 is version 1 of the class float, 0x20 the implied leading bit of the mantissa, and the third byte the position of the sign bit.
    const type = new ByteWriter().uint8(0x11, 0x20, 8 * size - 1, 0).uint32(size);
    return type
      .uint16(0)
      .uint16(8 * size)
      .uint8(exponentAt, exponent, 0, exponentAt)
      .uint32(bias)
      .toBytes();
  }
  const signed = /^(Big)?Int/.test(data[Symbol.toStringTag]);
  const type = new ByteWriter().uint8(0x10, signed ? 8 : 0, 0, 0).uint32(size);
  return type
    .uint16(0)
    .uint16(8 * size)
    .toBytes();
}

/** Encodes the datatype of fixed-length text: `size` bytes, padded with zeros. */
export const encodeFixedTextType = (size: number) =>
  new ByteWriter().uint8(0x13, 1, 0, 0).uint32(size).toBytes();

/**
 * Encodes the datatype of variable-length text. Each value consists of a length and a heap reference.
 */
export const encodeVariableTextType = (utf8: boolean) =>
  new ByteWriter()
    .uint8(0x19, 1, utf8 ? 1 : 0, 0)
    .uint32(16)
    .bytes(encodeNumberType(new Uint8Array()))
    .toBytes();

/** Creates the message that points to a group's symbol table (HDF5 file format 3.0, section IV.A.2.r). */
export const createSymbolTableMessage = (tree: number, heap: number): EncodedMessage => ({
  type: MESSAGE_TYPE.symbols,
  bytes: new ByteWriter().uint64(tree).uint64(heap).toBytes(),
});

/**
 * Creates the header messages of a dataset that is stored as `bytes` contiguous bytes at address `at` (HDF5 file format 3.0, sections
 * IV.A.2.i and IV.A.2.f). An empty dataset has no address.
 */
export function createDatasetMessages(
  type: Uint8Array,
  shape: readonly number[],
  at: number | undefined,
  bytes: number,
): EncodedMessage[] {
  const layout = new ByteWriter().uint8(3, 1);
  if (at === undefined) layout.undefinedAddress();
  else layout.uint64(at);
  return [
    { type: MESSAGE_TYPE.space, bytes: encodeDataspace(shape) },
    { type: MESSAGE_TYPE.type, bytes: type },
    // Fill value: 0. The C library always writes this message, so readers that were tested only with files from that library expect it.
    { type: MESSAGE_TYPE.fill, bytes: new ByteWriter().uint8(2, 2, 2, 1).uint32(0).toBytes() },
    { type: MESSAGE_TYPE.layout, bytes: layout.uint64(bytes).toBytes() },
  ];
}
