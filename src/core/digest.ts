import { type Json, toCanonicalJson } from './json.js';

/** SHA-256 (FIPS 180-4) as 64 hexadecimal digits, by Web Crypto: Node and every browser have it. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const hash = await globalThis.crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The digest of a value: of its canonical JSON text. */
export function digestJson(value: Json): Promise<string> {
  return sha256(new TextEncoder().encode(toCanonicalJson(value)));
}
