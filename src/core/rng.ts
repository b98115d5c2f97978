import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import * as checks from './errors/checks.js';

/**
 * A stream of random numbers that is determined by its seed and keys alone. All functions that draw random numbers (splits, shuffles,
 * augmentation plans, dropout masks, initial weights) receive a stream as an argument; the library has no global generator.
 *
 * @category Data
 */
export interface Rng {
  /** Returns a uniformly distributed number in [0, 1) with 53 random bits. */
  next(): number;
  /** Returns a uniformly distributed number in [low, high). */
  uniform(low: number, high: number): number;
  /** Returns a uniformly distributed integer in [0, n). */
  nextInt(n: number): number;
  /** Returns a normally distributed number with mean 0 and standard deviation 1 (Box and Muller 1958). */
  normal(): number;
  /** Returns the numbers 0 .. n-1 in random order (Fisher-Yates shuffle). */
  permutation(n: number): number[];
}

/**
 * Creates a stream of random numbers from a seed and keys. Equal arguments result in equal streams on every machine, and different
 * arguments result in independent streams. The augmentation plan of image 17 in epoch 3 comes from `createRng(seed, 'plan', 3, 17)`: the
 * plan does not depend on the order of the images, on the number of workers, or on whether the run was interrupted.
 *
 * Source: xoroshiro128+ (D. Blackman and S. Vigna, 2018), as implemented in pure-rand.
 *
 * @param seed - Seed of the run.
 * @param keys - Keys that select the stream, such as a purpose, an epoch and an index.
 * @returns A new stream at its start.
 * @example
 * ```ts
 * import { createRng } from 'tfjs-multitask';
 *
 * console.log(createRng(7, 'split').permutation(5)); // [ 4, 3, 1, 2, 0 ]
 * console.log(createRng(7, 'split').next() === createRng(7, 'split').next()); // true
 * ```
 * @category Data
 */
export function createRng(seed: number, ...keys: readonly (string | number)[]): Rng {
  checks.number('createRng.seed', seed, { advice: 'Pass an integer, for example 7.' });
  const generator = xoroshiro128plusFromState(hashToState(JSON.stringify([seed, ...keys])));
  const next = () => {
    const high = generator.next() >>> 5;
    const low = generator.next() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  };
  const nextInt = (n: number) => Math.floor(next() * n);
  return {
    next,
    nextInt,
    uniform: (low, high) => low + (high - low) * next(),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    permutation: (n) => {
      const order = Array.from({ length: n }, (_, i) => i);
      for (let i = n - 1; i > 0; i--) {
        const j = nextInt(i + 1);
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      return order;
    },
  };
}

/** Hashes text to the 128-bit state of a generator: four FNV-1a hashes, each with the finalizer of MurmurHash3 (Appleby 2011). */
function hashToState(text: string): [number, number, number, number] {
  const word = (salt: number) => {
    let hash = 0x811c9dc5 ^ Math.imul(salt, 0x9e3779b1);
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return hash ^ (hash >>> 16);
  };
  return [word(1), word(2), word(3), word(4) | 1]; // A state of all zeros would never change.
}
