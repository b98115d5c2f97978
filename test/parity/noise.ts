/** Returns the first `count` 32-bit hashes of the stream `name`, as `hashes` in keras/common.py does. */
export function hashes(name: string, count: number): Uint32Array {
  let salt = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) salt = Math.imul(salt ^ name.charCodeAt(i), 0x01000193);
  return Uint32Array.from({ length: count }, (_, i) => {
    let h = Math.imul(i, 0x9e3779b1) + salt;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return h ^ (h >>> 16);
  });
}

/** Returns float32 numbers from `low` to `high`. Each is a pure function of `name` and its position. */
export function uniform(name: string, shape: readonly number[], low = -1, high = 1): Float32Array {
  const count = shape.reduce((product, size) => product * size, 1);
  return Float32Array.from(hashes(name, count), (h) => low + (high - low) * (h / 4294967296));
}

/** Returns bytes from 0 to 255. Each is a pure function of `name` and its position. */
export function imageBytes(name: string, shape: readonly number[]): Uint8Array {
  const count = shape.reduce((product, size) => product * size, 1);
  return Uint8Array.from(hashes(name, count), (h) => h >>> 24);
}
