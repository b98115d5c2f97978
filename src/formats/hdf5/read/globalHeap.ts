import { type ByteReader, UNDEFINED_ADDRESS } from './byteReader.js';

/**
 * Decodes fixed-length text, which is padded with zero bytes or, if `spaces` is true, with spaces. ASCII text needs no special case,
 * because it is also valid UTF-8.
 */
export function decodeFixedText(bytes: Uint8Array, spaces: boolean): string {
  const zero = bytes.indexOf(0);
  const text = new TextDecoder().decode(zero < 0 ? bytes : bytes.subarray(0, zero));
  return spaces ? text.trimEnd() : text;
}

/**
 * Cache of the global heap collections that have been read: the offset and size of each object, keyed by file, collection address and
 * object number.
 */
const heapCache = new WeakMap<ByteReader, Map<number, Map<number, { at: number; size: number }>>>();

/**
 * Reads variable-length text. The reference at offset `at` contains the length of the text, the address of its heap collection, and the
 * number of the text in the collection (HDF5 file format 3.0, section III.E).
 */
export function readVariableText(file: ByteReader, at: number): string {
  const length = file.uint32(at);
  if (length === 0) return '';
  file.spend('texts', length);
  const object = readHeapCollection(file, file.address(at + 4)).get(file.uint32(at + 12));
  if (!object) throw file.createCorruptFileError('a reference to text that is not in the heap');
  if (length > object.size)
    throw file.createCorruptFileError(`text of ${length} bytes in an object of ${object.size} bytes`);
  return decodeFixedText(file.subarray(object.at, length), false);
}

function readHeapCollection(file: ByteReader, address: number): Map<number, { at: number; size: number }> {
  const collections = heapCache.get(file) ?? new Map();
  heapCache.set(file, collections);
  const cached = collections.get(address);
  if (cached) return cached;
  if (address === UNDEFINED_ADDRESS) throw file.createCorruptFileError('text that was never written');
  file.visit(address, 'GCOL');
  const size = file.uint64(address + 8);
  file.spend('heaps', size);
  const objects = new Map<number, { at: number; size: number }>();
  for (let at = address + 16; at + 16 <= address + size; ) {
    const index = file.uint16(at);
    if (index === 0) break; // The rest of the collection is free space.
    const bytes = file.uint64(at + 8);
    objects.set(index, { at: at + 16, size: bytes });
    at += 16 + Math.ceil(bytes / 8) * 8;
  }
  collections.set(address, objects);
  return objects;
}
