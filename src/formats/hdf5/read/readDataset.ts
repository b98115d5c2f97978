import { formatShape } from '../../../core/arrays.js';
import { isMultitaskError } from '../../../core/errors/errors.js';
import { inflate, MAX_INFLATE_RATIO, MAX_INFLATED_BYTES } from '../../zip/inflate.js';
import type { Hdf5Dataset } from '../hdf5Group.js';
import { MESSAGE_TYPE } from '../messageTypes.js';
import { type ByteReader, UNDEFINED_ADDRESS } from './byteReader.js';
import { countDeclaredElements, decodeNumbers, readDataspace, readDatatype } from './datatypes.js';
import { findMessage, type HeaderMessage } from './objectHeader.js';

/**
 * Reads a dataset, which its header messages describe. The declared size of the dataset is checked against the size of the file before any
 * memory is allocated.
 */
export function readDataset(file: ByteReader, messages: readonly HeaderMessage[]): Hdf5Dataset {
  const requireMessage = (kind: 'space' | 'type' | 'layout') => {
    const message = findMessage(messages, MESSAGE_TYPE[kind]);
    if (!message) throw file.createCorruptFileError(`a dataset whose header has no ${kind} message`);
    return message.offset;
  };
  if (findMessage(messages, MESSAGE_TYPE.external))
    throw file.createCorruptFileError('a dataset stored in another file');
  const type = readDatatype(file, requireMessage('type'));
  const shape = readDataspace(file, requireMessage('space')) ?? [0];
  const bytes = type.size * countDeclaredElements(shape);
  const raw =
    bytes === 0
      ? new Uint8Array()
      : readRawData(file, messages, requireMessage('layout'), shape, type.size, bytes);
  return { shape, data: decodeNumbers(file, type, raw) };
}

/** Reads the raw bytes of a dataset in row-major order (HDF5 file format 3.0, section IV.A.2.i). */
function readRawData(
  file: ByteReader,
  messages: readonly HeaderMessage[],
  at: number,
  shape: readonly number[],
  size: number,
  bytes: number,
): Uint8Array<ArrayBuffer> {
  const version = file.uint8(at);
  const layout = file.uint8(at + 1);
  if (version !== 3 && !(version === 4 && layout < 2)) {
    throw file.createCorruptFileError(
      `a dataset with an unsupported layout (version ${version}, class ${layout})`,
    );
  }
  if (layout === 2) return readChunkedData(file, messages, at, shape, size, bytes);
  const start = layout === 0 ? at + 4 : file.address(at + 2);
  const storedBytes = layout === 0 ? file.uint16(at + 2) : file.uint64(at + 10);
  if (start === UNDEFINED_ADDRESS)
    throw file.createCorruptFileError('a dataset whose numbers were never written');
  file.spend('numbers', storedBytes);
  if (layout > 1 || bytes > storedBytes)
    throw file.createCorruptFileError(`a dataset of ${bytes} bytes with ${storedBytes} bytes of storage`);
  return file.subarray(start, bytes).slice();
}

interface Chunk {
  readonly address: number;
  readonly size: number;
  /** Bit mask of the filters that were not applied to this chunk. */
  readonly filterMask: number;
  /** Index of the chunk's first element in the dataset, one number per axis. */
  readonly origin: readonly number[];
}

function readChunkedData(
  file: ByteReader,
  messages: readonly HeaderMessage[],
  at: number,
  shape: readonly number[],
  size: number,
  bytes: number,
): Uint8Array<ArrayBuffer> {
  const rank = shape.length;
  const sides = shape.map((_, axis) => file.uint32(at + 11 + 4 * axis));
  const chunkBytes = countDeclaredElements(sides) * size;
  if (
    file.uint8(at + 2) !== rank + 1 ||
    !sides.every((side) => side > 0) ||
    !(chunkBytes <= MAX_INFLATED_BYTES)
  ) {
    throw file.createCorruptFileError(`chunks with the invalid shape ${formatShape(sides)}`);
  }
  const unpack = readFilterPipeline(file, findMessage(messages, MESSAGE_TYPE.filters), size);
  const chunks = readChunkIndex(file, file.address(at + 3), rank);
  const chunksPerAxis = shape.map((side, axis) => Math.ceil(side / sides[axis]!));
  const origins = new Set(
    chunks.map(({ origin }) =>
      origin.every((from, axis) => from < shape[axis]! && from % sides[axis]! === 0)
        ? origin.join()
        : 'outside',
    ),
  );
  // Every chunk must be listed exactly once, so that the dataset is no larger than its decompressed chunks.
  if (
    origins.has('outside') ||
    origins.size !== chunks.length ||
    chunks.length !== countDeclaredElements(chunksPerAxis)
  ) {
    throw file.createCorruptFileError(
      `${chunks.length} chunks instead of ${countDeclaredElements(chunksPerAxis)}`,
    );
  }
  file.spend('unpacked', chunks.length * chunkBytes);
  if (chunks.some((chunk) => chunkBytes > chunk.size * MAX_INFLATE_RATIO)) {
    throw file.createCorruptFileError(
      `chunks of ${chunkBytes} bytes, more than the stored bytes can contain,`,
    );
  }
  const raw = new Uint8Array(bytes);
  for (const { address: start, size: compressedSize, filterMask, origin } of chunks) {
    try {
      copyChunk(
        unpack(file.subarray(start, compressedSize), filterMask, chunkBytes),
        origin,
        sides,
        raw,
        shape,
        size,
      );
    } catch (cause) {
      if (isMultitaskError(cause)) throw cause;
      throw file.createCorruptFileError(
        `a chunk that cannot be decompressed (${(cause as Error).message})`,
        cause,
      );
    }
  }
  return raw;
}

/**
 * Copies a chunk to its position in the dataset, one row of the last axis at a time. Elements beyond the edge of the dataset are skipped.
 */
function copyChunk(
  values: Uint8Array,
  origin: readonly number[],
  sides: readonly number[],
  raw: Uint8Array,
  shape: readonly number[],
  size: number,
): void {
  const inside = sides.map((side, axis) => Math.min(side, shape[axis]! - origin[axis]!));
  const last = sides.length - 1;
  const rows = countDeclaredElements(inside.slice(0, last));
  for (let row = 0; row < rows; row++) {
    let rest = row;
    let from = 0;
    let to = origin[last]!;
    let [fromStep, toStep] = [sides[last]!, shape[last]!];
    for (let axis = last - 1; axis >= 0; axis--) {
      const index = rest % inside[axis]!;
      rest = Math.floor(rest / inside[axis]!);
      from += index * fromStep;
      to += (origin[axis]! + index) * toStep;
      fromStep *= sides[axis]!;
      toStep *= shape[axis]!;
    }
    raw.set(values.subarray(from * size, (from + inside[last]!) * size), to * size);
  }
}

/** Reads the list of a dataset's chunks from its B-tree (HDF5 file format 3.0, section III.A.1, nodes of type 1). */
function readChunkIndex(file: ByteReader, root: number, rank: number): Chunk[] {
  const chunks: Chunk[] = [];
  const key = 8 + 8 * (rank + 1);
  const walk = (node: number, level: number | undefined) => {
    file.visit(node, 'TREE');
    const height = file.uint8(node + 5);
    if (file.uint8(node + 4) !== 1 || height !== (level ?? height))
      throw file.createCorruptFileError('a tree of a different type');
    const entries = file.uint16(node + 6);
    file.spend('headers', entries * (key + 8));
    for (let i = 0; i < entries; i++) {
      const at = node + 24 + i * (key + 8);
      const child = file.address(at + key);
      if (height > 0) walk(child, height - 1);
      else {
        const size = file.uint32(at);
        file.spend('numbers', size);
        const origin = Array.from({ length: rank }, (_, axis) => file.uint64(at + 8 + 8 * axis));
        chunks.push({ address: child, size, filterMask: file.uint32(at + 4), origin });
      }
    }
  };
  if (root === UNDEFINED_ADDRESS)
    throw file.createCorruptFileError('a dataset whose numbers were never written');
  walk(root, undefined);
  return chunks;
}

type UndoFilters = (packed: Uint8Array, skipped: number, size: number) => Uint8Array;

/**
 * Reads the filters (compression and shuffling) of a dataset. Returns a function that reverses them, starting with the last filter (HDF5
 * file format 3.0, section IV.A.2.l).
 */
function readFilterPipeline(
  file: ByteReader,
  message: HeaderMessage | undefined,
  elementSize: number,
): UndoFilters {
  const filters: number[] = [];
  if (message) {
    const version = file.uint8(message.offset);
    let at = message.offset + (version === 1 ? 8 : 2);
    for (let i = 0; i < file.uint8(message.offset + 1); i++) {
      const id = file.uint16(at);
      const named = version === 1 || id >= 256;
      const name = named ? file.uint16(at + 2) : 0;
      const values = file.uint16(at + (named ? 6 : 4));
      at += (named ? 8 : 6) + (version === 1 ? Math.ceil(name / 8) * 8 : name);
      at += 4 * (values + (version === 1 ? values % 2 : 0));
      if (id !== 1 && id !== 2)
        throw file.createCorruptFileError(`a dataset compressed with an unsupported filter (${id})`);
      filters.push(id);
    }
  }
  if (filters.filter((id) => id === 1).length > 1)
    throw file.createCorruptFileError('a dataset compressed twice');
  return (packed, skipped, size) => {
    let bytes = packed;
    for (let i = filters.length - 1; i >= 0; i--) {
      if ((skipped >> i) & 1) continue;
      // zlib adds a header of two bytes and a checksum of four bytes (RFC 1950).
      bytes = filters[i] === 1 ? inflate(bytes.subarray(2, -4), size) : unshuffle(bytes, elementSize);
    }
    if (bytes.length !== size) throw new Error(`${bytes.length} bytes instead of ${size}`);
    return bytes;
  };
}

/** Reverses the shuffle filter, which stores the first byte of every element, then the second byte of every element, and so on. */
function unshuffle(bytes: Uint8Array, size: number): Uint8Array {
  const count = Math.floor(bytes.length / size);
  const whole = bytes.slice();
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < size; j++) whole[i * size + j] = bytes[j * count + i]!;
  }
  return whole;
}
