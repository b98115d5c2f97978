import { createRng } from '../../core/rng.js';

/** A value and the interval that holds the truth in 95 of 100 such samples. */
export interface ConfidenceInterval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const NORMAL_QUANTILE = 1.959963984540054; // the normal distribution's 97.5th percentile

/** A share with Wilson's interval (E. B. Wilson 1927), which is right for few images and near 0 and 1. Undefined of nothing. */
export function estimateProportion(hits: number, count: number): ConfidenceInterval | undefined {
  if (count === 0) return undefined;
  const share = hits / count;
  const centre = (share + NORMAL_QUANTILE ** 2 / (2 * count)) / (1 + NORMAL_QUANTILE ** 2 / count);
  const half =
    (NORMAL_QUANTILE * Math.sqrt((share * (1 - share)) / count + NORMAL_QUANTILE ** 2 / (4 * count ** 2))) /
    (1 + NORMAL_QUANTILE ** 2 / count);
  return { value: share, low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/** Samples of the bootstrap: enough for two digits of an interval's ends. */
const MAX_RESAMPLES = 1000;
/** Numbers drawn in all; above it fewer samples do, for the larger a group the less its samples differ. */
const MAX_DRAWS = 1_000_000;
const MIN_RESAMPLES = 200;

/** Values below which a mean has no interval: resampling a handful says nothing of what the handful missed. */
export const MIN_INTERVAL_VALUES = 5;

/** A mean, and its interval if there is one. */
export interface MeanEstimate {
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
}

/**
 * A mean with the percentile interval of a bootstrap (B. Efron 1979), widened about the mean to what few values ask for, by
 * `t(n - 1) / z · √(n / (n - 1))` (T. Hesterberg 2015, "expanded percentile"): resamples spread by `n` instead of `n - 1`, and as if the
 * spread were known. In simulations it holds the truth of normal values 94 to 95 times of 100 from five values on, of exponential ones,
 * as skewed as errors get, 89 of five, 90 of eight, 93 of thirty. No interval for fewer than {@link MIN_INTERVAL_VALUES}.
 *
 * @param unsorted - In any order: the interval is the same.
 * @param least - What no mean can be below: 0 for errors without sign. Default none.
 * @returns Undefined of nothing.
 */
export function estimateMean(
  unsorted: readonly number[],
  least = Number.NEGATIVE_INFINITY,
): MeanEstimate | undefined {
  const values = [...unsorted].sort((a, b) => a - b);
  const count = values.length;
  if (count === 0) return undefined;
  const value = values.reduce((sum, one) => sum + one, 0) / count;
  if (count < MIN_INTERVAL_VALUES) return { value };
  const samples = Math.max(MIN_RESAMPLES, Math.min(MAX_RESAMPLES, Math.floor(MAX_DRAWS / count)));
  const random = createRng(0, 'bootstrap', count);
  const means = Array.from({ length: samples }, () => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += values[random.nextInt(count)]!;
    return sum / count;
  }).sort((a, b) => a - b);
  const wider = (computeTQuantile(count - 1) / NORMAL_QUANTILE) * Math.sqrt(count / (count - 1));
  const [low, high] = [0.025, 0.975].map((at) => value + wider * (computeQuantile(means, at) - value));
  return { value, low: Math.max(least, low!), high: high! };
}

/**
 * The 97.5th percentile of Student's t, by its expansion about the normal one (M. Abramowitz and I. Stegun, 26.7.5): within 0.001 from
 * four degrees of freedom on.
 */
export function computeTQuantile(freedom: number): number {
  const terms = [
    (NORMAL_QUANTILE ** 3 + NORMAL_QUANTILE) / 4,
    (5 * NORMAL_QUANTILE ** 5 + 16 * NORMAL_QUANTILE ** 3 + 3 * NORMAL_QUANTILE) / 96,
    (3 * NORMAL_QUANTILE ** 7 +
      19 * NORMAL_QUANTILE ** 5 +
      17 * NORMAL_QUANTILE ** 3 -
      15 * NORMAL_QUANTILE) /
      384,
    (79 * NORMAL_QUANTILE ** 9 +
      776 * NORMAL_QUANTILE ** 7 +
      1482 * NORMAL_QUANTILE ** 5 -
      1920 * NORMAL_QUANTILE ** 3 -
      945 * NORMAL_QUANTILE) /
      92160,
  ];
  return terms.reduce((sum, term, i) => sum + term / freedom ** (i + 1), NORMAL_QUANTILE);
}

/** Of sorted values, linear between neighbours. */
export function computeQuantile(sorted: readonly number[], at: number): number {
  const place = at * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below]! + (place - below) * (sorted[above]! - sorted[below]!);
}
