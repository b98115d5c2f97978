import { getOwnValue } from '../../core/lookup.js';
import type { TaskRecord } from '../../core/records/history.js';
import type { RunRecord } from '../../core/records/runRecord.js';
import { type ClassPrediction, estimateAccuracy } from './classificationScores.js';
import { estimateMeanAbsoluteError, type NumberPrediction } from './errorBins.js';
import { estimateMean, type MeanEstimate } from './estimates.js';

/** Groups that an image belongs to. */
export interface GroupMembership {
  /** Subgroups that the image belongs to, keyed by the name of the group, for example `{ sex: 'female' }`. */
  readonly groups: { readonly [group: string]: string };
}

/**
 * Predictions of one task for images with a label, without predictions that contain NaN or infinite values. One of the two arrays
 * is always empty, depending on the kind of task.
 */
export interface TaskPredictions {
  /** Predictions of a regression. */
  readonly numbers: readonly (NumberPrediction & GroupMembership)[];
  /** Predictions of a classification. */
  readonly classes: readonly (ClassPrediction & GroupMembership)[];
}

/** Returns the predictions of a task for images with a label, without predictions that contain NaN or infinite values. */
export function collectPredictions(
  { name, labels }: TaskRecord,
  { answers }: Pick<RunRecord, 'answers'>,
): TaskPredictions {
  const numbers: (NumberPrediction & GroupMembership)[] = [];
  const classes: (ClassPrediction & GroupMembership)[] = [];
  for (const { labels: trueLabels, answers: predictions, groups } of answers) {
    const truth = getOwnValue(trueLabels, name);
    const prediction = getOwnValue(predictions, name);
    if (truth === undefined || prediction === undefined) continue;
    if (labels) {
      const probabilities = prediction as readonly number[];
      if (probabilities.every(Number.isFinite))
        classes.push({ truth: labels.indexOf(truth as string), probabilities, groups });
    } else if (Number.isFinite(prediction) && Number.isFinite(truth)) {
      numbers.push({ truth: truth as number, predicted: prediction as number, groups });
    }
  }
  return { numbers, classes };
}

/** Score of the images of one subgroup, for example `female` in the group `sex`. */
export interface GroupScore {
  /** Name of the subgroup, or `all` for the scores of all images. */
  readonly name: string;
  /** Number of images in the subgroup. */
  readonly count: number;
  /** Mean absolute error of a regression, or accuracy of a classification. */
  readonly score: MeanEstimate;
  /** Mean of the signed errors (predicted minus true value). Undefined for a classification. */
  readonly bias: MeanEstimate | undefined;
}

/** Scores of the subgroups of one group. */
export interface GroupScores {
  /** Name of the group, for example `sex`. */
  readonly group: string;
  /** Score of all images, followed by the score of each subgroup, from the largest to the smallest subgroup. */
  readonly scores: readonly GroupScore[];
  /** Number of omitted subgroups: 0 unless the group has more than {@link MAX_GROUPS} subgroups. */
  readonly omittedCount: number;
}

/** Maximum number of subgroups for which scores are computed in each group. The subgroups with the fewest images are omitted. */
export const MAX_GROUPS = 12;

/** Computes the scores of a task for each subgroup of each group. A group with fewer than two subgroups is omitted. */
export function computeGroupScores(task: TaskRecord, run: Pick<RunRecord, 'answers'>): GroupScores[] {
  const { numbers, classes } = collectPredictions(task, run);
  return task.labels
    ? scoreGroups(classes, (pairs) => ({ score: estimateAccuracy(pairs)!, bias: undefined }))
    : scoreGroups(numbers, (pairs) => ({
        score: estimateMeanAbsoluteError(pairs)!,
        bias: estimateMean(pairs.map(({ truth, predicted }) => predicted - truth)),
      }));
}

function scoreGroups<T extends GroupMembership>(
  predictions: readonly T[],
  score: (subgroup: readonly T[]) => Pick<GroupScore, 'score' | 'bias'>,
): GroupScores[] {
  const groups = [...new Set(predictions.flatMap((prediction) => Object.keys(prediction.groups)))];
  return groups.flatMap((group) => {
    const subgroups = new Map<string, T[]>();
    for (const prediction of predictions) {
      const name = getOwnValue(prediction.groups, group);
      if (name === undefined) continue;
      const subgroup = subgroups.get(name) ?? [];
      subgroup.push(prediction);
      subgroups.set(name, subgroup);
    }
    if (subgroups.size < 2) return [];
    const largest = Array.from(subgroups)
      .sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1))
      .slice(0, MAX_GROUPS);
    return [
      {
        group,
        scores: [['all', predictions] as const, ...largest].map(([name, subgroup]) => ({
          name,
          count: subgroup.length,
          ...score(subgroup),
        })),
        omittedCount: subgroups.size - largest.length,
      },
    ];
  });
}
