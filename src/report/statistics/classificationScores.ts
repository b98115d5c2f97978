import type { TaskRecord } from '../../core/records/history.js';
import { type ConfidenceInterval, estimateProportion } from './estimates.js';

/** The place of a true label among the task's, and the probability that each was given. */
export interface ClassPrediction {
  readonly truth: number;
  readonly probabilities: readonly number[];
}

/** The place of the likeliest label, the first of equals. */
export const findPredictedLabel = ({ probabilities }: ClassPrediction) =>
  probabilities.reduce((top, probability, i) => (probability > probabilities[top]! ? i : top), 0);

/** How one label was recognised. */
export interface LabelScore {
  readonly label: string;
  /** Images that are it. */
  readonly count: number;
  /** Of the answers that say it, the share that is right. */
  readonly precision: ConfidenceInterval | undefined;
  /** Of the images that are it, the share that was recognised. */
  readonly recall: ConfidenceInterval | undefined;
}

/** Precision and recall of every label. */
export function computeLabelScores(
  { labels = [] }: TaskRecord,
  pairs: readonly ClassPrediction[],
): LabelScore[] {
  const said = labels.map(() => 0);
  const are = labels.map(() => 0);
  const right = labels.map(() => 0);
  for (const pair of pairs) {
    const answer = findPredictedLabel(pair);
    said[answer]!++;
    are[pair.truth]!++;
    if (answer === pair.truth) right[answer]!++;
  }
  return labels.map((label, i) => ({
    label,
    count: are[i]!,
    precision: estimateProportion(right[i]!, said[i]!),
    recall: estimateProportion(right[i]!, are[i]!),
  }));
}

/** Answers of like probability: what was promised, and how many were right. */
export interface ReliabilityBin {
  readonly count: number;
  /** Mean of the probabilities. */
  readonly meanProbability: number;
  /** Share that was right. */
  readonly accuracy: ConfidenceInterval;
}

/**
 * Answers in ten bins of probability: of the second label for two, of the answer given for more. `error` is the expected
 * calibration error (M. P. Naeini, G. F. Cooper and M. Hauskrecht 2015): the mean distance of promised and kept.
 */
export function computeReliability(pairs: readonly ClassPrediction[]): {
  readonly bins: ReliabilityBin[];
  readonly error: number;
} {
  const bins = Array.from({ length: 10 }, () => ({ count: 0, sum: 0, hits: 0 }));
  for (const pair of pairs) {
    const label = pair.probabilities.length === 2 ? 1 : findPredictedLabel(pair);
    const probability = pair.probabilities[label]!;
    const bin = bins[Math.max(0, Math.min(9, Math.floor(probability * 10)))]!;
    bin.count++;
    bin.sum += probability;
    if (pair.truth === label) bin.hits++;
  }
  const filled = bins
    .filter(({ count }) => count > 0)
    .map(({ count, sum, hits }) => ({
      count,
      meanProbability: sum / count,
      accuracy: estimateProportion(hits, count)!,
    }));
  const error =
    filled.reduce(
      (total, { count, meanProbability, accuracy }) =>
        total + count * Math.abs(meanProbability - accuracy.value),
      0,
    ) / pairs.length;
  return { bins: filled, error };
}
