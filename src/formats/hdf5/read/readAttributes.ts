import type { Hdf5AttributeValue } from '../hdf5Group.js';
import { MESSAGE_TYPE } from '../messageTypes.js';
import { type ByteReader, UNDEFINED_ADDRESS } from './byteReader.js';
import { countDeclaredElements, decodeNumbers, readDataspace, readDatatype } from './datatypes.js';
import { readHeapObjects, type Span } from './fractalHeap.js';
import { decodeFixedText, readVariableText } from './globalHeap.js';
import type { HeaderMessage } from './objectHeader.js';

/**
 * Reads the attributes of an object from its header messages. Returns the attributes, keyed by name (HDF5 file format 3.0, section
 * IV.A.2.m).
 */
export function readAttributes(
  file: ByteReader,
  messages: readonly HeaderMessage[],
): Record<string, Hdf5AttributeValue> {
  const owner = file.objectPath;
  const values = messages.flatMap((message) => {
    if (message.type === MESSAGE_TYPE.attribute) return [readAttribute(file, message, owner)];
    if (message.type !== MESSAGE_TYPE.attributes) return [];
    const heap = message.offset + 2 + (file.uint8(message.offset + 1) & 1 ? 2 : 0);
    if (file.address(heap) === UNDEFINED_ADDRESS) return [];
    const outside = readHeapObjects(file, 'attributes', file.address(heap), file.address(heap + 8));
    return outside.map((span) => readAttribute(file, span, owner));
  });
  file.objectPath = owner;
  return Object.fromEntries(values);
}

function readAttribute(
  file: ByteReader,
  { offset, size }: Span,
  owner: string,
): [string, Hdf5AttributeValue] {
  const version = file.uint8(offset);
  if (version < 1 || version > 3)
    throw file.createCorruptFileError(`an attribute with the unsupported version ${version}`);
  if (version > 1 && file.uint8(offset + 1) !== 0)
    throw file.createCorruptFileError('an attribute with a shared datatype, which is not supported,');
  // Version 1 pads each field to a multiple of eight bytes. Version 3 adds the character set of the name. It is ignored, because both
  // character sets (ASCII and UTF-8) are decoded as UTF-8.
  const padded = (bytes: number) => (version === 1 ? Math.ceil(bytes / 8) * 8 : bytes);
  const nameAt = offset + (version === 3 ? 9 : 8);
  const typeStart = nameAt + padded(file.uint16(offset + 2));
  const shapeStart = typeStart + padded(file.uint16(offset + 4));
  const valuesAt = shapeStart + padded(file.uint16(offset + 6));
  const name = file.text(nameAt, Math.max(0, file.uint16(offset + 2) - 1)); // The terminating zero is excluded.
  file.objectPath = `${owner} (attribute "${name}")`;
  const shape = readDataspace(file, shapeStart);
  const count = shape ? countDeclaredElements(shape) : 0;
  if (count === 0) return [name, []];
  const type = readDatatype(file, typeStart);
  if (type.size * count > offset + size - valuesAt)
    throw file.createCorruptFileError(`an attribute of ${count} values that does not fit into ${size} bytes`);
  const bytes = file.subarray(valuesAt, type.size * count);
  const values =
    type.kind === 'text'
      ? Array.from({ length: count }, (_, i) =>
          decodeFixedText(bytes.subarray(i * type.size, (i + 1) * type.size), type.isSpacePadded),
        )
      : type.kind === 'reference'
        ? Array.from({ length: count }, (_, i) => readVariableText(file, valuesAt + 16 * i))
        : Array.from(decodeNumbers(file, type, bytes.slice()), Number);
  return [name, shape!.length === 0 ? values[0]! : (values as string[] | number[])];
}
