import { getOwnValue } from '../../core/lookup.js';
import type { TaskRecord } from '../../core/records/history.js';
import type { RunRecord } from '../../core/records/runRecord.js';
import { type ClassPrediction, findPredictedLabel } from './classificationScores.js';
import type { NumberPrediction } from './errorBins.js';
import { estimateMean, estimateProportion, type MeanEstimate } from './estimates.js';

/** The answers of a task that have a label and a number. */
export function collectPredictions(
  { name, labels }: TaskRecord,
  { answers }: Pick<RunRecord, 'answers'>,
): {
  readonly numbers: (NumberPrediction & GroupMembership)[];
  readonly classes: (ClassPrediction & GroupMembership)[];
} {
  const numbers: (NumberPrediction & GroupMembership)[] = [];
  const classes: (ClassPrediction & GroupMembership)[] = [];
  for (const { labels: truths, answers: given, groups } of answers) {
    const truth = getOwnValue(truths, name);
    const answer = getOwnValue(given, name);
    if (truth === undefined || answer === undefined) continue;
    if (labels) {
      const probabilities = answer as readonly number[];
      if (probabilities.every(Number.isFinite))
        classes.push({ truth: labels.indexOf(truth as string), probabilities, groups });
    } else if (Number.isFinite(answer) && Number.isFinite(truth)) {
      numbers.push({ truth: truth as number, predicted: answer as number, groups });
    }
  }
  return { numbers, classes };
}

export interface GroupMembership {
  readonly groups: { readonly [group: string]: string };
}

/** One group's images and how wrong the answers are there. */
export interface GroupScore {
  readonly name: string;
  readonly count: number;
  /** Mean absolute error, or the share of right answers. */
  readonly score: MeanEstimate;
  /** Of a regression: mean of predicted minus true. */
  readonly bias: MeanEstimate | undefined;
}

/** Scores by group, all images first, and how many names are left out; groups that do not divide the images have none. */
export function computeGroupScores(
  task: TaskRecord,
  run: Pick<RunRecord, 'answers'>,
): { readonly group: string; readonly scores: GroupScore[]; readonly left: number }[] {
  const { numbers, classes } = collectPredictions(task, run);
  const scored: (GroupMembership & { readonly score: number; readonly signed?: number })[] = task.labels
    ? classes.map((pair) => ({ groups: pair.groups, score: findPredictedLabel(pair) === pair.truth ? 1 : 0 }))
    : numbers.map(({ groups, truth, predicted }) => ({
        groups,
        score: Math.abs(predicted - truth),
        signed: predicted - truth,
      }));
  const names = [...new Set(scored.flatMap(({ groups }) => Object.keys(groups)))];
  return names.flatMap((group) => {
    const members = new Map<string, typeof scored>();
    for (const one of scored) {
      const name = getOwnValue(one.groups, group);
      if (name === undefined) continue;
      const others = members.get(name) ?? [];
      others.push(one);
      members.set(name, others);
    }
    if (members.size < 2) return [];
    const kept = Array.from(members)
      .sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1))
      .slice(0, MAX_GROUPS);
    return [
      {
        group,
        left: members.size - kept.length,
        scores: [['all', scored] as const, ...kept].map(([name, images]) => ({
          name,
          count: images.length,
          score: task.labels
            ? estimateProportion(
                images.reduce((sum, { score }) => sum + score, 0),
                images.length,
              )!
            : estimateMean(
                images.map(({ score }) => score),
                0,
              )!,
          bias: task.labels ? undefined : estimateMean(images.map(({ signed }) => signed!)),
        })),
      },
    ];
  });
}

/** Groups that are told apart; those of fewest images are left out beyond it. */
export const MAX_GROUPS = 12;
