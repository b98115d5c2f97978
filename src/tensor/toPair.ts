/** A number for both sides of a window, or `[vertical, horizontal]`. */
export type Pair = number | readonly [number, number];

/** Returns `[vertical, horizontal]`. The default is 1: layers of tf.layers pass null for an option that is not set. */
export function toPair(value: Pair | null | undefined): [number, number] {
  const pair = value ?? 1;
  return typeof pair === 'number' ? [pair, pair] : [pair[0], pair[1]];
}
