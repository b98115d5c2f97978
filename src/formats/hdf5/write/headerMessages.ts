import type { Hdf5TypedArray } from '../hdf5Group.js';
import { MESSAGE_TYPE } from '../messageTypes.js';
import { ByteWriter, roundUpTo8 } from './byteWriter.js';
import type { FileAllocator } from './fileAllocator.js';

/** A message of an object's header; its bytes are filled up to a multiple of eight there. */
export interface EncodedMessage {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** The longest message: the header counts its bytes in 16 bits, and they are a multiple of eight. */
export const MAX_MESSAGE_BYTES = 65_528;
export const MAX_MESSAGES = 65_535;

/** Places a header of the first version, whole (IV.A.1.a). */
export function writeHeader(parts: FileAllocator, messages: readonly EncodedMessage[]): number {
  const size = messages.reduce((sum, { bytes }) => sum + 8 + roundUpTo8(bytes.length), 0);
  const fields = new ByteWriter().uint8(1, 0).uint16(messages.length).uint32(1).uint32(size).padTo();
  for (const { type, bytes } of messages) {
    fields.uint16(type).uint16(roundUpTo8(bytes.length)).uint32(0).bytes(bytes).padTo();
  }
  return parts.allocate(fields.toBytes());
}

/** A shape that stays as it is; none of a side is a scalar's (IV.A.2.b). */
export function encodeDataspace(shape: readonly number[]): Uint8Array {
  const fields = new ByteWriter().uint8(1, shape.length).padTo();
  for (const side of shape) fields.uint64(side);
  return fields.toBytes();
}

/** What each of `data` is (IV.A.2.d): an integer by its sign, or IEEE 754. */
export function encodeNumberType(data: Hdf5TypedArray): Uint8Array {
  const size = data.BYTES_PER_ELEMENT;
  if (data instanceof Float32Array || data instanceof Float64Array) {
    const [exponentAt, exponent, bias] = size === 4 ? [23, 8, 127] : [52, 11, 1023];
    const type = new ByteWriter().uint8(0x11, 0x20, 8 * size - 1, 0).uint32(size); // the leading 1 is left out; where the sign is
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

/** Text of `size` bytes that zeros fill up. */
export const encodeFixedTextType = (size: number) =>
  new ByteWriter().uint8(0x13, 1, 0, 0).uint32(size).toBytes();

/** Text of any length, of bytes: each value is its length, and where it stands in a heap. */
export const encodeVariableTextType = (utf8: boolean) =>
  new ByteWriter()
    .uint8(0x19, 1, utf8 ? 1 : 0, 0)
    .uint32(16)
    .bytes(encodeNumberType(new Uint8Array()))
    .toBytes();

/** Where a group's list of members is (IV.A.2.r). */
export const createSymbolTableMessage = (tree: number, heap: number): EncodedMessage => ({
  type: MESSAGE_TYPE.symbols,
  bytes: new ByteWriter().uint64(tree).uint64(heap).toBytes(),
});

/** A dataset of `bytes` at one piece from `at` on, or nowhere if it is empty (IV.A.2.i, IV.A.2.f). */
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
    // What a value never written would be: 0. The C library writes it always, so that what reads only its files finds it.
    { type: MESSAGE_TYPE.fill, bytes: new ByteWriter().uint8(2, 2, 2, 1).uint32(0).toBytes() },
    { type: MESSAGE_TYPE.layout, bytes: layout.uint64(bytes).toBytes() },
  ];
}
