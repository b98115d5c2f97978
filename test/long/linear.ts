/** Linear models on a few numbers for each image. They are baselines that check that the drawn faces are not too easy. */

/** Scales all columns to mean 0 and standard deviation 1 over the training rows, and appends a column of ones. */
export function standardize(train: readonly number[][], other: readonly number[][]) {
  const columns = train[0]!.map((_, j) => {
    const mean = train.reduce((sum, row) => sum + row[j]!, 0) / train.length;
    const variance = train.reduce((sum, row) => sum + (row[j]! - mean) ** 2, 0) / train.length;
    return { mean, scale: 1 / Math.sqrt(variance + 1e-9) };
  });
  const apply = (rows: readonly number[][]) =>
    rows.map((row) => [...row.map((value, j) => (value - columns[j]!.mean) * columns[j]!.scale), 1]);
  return { train: apply(train), other: apply(other) };
}

/** Fits a weighted ridge regression: minimizes Σ w (y - xβ)² + λ|β|². */
export function ridge(
  x: readonly number[][],
  y: readonly number[],
  lambda: number,
  weights?: readonly number[],
): number[] {
  const n = x[0]!.length;
  const a = Array.from({ length: n }, () => new Float64Array(n + 1));
  x.forEach((row, i) => {
    const weight = weights?.[i] ?? 1;
    for (let j = 0; j < n; j++) {
      for (let k = 0; k < n; k++) a[j]![k]! += weight * row[j]! * row[k]!;
      a[j]![n]! += weight * row[j]! * y[i]!;
    }
  });
  for (let j = 0; j < n; j++) a[j]![j]! += lambda;
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < n; i++) {
      if (i === j) continue;
      const factor = a[i]![j]! / a[j]![j]!;
      for (let k = j; k <= n; k++) a[i]![k]! -= factor * a[j]![k]!;
    }
  }
  return a.map((row, j) => row[n]! / row[j]!);
}

/** Fits a logistic regression with an L2 penalty by iteratively reweighted least squares. `y` contains 0 and 1. */
export function logistic(x: readonly number[][], y: readonly number[], lambda: number): number[] {
  let beta = new Array<number>(x[0]!.length).fill(0);
  for (let round = 0; round < 12; round++) {
    const scores = x.map((row) => dot(row, beta));
    const p = scores.map((score) => 1 / (1 + Math.exp(-score)));
    const w = p.map((value) => Math.max(value * (1 - value), 1e-5));
    beta = ridge(
      x,
      scores.map((score, i) => score + (y[i]! - p[i]!) / w[i]!),
      lambda,
      w,
    );
  }
  return beta;
}

export const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0);
