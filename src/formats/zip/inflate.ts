import { Inflate } from 'fflate';

/** Maximum compression ratio that deflate can reach. If a declared size exceeds this ratio, the file is invalid. */
export const MAX_INFLATE_RATIO = 1032;
/** Maximum uncompressed size in bytes. A file that declares a larger size may be an attempt to exhaust memory. */
export const MAX_INFLATED_BYTES = 2 ** 31;
/** Decompressed size in bytes that is always allowed, regardless of the size of the file. */
const MAX_SMALL_INFLATED_BYTES = 2 ** 26;
/**
 * Maximum ratio of the decompressed size to the size of the file, for data larger than {@link MAX_SMALL_INFLATED_BYTES}. Weights rarely
 * compress to less than a tenth of their size.
 */
const MAX_FILE_RATIO = 100;

/**
 * Returns the maximum size of all data of a file after decompression, in bytes. A small file that declares gigabytes is an attempt to
 * exhaust memory.
 */
export const getInflateLimit = (fileBytes: number): number =>
  Math.min(MAX_INFLATED_BYTES, Math.max(MAX_SMALL_INFLATED_BYTES, MAX_FILE_RATIO * fileBytes));

/** Number of compressed bytes that are decompressed at a time, so that decompression stops early if the data exceeds its declared size. */
const CHUNK_BYTES = 16_384;

/**
 * Decompresses raw deflate data of a declared size.
 *
 * @throws An `Error` whose message describes the difference from the declared size.
 */
export function inflate(packed: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  if (size > packed.length * MAX_INFLATE_RATIO || size > MAX_INFLATED_BYTES) {
    throw new Error(
      `a declared size of ${size} bytes, more than ${packed.length} compressed bytes can contain`,
    );
  }
  const whole = new Uint8Array(size);
  let at = 0;
  const stream = new Inflate((part) => {
    if (at + part.length > size) throw new Error(`more than the declared size of ${size} bytes`);
    whole.set(part, at);
    at += part.length;
  });
  for (let from = 0; from < packed.length; from += CHUNK_BYTES) {
    stream.push(packed.subarray(from, from + CHUNK_BYTES), from + CHUNK_BYTES >= packed.length);
  }
  if (at < size) throw new Error(`${at} bytes instead of ${size}`);
  return whole;
}
