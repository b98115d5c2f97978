import { Inflate } from 'fflate';

/** What deflate can pack into one byte, at most. */
export const MAX_INFLATE_RATIO = 1032;
/** More than this is not unpacked: sizes beyond it are chosen to exhaust the memory. */
export const MAX_INFLATED_BYTES = 2 ** 31;
/** Bytes that are unpacked at a time, so that one that claims little and holds much is stopped early. */
const CHUNK_BYTES = 16_384;

/**
 * Unpacks deflate of a known size.
 *
 * @throws Error that says how the bytes differ from what they claim.
 */
export function inflate(packed: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  if (size > packed.length * MAX_INFLATE_RATIO || size > MAX_INFLATED_BYTES) {
    throw new Error(`${size} bytes, more than ${packed.length} packed ones can hold`);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  const stream = new Inflate((part) => {
    if (at + part.length > size) throw new Error(`more than the ${size} bytes that it claims`);
    whole.set(part, at);
    at += part.length;
  });
  for (let from = 0; from < packed.length; from += CHUNK_BYTES) {
    stream.push(packed.subarray(from, from + CHUNK_BYTES), from + CHUNK_BYTES >= packed.length);
  }
  if (at < size) throw new Error(`${at} bytes instead of ${size}`);
  return whole;
}
