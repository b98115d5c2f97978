import { createArgumentError } from '../errors/errors.js';
import { describeType } from '../errors/formatValue.js';
import type { Store } from './platform.js';

/**
 * Reads a file from a store whose class a user of this library may have written. The library calls this function instead of `store.read`,
 * because such a store may return types other than `Uint8Array`.
 *
 * - `null` counts as a missing file, because most databases and key-value stores return it.
 * - A Node.js `Buffer`, another view of bytes, an `ArrayBuffer` or shared memory becomes a plain `Uint8Array`. `Buffer.slice()` returns a
 *   view and not a copy, and the `.buffer` of a small Buffer is a pool that contains other data.
 *
 * The result may be a view of memory of the store: do not modify it, and copy it before using its `.buffer`.
 *
 * @throws An `argument` error if the store returns a value of another type.
 */
export async function readStoreFile(store: Store, name: string): Promise<Uint8Array | undefined> {
  const content: unknown = await store.read(name);
  if (content === undefined || content === null) return undefined;
  if (isArrayBuffer(content)) return new Uint8Array(content);
  if (ArrayBuffer.isView(content)) {
    const { buffer, byteOffset, byteLength } = content;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    return isArrayBuffer(buffer) ? bytes : bytes.slice(); // Web Crypto and TextDecoder reject views of shared memory.
  }
  throw createArgumentError(
    `${store.label}: read('${name}')`,
    'the bytes of the file as a Uint8Array, or undefined for a missing file',
    describeType(content),
    'Convert the content in the read() function of the store.',
  );
}

/**
 * Returns whether a value is an `ArrayBuffer`, according to its type tag. `instanceof` would fail for a buffer from another realm, for
 * example from a frame or from a test runner.
 */
const isArrayBuffer = (value: unknown): value is ArrayBuffer =>
  Object.prototype.toString.call(value) === '[object ArrayBuffer]';
