import type { Hdf5Value } from '../hdf5.js';
import { type FileBytes, NOWHERE } from './fileBytes.js';
import { objectsInHeap, type Span } from './fractalHeap.js';
import { fixedText, textAt } from './globalHeap.js';
import { MESSAGE, type Message } from './messages.js';
import { countOf, numbersFrom, shapeAt, typeAt } from './types.js';

/** Attributes of the object with these messages, by name (HDF5 file format 3.0, IV.A.2.m). */
export function attributesOf(file: FileBytes, messages: readonly Message[]): Record<string, Hdf5Value> {
  const owner = file.place;
  const values = messages.flatMap((message) => {
    if (message.type === MESSAGE.attribute) return [attribute(file, message, owner)];
    if (message.type !== MESSAGE.attributes) return [];
    const heap = message.at + 2 + (file.byte(message.at + 1) & 1 ? 2 : 0);
    if (file.address(heap) === NOWHERE) return [];
    const outside = objectsInHeap(file, 'attributes', file.address(heap), file.address(heap + 8));
    return outside.map((span) => attribute(file, span, owner));
  });
  file.place = owner;
  return Object.fromEntries(values);
}

function attribute(file: FileBytes, { at, size }: Span, owner: string): [string, Hdf5Value] {
  const version = file.byte(at);
  if (version < 1 || version > 3) throw file.corrupt(`an attribute of version ${version}`);
  if (version > 1 && file.byte(at + 1) !== 0)
    throw file.corrupt('an attribute that shares its type with another');
  // Version 1 fills each part up to eight bytes; version 3 says how the name is written, which is UTF-8 or part of it.
  const padded = (bytes: number) => (version === 1 ? Math.ceil(bytes / 8) * 8 : bytes);
  const nameAt = at + (version === 3 ? 9 : 8);
  const typeStart = nameAt + padded(file.short(at + 2));
  const shapeStart = typeStart + padded(file.short(at + 4));
  const valuesAt = shapeStart + padded(file.short(at + 6));
  const name = file.text(nameAt, Math.max(0, file.short(at + 2) - 1)); // without the zero at its end
  file.place = `${owner} (attribute "${name}")`;
  const shape = shapeAt(file, shapeStart);
  const count = shape ? countOf(shape) : 0;
  if (count === 0) return [name, []];
  const type = typeAt(file, typeStart);
  if (type.size * count > at + size - valuesAt) throw file.corrupt(`${count} values in ${size} bytes`);
  const bytes = file.part(valuesAt, type.size * count);
  const values =
    type.kind === 'text'
      ? Array.from({ length: count }, (_, i) =>
          fixedText(bytes.subarray(i * type.size, (i + 1) * type.size), type.spaces),
        )
      : type.kind === 'reference'
        ? Array.from({ length: count }, (_, i) => textAt(file, valuesAt + 16 * i))
        : Array.from(numbersFrom(file, type, bytes.slice()), Number);
  return [name, shape!.length === 0 ? values[0]! : (values as string[] | number[])];
}
