import { fault } from '../core/errors.js';
import { sha256 } from '../core/json.js';

/**
 * Numbers with their shape.
 *
 * @category Files
 */
export interface NamedArray {
  /** Empty for a scalar. */
  readonly shape: readonly number[];
  /** Row-major, as many as the shape says. */
  readonly data: Float32Array;
}

/** What a tensor file holds: arrays by name, and text. */
export interface TensorFile {
  readonly arrays: { readonly [name: string]: NamedArray };
  readonly metadata: { readonly [key: string]: string };
}

interface Entry {
  readonly dtype: 'F32';
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** A header above this is not one of ours: 100 MB, as the format's own readers allow. */
const LARGEST_HEADER = 100_000_000;

/**
 * Bytes in the safetensors format (Hugging Face, 2022: eight bytes of header length, a JSON header, raw little-endian
 * numbers), which numpy, PyTorch and JAX read too. A `sha256` of the numbers is added to the metadata.
 */
export async function writeTensorFile({ arrays, metadata }: TensorFile): Promise<Uint8Array> {
  const names = Object.keys(arrays);
  const body = new Uint8Array(names.reduce((sum, name) => sum + 4 * arrays[name]!.data.length, 0));
  const header: Record<string, Entry | Record<string, string>> = {};
  let offset = 0;
  for (const name of names) {
    const { shape, data } = arrays[name]!;
    const end = offset + 4 * data.length;
    body.set(new Uint8Array(data.buffer, data.byteOffset, 4 * data.length), offset);
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  header.__metadata__ = { ...metadata, sha256: await sha256(body) };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8; // so that the numbers begin at a multiple of eight bytes
  const file = new Uint8Array(8 + padded + body.length).fill(0x20, 8, 8 + padded);
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true);
  file.set(text, 8);
  file.set(body, 8 + padded);
  return file;
}

/**
 * Reads what {@link writeTensorFile} wrote. The file is not trusted: sizes are checked before anything is allocated,
 * and the numbers against their hash.
 *
 * @param path - The file, for errors.
 * @throws `checkpoint` fault for a file that is cut short, changed, or of another format.
 */
export async function readTensorFile(file: Uint8Array, path: string): Promise<TensorFile> {
  const corrupt = (received: string, cause?: unknown) =>
    fault({
      kind: 'checkpoint',
      path,
      expected: 'a whole safetensors file',
      received,
      advice: 'Delete it to start anew, or put a copy back.',
      cause,
    });
  if (file.length < 8) throw corrupt(`${file.length} bytes`);
  const length = Number(new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true));
  if (length > LARGEST_HEADER || 8 + length > file.length)
    throw corrupt('a file cut short or of another kind');
  let header: Record<string, Entry>;
  let metadata: Record<string, string>;
  try {
    const parsed = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
    ({ __metadata__: metadata = {}, ...header } = parsed);
  } catch (cause) {
    throw corrupt('a header that is not JSON', cause);
  }
  const body = file.subarray(8 + length);
  if ((await sha256(body)) !== metadata.sha256) throw corrupt('numbers that do not match their hash');
  const arrays: Record<string, NamedArray> = {};
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    const [start, end] = data_offsets ?? [];
    const size = Array.isArray(shape) ? shape.reduce((product, side) => product * side, 4) : Number.NaN;
    if (dtype !== 'F32' || !(start! >= 0 && end! <= body.length && end! - start! === size)) {
      throw corrupt(`an array "${name}" that does not fit`);
    }
    // A copy: the view need not begin at a multiple of four bytes.
    arrays[name] = { shape, data: new Float32Array(body.slice(start, end).buffer) };
  }
  return { arrays, metadata };
}
