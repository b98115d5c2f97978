import type { Hdf5Numbers } from '../hdf5.js';
import { eights, Fields } from './fields.js';
import { MESSAGE } from './messages.js';
import type { Parts } from './parts.js';

/** A message of an object's header; its bytes are filled up to a multiple of eight there. */
export interface Written {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** The longest message: the header counts its bytes in 16 bits, and they are a multiple of eight. */
export const LONGEST_MESSAGE = 65_528;
export const MOST_MESSAGES = 65_535;

/** Places a header of the first version, whole (IV.A.1.a). */
export function header(parts: Parts, messages: readonly Written[]): number {
  const size = messages.reduce((sum, { bytes }) => sum + 8 + eights(bytes.length), 0);
  const fields = new Fields().byte(1, 0).short(messages.length).int(1).int(size).filled();
  for (const { type, bytes } of messages) {
    fields.short(type).short(eights(bytes.length)).int(0).raw(bytes).filled();
  }
  return parts.place(fields.done());
}

/** A shape that stays as it is; none of a side is a scalar's (IV.A.2.b). */
export function space(shape: readonly number[]): Uint8Array {
  const fields = new Fields().byte(1, shape.length).filled();
  for (const side of shape) fields.long(side);
  return fields.done();
}

/** What each of `data` is (IV.A.2.d): an integer by its sign, or IEEE 754. */
export function numberType(data: Hdf5Numbers): Uint8Array {
  const size = data.BYTES_PER_ELEMENT;
  if (data instanceof Float32Array || data instanceof Float64Array) {
    const [exponentAt, exponent, bias] = size === 4 ? [23, 8, 127] : [52, 11, 1023];
    const type = new Fields().byte(0x11, 0x20, 8 * size - 1, 0).int(size); // the leading 1 is left out; where the sign is
    return type
      .short(0)
      .short(8 * size)
      .byte(exponentAt, exponent, 0, exponentAt)
      .int(bias)
      .done();
  }
  const signed = /^(Big)?Int/.test(data[Symbol.toStringTag]);
  const type = new Fields().byte(0x10, signed ? 8 : 0, 0, 0).int(size);
  return type
    .short(0)
    .short(8 * size)
    .done();
}

/** Text of `size` bytes that zeros fill up. */
export const fixedTextType = (size: number) => new Fields().byte(0x13, 1, 0, 0).int(size).done();

/** Text of any length, of bytes: each value is its length, and where it stands in a heap. */
export const textType = (utf8: boolean) =>
  new Fields()
    .byte(0x19, 1, utf8 ? 1 : 0, 0)
    .int(16)
    .raw(numberType(new Uint8Array()))
    .done();

/** Where a group's list of members is (IV.A.2.r). */
export const symbolsMessage = (tree: number, heap: number): Written => ({
  type: MESSAGE.symbols,
  bytes: new Fields().long(tree).long(heap).done(),
});

/** A dataset of `bytes` at one piece from `at` on, or nowhere if it is empty (IV.A.2.i, IV.A.2.f). */
export function datasetMessages(
  type: Uint8Array,
  shape: readonly number[],
  at: number | undefined,
  bytes: number,
): Written[] {
  const layout = new Fields().byte(3, 1);
  if (at === undefined) layout.nowhere();
  else layout.long(at);
  return [
    { type: MESSAGE.space, bytes: space(shape) },
    { type: MESSAGE.type, bytes: type },
    // What a value never written would be: 0. The C library writes it always, so that what reads only its files finds it.
    { type: MESSAGE.fill, bytes: new Fields().byte(2, 2, 2, 1).int(0).done() },
    { type: MESSAGE.layout, bytes: layout.long(bytes).done() },
  ];
}
