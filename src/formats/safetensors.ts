import { type HostArray, viewBytes } from '../core/arrays.js';
import { sha256 } from '../core/digest.js';
import { createCheckpointError } from '../core/errors/errors.js';
import { createTable } from '../core/lookup.js';

/** Contents of a safetensors file: arrays, keyed by name, and metadata. */
export interface Safetensors {
  readonly arrays: { readonly [name: string]: HostArray };
  readonly metadata: { readonly [key: string]: string };
}

interface HeaderEntry {
  readonly dtype: 'F32';
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Maximum size of a safetensors header in bytes: 100 MB, the limit of the format's reference reader. */
const MAX_HEADER_BYTES = 100_000_000;

/** Placeholder for the hash in the header while the hash is computed. */
const BLANK_HASH = '0'.repeat(64);

/** Returns the offset of the hash `text` in the header, which ends at offset `end`. Returns -1 if the header does not contain the hash. */
function findHashOffset(file: Uint8Array, end: number, text: string): number {
  const key = new TextEncoder().encode(`"sha256":"${text}"`);
  // Search for the last occurrence: metadata values may contain the same text.
  for (let at = end - key.length; at >= 8; at--) {
    if (key.every((byte, i) => file[at + i] === byte)) return at + '"sha256":"'.length;
  }
  return -1;
}

/**
 * Encodes arrays in the safetensors format (Hugging Face, 2022: eight bytes of header length, a JSON header,
 * raw little-endian numbers), which numpy, PyTorch and JAX can read.
 *
 * Adds a `sha256` entry to the metadata: the hash of the whole file with zeros in place of the hash. The hash
 * detects any changed byte, in the header as well as in the numbers.
 */
export async function writeSafetensors({ arrays, metadata }: Safetensors): Promise<Uint8Array> {
  const arrayNames = Object.keys(arrays);
  const body = new Uint8Array(arrayNames.reduce((sum, name) => sum + 4 * arrays[name]!.data.length, 0));
  const header: Record<string, HeaderEntry | Record<string, string>> = {};
  let offset = 0;
  for (const name of arrayNames) {
    const { shape, data } = arrays[name]!;
    const end = offset + 4 * data.length;
    body.set(new Uint8Array(data.buffer, data.byteOffset, 4 * data.length), offset);
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  header.__metadata__ = { ...metadata, sha256: BLANK_HASH };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8; // The padding aligns the numbers to eight bytes.
  const file = new Uint8Array(8 + padded + body.length).fill(0x20, 8, 8 + padded);
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true);
  file.set(text, 8);
  file.set(body, 8 + padded);
  file.set(new TextEncoder().encode(await sha256(file)), findHashOffset(file, 8 + padded, BLANK_HASH));
  return file;
}

/**
 * Reads a file written by {@link writeSafetensors}. The file is not trusted: sizes are checked before any memory is allocated, and the
 * contents are checked against the hash.
 *
 * @param path - Path of the file, for errors.
 * @throws A `checkpoint` error if the file is truncated, corrupted or in another format.
 */
export async function readSafetensors(bytes: Uint8Array, path: string): Promise<Safetensors> {
  // Never a Node.js Buffer: slice() returns a view, and this function modifies the copy and uses its buffer.
  const file = viewBytes(bytes);
  const createCorruptError = (received: string, cause?: unknown) =>
    createCheckpointError(
      path,
      'a complete safetensors file',
      received,
      'Delete the file to start over, or restore the file from a backup.',
      cause,
    );
  if (file.length < 8) throw createCorruptError(`a file of ${file.length} bytes`);
  const length = Number(new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || 8 + length > file.length)
    throw createCorruptError('a truncated file, or a file in a different format');
  let header: Record<string, HeaderEntry>;
  let metadata: Record<string, string>;
  try {
    const parsed = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
    ({ __metadata__: metadata = {}, ...header } = parsed);
  } catch (cause) {
    throw createCorruptError('a header that is not JSON', cause);
  }
  const body = file.subarray(8 + length);
  const hashOffset = /^[0-9a-f]{64}$/.test(metadata?.sha256 ?? '')
    ? findHashOffset(file, 8 + length, metadata.sha256!)
    : -1;
  const blank = file.slice();
  if (hashOffset >= 0) blank.set(new TextEncoder().encode(BLANK_HASH), hashOffset);
  if (hashOffset < 0 || (await sha256(blank)) !== metadata.sha256) {
    throw createCorruptError('contents that do not match the hash in the file');
  }
  const arrays = createTable<HostArray>([]);
  for (const [name, entry] of Object.entries(header)) {
    const { dtype, shape, data_offsets } = entry ?? {};
    const [start, end] = Array.isArray(data_offsets) ? data_offsets : [];
    const isShape = Array.isArray(shape) && shape.every((side) => Number.isSafeInteger(side) && side >= 0);
    const size = isShape ? shape.reduce((product, side) => product * side, 4) : Number.NaN;
    if (dtype !== 'F32' || !(start! >= 0 && end! <= body.length && end! - start! === size)) {
      throw createCorruptError(`the array "${name}", which is outside the file or not of type F32`);
    }
    // The bytes are copied because a Float32Array must start at a multiple of four bytes.
    arrays[name] = { shape, data: new Float32Array(body.slice(start, end).buffer) };
  }
  return { arrays, metadata };
}
