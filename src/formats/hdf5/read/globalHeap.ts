import { type ByteReader, UNDEFINED_ADDRESS } from './byteReader.js';

/** Text of fixed length: it ends at a zero, or before the spaces that fill it up. ASCII is UTF-8 too. */
export function decodeFixedText(bytes: Uint8Array, spaces: boolean): string {
  const zero = bytes.indexOf(0);
  const text = new TextDecoder().decode(zero < 0 ? bytes : bytes.subarray(0, zero));
  return spaces ? text.trimEnd() : text;
}

/** Heaps that were read: by number, where an object begins and how large it is. */
const heapCache = new WeakMap<ByteReader, Map<number, Map<number, { at: number; size: number }>>>();

/** Text of any length: its length, its heap and its number there stand at `at` (HDF5 file format 3.0, III.E). */
export function readVariableText(file: ByteReader, at: number): string {
  const length = file.uint32(at);
  if (length === 0) return '';
  file.spend('texts', length);
  const object = readHeapCollection(file, file.address(at + 4)).get(file.uint32(at + 12));
  if (!object) throw file.createCorruptFileError('text that is not in its heap');
  if (length > object.size) throw file.createCorruptFileError(`text of ${length} bytes in ${object.size}`);
  return decodeFixedText(file.subarray(object.at, length), false);
}

function readHeapCollection(file: ByteReader, address: number): Map<number, { at: number; size: number }> {
  const known = heapCache.get(file) ?? new Map();
  heapCache.set(file, known);
  const read = known.get(address);
  if (read) return read;
  if (address === UNDEFINED_ADDRESS) throw file.createCorruptFileError('text that was never written');
  file.visit(address, 'GCOL');
  const size = file.uint64(address + 8);
  file.spend('heaps', size);
  const objects = new Map<number, { at: number; size: number }>();
  for (let at = address + 16; at + 16 <= address + size; ) {
    const index = file.uint16(at);
    if (index === 0) break; // the rest is free
    const bytes = file.uint64(at + 8);
    objects.set(index, { at: at + 16, size: bytes });
    at += 16 + Math.ceil(bytes / 8) * 8;
  }
  known.set(address, objects);
  return objects;
}
