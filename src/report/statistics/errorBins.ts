import { computeBinEdges, findBin, findRange } from './bins.js';
import { estimateMean, type MeanEstimate } from './estimates.js';

/** True value and predicted value of one image. */
export interface NumberPrediction {
  readonly truth: number;
  readonly predicted: number;
}

/** Mean absolute error of the images whose true value is between `from` and `to`. */
export interface ErrorBin {
  readonly from: number;
  readonly to: number;
  /** Number of images in the bin. */
  readonly count: number;
  /** Mean absolute error. Undefined for a bin without images. */
  readonly error: MeanEstimate | undefined;
}

/** Estimates the mean absolute error of predictions, with a 95 % confidence interval. Returns undefined for an empty array. */
export const estimateMeanAbsoluteError = (pairs: readonly NumberPrediction[]): MeanEstimate | undefined =>
  estimateMean(
    pairs.map(({ truth, predicted }) => Math.abs(predicted - truth)),
    0,
  );

/** Computes the mean absolute error for bins of the true value. The result includes empty bins. */
export function computeErrorBins(pairs: readonly NumberPrediction[]): ErrorBin[] {
  const [low, high] = findRange(pairs.map(({ truth }) => truth));
  const edges = computeBinEdges(low, high, 10);
  const bins: NumberPrediction[][] = edges.slice(1).map(() => []);
  for (const pair of pairs) bins[findBin(edges, pair.truth)]!.push(pair);
  return bins.map((binPairs, i) => ({
    from: edges[i]!,
    to: edges[i + 1]!,
    count: binPairs.length,
    error: estimateMeanAbsoluteError(binPairs),
  }));
}
