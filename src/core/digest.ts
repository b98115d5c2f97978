import { type Json, toCanonicalJson } from './json.js';

/** Computes the SHA-256 hash (FIPS 180-4) as 64 hexadecimal digits. Uses Web Crypto, which Node and all browsers support. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const hash = await globalThis.crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Computes the SHA-256 hash of a value's canonical JSON text. Equal values have equal hashes. */
export function digestJson(value: Json): Promise<string> {
  return sha256(new TextEncoder().encode(toCanonicalJson(value)));
}
