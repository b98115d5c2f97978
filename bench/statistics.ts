import { createRng } from 'tfjs-multitask';

/** Returns the median of one or more numbers. For an even count, it is the mean of the two middle numbers. */
export function computeMedian(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface BootstrapOptions {
  /** Seed for drawing the bootstrap samples. */
  readonly seed: number;
  /** Number of bootstrap samples. Default: 10,000. */
  readonly samples?: number;
}

/**
 * Computes the 95 % bootstrap interval of the median: the percentiles 2.5 and 97.5 of the medians of samples that are drawn
 * from `values` with replacement.
 */
export function bootstrapMedian(
  values: readonly number[],
  { seed, samples = 10_000 }: BootstrapOptions,
): Interval {
  const random = createRng(seed, 'bootstrap');
  const drawValue = () => values[random.nextInt(values.length)]!;
  const medians = Array.from({ length: samples }, () => computeMedian(values.map(drawValue))).sort(
    (a, b) => a - b,
  );
  const getPercentile = (share: number) => medians[Math.round(share * (samples - 1))]!;
  return { low: getPercentile(0.025), high: getPercentile(0.975) };
}
