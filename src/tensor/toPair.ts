/** Size or stride of a window: one number for both axes, or `[vertical, horizontal]`. */
export type Pair = number | readonly [number, number];

/**
 * Converts a window size or stride to `[vertical, horizontal]`. The default is 1, because layers of `tf.layers` pass null for an option
 * that is not set.
 */
export function toPair(value: Pair | null | undefined): [number, number] {
  const pair = value ?? 1;
  return typeof pair === 'number' ? [pair, pair] : [pair[0], pair[1]];
}
