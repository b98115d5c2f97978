/**
 * Returns the edges of at most `count` bins that cover the range from `low` to `high`. The bin width is 1, 2 or 5 times a power of
 * ten.
 */
export function computeBinEdges(low: number, high: number, count: number): number[] {
  const size = Math.max(Math.abs(low), Math.abs(high));
  // If all values are equal except for rounding errors, there is a single bin with the width of their order of magnitude, for
  // example from 20 to 30 for the value 26.
  const isSingleValue = !(high - low > 1e-6 * size && high - low > 1e-100);
  const span = isSingleValue ? count * (size > 1e-100 ? size : 1) : high - low;
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = [1, 2, 5, 10, 20]
    .map((factor) => factor * power)
    .find((width) => Math.floor(high / width) - Math.floor(low / width) < count)!;
  const first = Math.floor(low / step);
  const last = Math.floor(high / step) + 1;
  // Edges are multiples of the step: repeated addition would accumulate rounding errors.
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Returns the index `i` of the bin `[edges[i], edges[i + 1])` that contains `value`. */
export function findBin(edges: readonly number[], value: number): number {
  let i = 0;
  while (i < edges.length - 2 && value >= edges[i + 1]!) i++;
  return i;
}

/**
 * Returns the smallest and the largest value. Unlike `Math.min(...values)`, this function does not overflow the stack for a long
 * array.
 */
export function findRange(values: readonly number[]): [low: number, high: number] {
  let [low, high] = [values[0]!, values[0]!];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
