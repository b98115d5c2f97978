/** Round ends of at most `count` bands that cover `low` to `high`: steps of 1, 2 or 5 times a power of ten. */
export function computeBinEdges(low: number, high: number, count: number): number[] {
  const size = Math.max(Math.abs(low), Math.abs(high));
  // Values that are as good as one get a band of their size: of 26 and 26, that from 20 to 30.
  const same = !(high - low > 1e-6 * size && high - low > 1e-100);
  const span = same ? count * (size > 1e-100 ? size : 1) : high - low;
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = [1, 2, 5, 10, 20]
    .map((times) => times * power)
    .find((one) => Math.floor(high / one) - Math.floor(low / one) < count)!;
  const first = Math.floor(low / step);
  const last = Math.floor(high / step) + 1;
  // Multiples, not sums: 0.1 added thrice is not 0.3.
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** The place of the band `[ends[i], ends[i + 1])` that holds `value`. */
export function findBin(ends: readonly number[], value: number): number {
  let i = 0;
  while (i < ends.length - 2 && value >= ends[i + 1]!) i++;
  return i;
}

/** Smallest and largest; spreading a long list into Math.min overflows the stack. */
export function findRange(values: readonly number[]): [low: number, high: number] {
  let [low, high] = [values[0]!, values[0]!];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
