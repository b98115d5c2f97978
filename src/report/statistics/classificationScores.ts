import type { TaskRecord } from '../../core/records/history.js';
import { type ConfidenceInterval, estimateProportion } from './estimates.js';

/** True label and predicted probabilities of one image. */
export interface ClassPrediction {
  /** Index of the true label in the labels of the task. */
  readonly truth: number;
  /** Predicted probability of each label, in the order of the labels of the task. */
  readonly probabilities: readonly number[];
}

/** Returns the index of the most probable label. If several labels are equally probable, returns the first of them. */
export const findPredictedLabel = ({ probabilities }: ClassPrediction): number =>
  probabilities.reduce((top, probability, i) => (probability > probabilities[top]! ? i : top), 0);

/** Returns whether the most probable label is the true label. */
export const isCorrect = (pair: ClassPrediction): boolean => findPredictedLabel(pair) === pair.truth;

/** Estimates the accuracy of predictions, with a 95 % confidence interval. Returns undefined for an empty array. */
export const estimateAccuracy = (pairs: readonly ClassPrediction[]): ConfidenceInterval | undefined =>
  estimateProportion(pairs.filter(isCorrect).length, pairs.length);

/** Precision and recall of one label. */
export interface LabelScore {
  readonly label: string;
  /** Number of images with this true label. */
  readonly count: number;
  /** Proportion of correct predictions among the images with this predicted label. Undefined if there are no such images. */
  readonly precision: ConfidenceInterval | undefined;
  /** Proportion of correct predictions among the images with this true label. Undefined if there are no such images. */
  readonly recall: ConfidenceInterval | undefined;
}

/** Computes the precision and recall of every label. */
export function computeLabelScores(
  { labels = [] }: TaskRecord,
  pairs: readonly ClassPrediction[],
): LabelScore[] {
  const predictedCounts = labels.map(() => 0);
  const trueCounts = labels.map(() => 0);
  const correctCounts = labels.map(() => 0);
  for (const pair of pairs) {
    const predicted = findPredictedLabel(pair);
    predictedCounts[predicted]!++;
    trueCounts[pair.truth]!++;
    if (predicted === pair.truth) correctCounts[predicted]!++;
  }
  return labels.map((label, i) => ({
    label,
    count: trueCounts[i]!,
    precision: estimateProportion(correctCounts[i]!, predictedCounts[i]!),
    recall: estimateProportion(correctCounts[i]!, trueCounts[i]!),
  }));
}

/** Bin of a reliability diagram: predictions with similar probabilities. */
export interface ReliabilityBin {
  /** Number of images in the bin. */
  readonly count: number;
  /** Mean of the predicted probabilities in the bin. */
  readonly meanProbability: number;
  /** Proportion of correct predictions in the bin. */
  readonly accuracy: ConfidenceInterval;
}

/**
 * Groups predictions into ten bins, by the probability of the second label if there are two labels, or of the predicted label if
 * there are more. `error` is the expected calibration error (M. P. Naeini et al., 2015): the mean absolute difference between
 * probability and accuracy. `bins` contains no empty bins.
 */
export function computeReliability(pairs: readonly ClassPrediction[]): {
  readonly bins: ReliabilityBin[];
  readonly error: number;
} {
  const totals = Array.from({ length: 10 }, () => ({ count: 0, sum: 0, hits: 0 }));
  for (const pair of pairs) {
    const label = pair.probabilities.length === 2 ? 1 : findPredictedLabel(pair);
    const probability = pair.probabilities[label]!;
    const total = totals[Math.max(0, Math.min(9, Math.floor(probability * 10)))]!;
    total.count++;
    total.sum += probability;
    if (pair.truth === label) total.hits++;
  }
  const bins = totals
    .filter(({ count }) => count > 0)
    .map(({ count, sum, hits }) => ({
      count,
      meanProbability: sum / count,
      accuracy: estimateProportion(hits, count)!,
    }));
  const error =
    bins.reduce(
      (total, { count, meanProbability, accuracy }) =>
        total + count * Math.abs(meanProbability - accuracy.value),
      0,
    ) / pairs.length;
  return { bins, error };
}
