import { isMultitaskError } from '../../core/errors.js';
import type { Hdf5Array } from '../hdf5.js';
import { inflated, LARGEST_UNPACKED, MOST_PER_BYTE } from '../inflate.js';
import { type FileBytes, NOWHERE } from './fileBytes.js';
import { MESSAGE, type Message, messageOf } from './messages.js';
import { countOf, numbersFrom, shapeAt, typeAt } from './types.js';

/**
 * Numbers of the dataset with these messages. What it claims to hold is held against the bytes it has before anything is
 * allocated.
 */
export function arrayOf(file: FileBytes, messages: readonly Message[]): Hdf5Array {
  const needed = (kind: 'space' | 'type' | 'layout') => {
    const message = messageOf(messages, MESSAGE[kind]);
    if (!message) throw file.corrupt(`a dataset without its ${kind}`);
    return message.at;
  };
  if (messageOf(messages, MESSAGE.external)) throw file.corrupt('numbers in another file');
  const type = typeAt(file, needed('type'));
  const shape = shapeAt(file, needed('space')) ?? [0];
  const bytes = type.size * countOf(shape);
  const raw =
    bytes === 0 ? new Uint8Array() : rawOf(file, messages, needed('layout'), shape, type.size, bytes);
  return { shape, data: numbersFrom(file, type, raw) };
}

/** Bytes of a dataset, in their order (HDF5 file format 3.0, IV.A.2.i). */
function rawOf(
  file: FileBytes,
  messages: readonly Message[],
  at: number,
  shape: readonly number[],
  size: number,
  bytes: number,
): Uint8Array<ArrayBuffer> {
  const version = file.byte(at);
  const layout = file.byte(at + 1);
  if (version !== 3 && !(version === 4 && layout < 2)) {
    throw file.corrupt(`numbers laid out in a way that is not read (${version}, ${layout})`);
  }
  if (layout === 2) return rawOfChunks(file, messages, at, shape, size, bytes);
  const start = layout === 0 ? at + 4 : file.address(at + 2);
  const held = layout === 0 ? file.short(at + 2) : file.long(at + 10);
  if (start === NOWHERE) throw file.corrupt('numbers that were never written');
  file.spend('numbers', held);
  if (layout > 1 || bytes > held) throw file.corrupt(`${bytes} bytes in ${held}`);
  return file.part(start, bytes).slice();
}

interface Chunk {
  readonly at: number;
  readonly size: number;
  /** Filters that were not applied to it, as bits. */
  readonly skipped: number;
  /** Where it lies in the dataset. */
  readonly origin: readonly number[];
}

function rawOfChunks(
  file: FileBytes,
  messages: readonly Message[],
  at: number,
  shape: readonly number[],
  size: number,
  bytes: number,
): Uint8Array<ArrayBuffer> {
  const rank = shape.length;
  const sides = shape.map((_, axis) => file.int(at + 11 + 4 * axis));
  const large = countOf(sides) * size;
  if (file.byte(at + 2) !== rank + 1 || !sides.every((side) => side > 0) || !(large <= LARGEST_UNPACKED)) {
    throw file.corrupt(`parts of shape [${sides.join(', ')}]`);
  }
  const unpack = filtersOf(file, messageOf(messages, MESSAGE.filters), size);
  const chunks = chunksOf(file, file.address(at + 3), rank);
  const across = shape.map((side, axis) => Math.ceil(side / sides[axis]!));
  const places = new Set(
    chunks.map(({ origin }) =>
      origin.every((from, axis) => from < shape[axis]! && from % sides[axis]! === 0)
        ? origin.join()
        : 'outside',
    ),
  );
  // All of them, each once: so that the dataset is no larger than what its parts unpack to.
  if (places.has('outside') || places.size !== chunks.length || chunks.length !== countOf(across)) {
    throw file.corrupt(`${chunks.length} parts instead of ${countOf(across)}`);
  }
  file.spend('unpacked', chunks.length * large);
  if (chunks.some((chunk) => large > chunk.size * MOST_PER_BYTE)) {
    throw file.corrupt(`parts of ${large} bytes, more than theirs can hold,`);
  }
  const raw = new Uint8Array(bytes);
  for (const { at: start, size: packed, skipped, origin } of chunks) {
    try {
      place(unpack(file.part(start, packed), skipped, large), origin, sides, raw, shape, size);
    } catch (cause) {
      if (isMultitaskError(cause)) throw cause;
      throw file.corrupt(`a part that cannot be unpacked (${(cause as Error).message})`, cause);
    }
  }
  return raw;
}

/** Copies a chunk, row by row of the last axis, to where it lies; what hangs over an edge is left out. */
function place(
  values: Uint8Array,
  origin: readonly number[],
  sides: readonly number[],
  raw: Uint8Array,
  shape: readonly number[],
  size: number,
): void {
  const kept = sides.map((side, axis) => Math.min(side, shape[axis]! - origin[axis]!));
  const last = sides.length - 1;
  const rows = countOf(kept.slice(0, last));
  for (let row = 0; row < rows; row++) {
    let rest = row;
    let from = 0;
    let to = origin[last]!;
    let [fromStep, toStep] = [sides[last]!, shape[last]!];
    for (let axis = last - 1; axis >= 0; axis--) {
      const index = rest % kept[axis]!;
      rest = Math.floor(rest / kept[axis]!);
      from += index * fromStep;
      to += (origin[axis]! + index) * toStep;
      fromStep *= sides[axis]!;
      toStep *= shape[axis]!;
    }
    raw.set(values.subarray(from * size, (from + kept[last]!) * size), to * size);
  }
}

/** Chunks by the tree that lists them (HDF5 file format 3.0, III.A.1, nodes of type 1). */
function chunksOf(file: FileBytes, root: number, rank: number): Chunk[] {
  const chunks: Chunk[] = [];
  const key = 8 + 8 * (rank + 1);
  const walk = (node: number, level: number | undefined) => {
    file.enter(node, 'TREE');
    const height = file.byte(node + 5);
    if (file.byte(node + 4) !== 1 || height !== (level ?? height))
      throw file.corrupt('a tree of another kind');
    const entries = file.short(node + 6);
    file.spend('headers', entries * (key + 8));
    for (let i = 0; i < entries; i++) {
      const at = node + 24 + i * (key + 8);
      const child = file.address(at + key);
      if (height > 0) walk(child, height - 1);
      else {
        const size = file.int(at);
        file.spend('numbers', size);
        const origin = Array.from({ length: rank }, (_, axis) => file.long(at + 8 + 8 * axis));
        chunks.push({ at: child, size, skipped: file.int(at + 4), origin });
      }
    }
  };
  if (root === NOWHERE) throw file.corrupt('numbers that were never written');
  walk(root, undefined);
  return chunks;
}

type Unpack = (packed: Uint8Array, skipped: number, size: number) => Uint8Array;

/** What undoes the filters of a dataset, in turn from the last (HDF5 file format 3.0, IV.A.2.l). */
function filtersOf(file: FileBytes, message: Message | undefined, elementSize: number): Unpack {
  const filters: number[] = [];
  if (message) {
    const version = file.byte(message.at);
    let at = message.at + (version === 1 ? 8 : 2);
    for (let i = 0; i < file.byte(message.at + 1); i++) {
      const id = file.short(at);
      const named = version === 1 || id >= 256;
      const name = named ? file.short(at + 2) : 0;
      const values = file.short(at + (named ? 6 : 4));
      at += (named ? 8 : 6) + (version === 1 ? Math.ceil(name / 8) * 8 : name);
      at += 4 * (values + (version === 1 ? values % 2 : 0));
      if (id !== 1 && id !== 2) throw file.corrupt(`numbers packed in a way that is not read (filter ${id})`);
      filters.push(id);
    }
  }
  if (filters.filter((id) => id === 1).length > 1) throw file.corrupt('numbers packed twice');
  return (packed, skipped, size) => {
    let bytes = packed;
    for (let i = filters.length - 1; i >= 0; i--) {
      if ((skipped >> i) & 1) continue;
      // zlib's two bytes in front and its checksum of four at the end (RFC 1950)
      bytes = filters[i] === 1 ? inflated(bytes.subarray(2, -4), size) : unshuffled(bytes, elementSize);
    }
    if (bytes.length !== size) throw new Error(`${bytes.length} bytes instead of ${size}`);
    return bytes;
  };
}

/** Undoes the filter that puts all first bytes in front, then all second ones. */
function unshuffled(bytes: Uint8Array, size: number): Uint8Array {
  const count = Math.floor(bytes.length / size);
  const whole = bytes.slice();
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < size; j++) whole[i * size + j] = bytes[j * count + i]!;
  }
  return whole;
}
