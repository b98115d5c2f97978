import { computeBinEdges, findBin, findRange } from './bins.js';
import { estimateMean, type MeanEstimate } from './estimates.js';

/** A true value and what was predicted. */
export interface NumberPrediction {
  readonly truth: number;
  readonly predicted: number;
}

/** Images whose true value lies in a band, and their error. */
export interface ErrorBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly error: MeanEstimate | undefined;
}

/** Mean absolute error by bands of the true value, empty ones too. */
export function computeErrorBins(pairs: readonly NumberPrediction[]): ErrorBin[] {
  const truths = pairs.map(({ truth }) => truth);
  const ends = computeBinEdges(Math.min(...findRange(truths)), Math.max(...findRange(truths)), 10);
  const errors: number[][] = ends.slice(1).map(() => []);
  for (const { truth, predicted } of pairs) errors[findBin(ends, truth)]!.push(Math.abs(predicted - truth));
  return errors.map((own, i) => ({
    from: ends[i]!,
    to: ends[i + 1]!,
    count: own.length,
    error: estimateMean(own, 0),
  }));
}
