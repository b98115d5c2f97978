import { viewBytes } from '../../../core/arrays.js';
import type { Hdf5AttributeValue } from '../hdf5Group.js';
import { MESSAGE_TYPE } from '../messageTypes.js';
import { ByteWriter } from './byteWriter.js';
import {
  type EncodedMessage,
  encodeDataspace,
  encodeFixedTextType,
  encodeNumberType,
  encodeVariableTextType,
  MAX_MESSAGE_BYTES,
} from './headerMessages.js';
import type { TextHeap } from './textHeap.js';
import { createWriteError, NAME_ADVICE } from './writeError.js';

/**
 * Maximum size in bytes of a list of strings in one attribute. Keras splits longer lists of names (HDF5_OBJECT_HEADER_LIMIT) because an
 * object header is limited to 64 kB.
 */
const MAX_LIST_BYTES = 64_512;
/** Number of header bytes that each string in a list takes: the length of the string, and a reference to its text in the heap. */
const HEAP_REFERENCE_BYTES = 16;

/**
 * Creates the header messages for the attributes of a group or dataset.
 *
 * Text is written with variable length into a heap, as h5py does: a header cannot contain text of more than 64 kB, such as the
 * `model_config` of a large model. Keras reads text of both fixed and variable length.
 */
export function createAttributeMessages(
  heap: TextHeap,
  objectPath: string,
  attributes: { readonly [name: string]: Hdf5AttributeValue },
): EncodedMessage[] {
  const messages: EncodedMessage[] = [];
  const usedNames = new Set<string>();
  const add = (name: string, type: Uint8Array, shape: readonly number[], values: Uint8Array) => {
    if (name === '' || name.includes('\0'))
      throw createWriteError(
        objectPath,
        `an attribute with the invalid name ${JSON.stringify(name)}`,
        NAME_ADVICE,
      );
    if (usedNames.has(name))
      throw createWriteError(
        objectPath,
        `two attributes named "${name}"`,
        'Rename one of them. A long list is split into attributes whose names end with a number.',
      );
    usedNames.add(name);
    const bytes = encodeAttribute(name, type, shape, values);
    if (bytes.length > MAX_MESSAGE_BYTES) {
      throw createWriteError(
        objectPath,
        `the attribute "${name}" of ${bytes.length} bytes, which exceeds the limit of 64 kB`,
        'Write the value as a dataset.',
      );
    }
    messages.push({ type: MESSAGE_TYPE.attribute, bytes });
  };
  for (const [name, value] of Object.entries(attributes)) {
    const values: readonly (string | number)[] = Array.isArray(value) ? value : [value as string | number];
    const shape = Array.isArray(value) ? [values.length] : [];
    if (values.length > 0 && values.every((entry) => typeof entry === 'string')) {
      if (values.some((text) => text.includes('\0')))
        throw createWriteError(
          objectPath,
          `a NUL character in the value of "${name}"`,
          'Remove the character, because HDF5 treats it as the end of the string.',
        );
      addTextAttribute(heap, add, name, values, shape);
    } else {
      const areIntegers = values.length > 0 && values.every((entry) => Number.isSafeInteger(entry));
      const numbers = areIntegers
        ? BigInt64Array.from(values, (entry) => BigInt(entry))
        : Float64Array.from(values as readonly number[]);
      add(name, encodeNumberType(numbers), shape, viewBytes(numbers));
    }
  }
  return messages;
}

/** Encodes a version 1 attribute message. Each field is padded to a multiple of eight bytes (HDF5 file format 3.0, section IV.A.2.m). */
function encodeAttribute(
  name: string,
  type: Uint8Array,
  shape: readonly number[],
  values: Uint8Array,
): Uint8Array {
  const utf8 = new TextEncoder().encode(`${name}\0`);
  const sides = encodeDataspace(shape);
  const head = new ByteWriter().uint8(1, 0).uint16(utf8.length).uint16(type.length).uint16(sides.length);
  return head.bytes(utf8).padTo().bytes(type).padTo().bytes(sides).bytes(values).toBytes();
}

function addTextAttribute(
  heap: TextHeap,
  add: (name: string, type: Uint8Array, shape: readonly number[], values: Uint8Array) => void,
  name: string,
  texts: readonly string[],
  shape: readonly number[],
): void {
  const encoded = texts.map((text) => new TextEncoder().encode(text));
  const longest = encoded.reduce((most, { length }) => Math.max(most, length), 0);
  const list = shape.length > 0;
  if (!list || texts.length * Math.max(longest, HEAP_REFERENCE_BYTES) <= MAX_LIST_BYTES) {
    const ascii = encoded.every((bytes, i) => bytes.length === texts[i]!.length);
    const references = new ByteWriter();
    for (const text of encoded) {
      const { address, number } = heap.add(text);
      references.uint32(text.length).uint64(address).uint32(number);
    }
    add(name, encodeVariableTextType(!ascii), shape, references.toBytes());
    return;
  }
  const width = longest + 1; // The additional byte is the terminating zero.
  let at = 0;
  for (const [part, count] of computePartSizes(texts.length, width).entries()) {
    const bytes = new Uint8Array(count * width);
    for (let i = 0; i < count; i++) bytes.set(encoded[at + i]!, i * width);
    add(`${name}${part}`, encodeFixedTextType(width), [count], bytes);
    at += count;
  }
}

/**
 * Splits a list of strings into as few attributes as possible, and returns the number of strings in each attribute. As in numpy's
 * `array_split`, the first attributes may contain one more string than the others.
 */
function computePartSizes(count: number, width: number): number[] {
  let parts = 2;
  while (parts < count && Math.ceil(count / parts) * width > MAX_LIST_BYTES) parts++;
  return Array.from({ length: parts }, (_, i) => Math.floor(count / parts) + (i < count % parts ? 1 : 0));
}
