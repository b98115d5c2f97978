import { type FileBytes, NOWHERE } from './fileBytes.js';

/** Text of fixed length: it ends at a zero, or before the spaces that fill it up. ASCII is UTF-8 too. */
export function fixedText(bytes: Uint8Array, spaces: boolean): string {
  const zero = bytes.indexOf(0);
  const text = new TextDecoder().decode(zero < 0 ? bytes : bytes.subarray(0, zero));
  return spaces ? text.trimEnd() : text;
}

/** Heaps that were read: by number, where an object begins and how large it is. */
const heaps = new WeakMap<FileBytes, Map<number, Map<number, { at: number; size: number }>>>();

/** Text of any length: its length, its heap and its number there stand at `at` (HDF5 file format 3.0, III.E). */
export function textAt(file: FileBytes, at: number): string {
  const length = file.int(at);
  if (length === 0) return '';
  file.spend('texts', length);
  const object = heapAt(file, file.address(at + 4)).get(file.int(at + 12));
  if (!object) throw file.corrupt('text that is not in its heap');
  if (length > object.size) throw file.corrupt(`text of ${length} bytes in ${object.size}`);
  return fixedText(file.part(object.at, length), false);
}

function heapAt(file: FileBytes, address: number): Map<number, { at: number; size: number }> {
  const known = heaps.get(file) ?? new Map();
  heaps.set(file, known);
  const read = known.get(address);
  if (read) return read;
  if (address === NOWHERE) throw file.corrupt('text that was never written');
  file.enter(address, 'GCOL');
  const size = file.long(address + 8);
  file.spend('heaps', size);
  const objects = new Map<number, { at: number; size: number }>();
  for (let at = address + 16; at + 16 <= address + size; ) {
    const index = file.short(at);
    if (index === 0) break; // the rest is free
    const bytes = file.long(at + 8);
    objects.set(index, { at: at + 16, size: bytes });
    at += 16 + Math.ceil(bytes / 8) * 8;
  }
  known.set(address, objects);
  return objects;
}
