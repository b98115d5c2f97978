/**
 * What JSON can say.
 *
 * @category Files
 */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/** JSON text with sorted keys: equal values give equal text. */
export function toCanonicalJson(value: Json): string {
  return JSON.stringify(value, (_, part: Json) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** SHA-256 (FIPS 180-4) as 64 hexadecimal digits, by Web Crypto: Node and every browser have it. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const hash = await globalThis.crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The digest of a value: of its canonical JSON text. */
export function digestJson(value: Json): Promise<string> {
  return sha256(new TextEncoder().encode(toCanonicalJson(value)));
}

/** Numbers that JSON cannot say, as text. */
const NON_FINITE_NUMBERS: { readonly [text: string]: number } = {
  '~NaN': Number.NaN,
  '~Infinity': Number.POSITIVE_INFINITY,
  '~-Infinity': Number.NEGATIVE_INFINITY,
};

/** JSON that keeps NaN and the infinities, and text that looks like them: what begins with `~` gets another. Read it with {@link parseExact}. */
export function stringifyExact(value: unknown): string {
  return JSON.stringify(value, (_, part) =>
    (typeof part === 'number' && !Number.isFinite(part)) || (typeof part === 'string' && part.startsWith('~'))
      ? `~${part}`
      : part,
  );
}

/** What {@link stringifyExact} wrote. */
export function parseExact(text: string): unknown {
  return JSON.parse(text, (_, part) => {
    if (typeof part !== 'string') return part;
    if (Object.hasOwn(NON_FINITE_NUMBERS, part)) return NON_FINITE_NUMBERS[part];
    return part.startsWith('~~') ? part.slice(1) : part;
  });
}
