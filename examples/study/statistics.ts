/** Mean of a value over several seeds, with its uncertainty. */
export interface MeanEstimate {
  readonly mean: number;
  /** Standard deviation between the seeds. Undefined for one seed. */
  readonly deviation: number | undefined;
  /** Half the width of the 95 % confidence interval of the mean, by Student's t. Undefined for one seed. */
  readonly margin: number | undefined;
}

/**
 * Critical values of Student's t at 97.5 % for 1, 2, 3, ... degrees of freedom. For more degrees of freedom, the last value is used, which
 * makes the interval slightly too wide.
 */
const T_VALUES = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
];

/** Returns the mean of `values` with its standard deviation and the margin of its 95 % confidence interval. */
export function estimateMean(values: readonly number[]): MeanEstimate {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count < 2) return { mean, deviation: undefined, margin: undefined };
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1));
  const t = T_VALUES[Math.min(count - 1, T_VALUES.length) - 1]!;
  return { mean, deviation, margin: (t * deviation) / Math.sqrt(count) };
}

/**
 * Returns whether a mean difference is significant: its 95 % confidence interval excludes zero. Returns false for one seed, and when
 * all seeds have the same difference. Accuracies on a few images are often equal by chance, and an interval of zero width would make
 * any difference significant.
 */
export const isSignificant = ({ mean, margin }: MeanEstimate): boolean =>
  margin !== undefined && Math.abs(mean) > margin && margin > 1e-9 * Math.abs(mean);
