import { readFileSync } from 'node:fs';

/** Array in the format that `keras/common.py` writes. */
export interface FixtureArray {
  readonly shape: readonly number[];
  readonly f32: string;
}

/** Reads `fixtures/NAME.json`, which was computed with Keras by `keras/make_fixtures.py`. */
export function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8')) as T;
}

/** Returns the numbers in a fixture array, in row-major order. */
export function numbers(array: FixtureArray): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(array.f32, 'base64'));
  return new Float32Array(bytes.buffer);
}
