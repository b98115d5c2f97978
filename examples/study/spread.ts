/** A mean over several seeds, and how far it may be off. */
export interface Mean {
  readonly mean: number;
  /** Standard deviation between the seeds; undefined of one seed. */
  readonly deviation: number | undefined;
  /** Half the width of the 95 % interval of the mean, by Student's t; undefined of one seed. */
  readonly margin: number | undefined;
}

/** Student's t at 97.5 % for 1, 2, 3, … degrees of freedom; beyond, the last is a little too wide. */
const T = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
];

export function meanOf(values: readonly number[]): Mean {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count < 2) return { mean, deviation: undefined, margin: undefined };
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1));
  return { mean, deviation, margin: (T[Math.min(count - 1, T.length) - 1]! * deviation) / Math.sqrt(count) };
}

/**
 * Whether a mean difference is more than the seeds explain. Unknown of one seed, and of seeds that all say the same number:
 * shares of a few images do so by chance, and an interval of no width would take it for certain.
 */
export const isMoreThanNoise = ({ mean, margin }: Mean) =>
  margin !== undefined && Math.abs(mean) > margin && margin > 1e-9 * Math.abs(mean);
