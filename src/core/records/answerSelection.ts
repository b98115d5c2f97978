import { getOwnValue } from '../lookup.js';
import { createRng } from '../rng.js';
import type { TaskRecord } from './history.js';
import type { PredictionRecord, RunRecord } from './runRecord.js';

/**
 * Maximum number of images in one section of a report. A section shows the images with the largest errors of one task, or a random sample.
 */
export const MAX_SHOWN_ANSWERS = 12;
/**
 * Maximum number of tasks for which a report shows the images with the largest errors. The limit keeps the report of a model with many
 * tasks short.
 */
const MAX_TASKS_WITH_IMAGES = 12;

/**
 * Returns the error of a prediction: the absolute error for a regression task, or one minus the probability of the true label. Returns
 * undefined if the label is missing or the value is not finite.
 */
export function computeAnswerError(
  { name, labels: taskLabels }: TaskRecord,
  { labels, answers }: PredictionRecord,
): number | undefined {
  const label = getOwnValue(labels, name);
  const answer = getOwnValue(answers, name);
  if (label === undefined || answer === undefined) return undefined;
  if (taskLabels === undefined) {
    const error = Math.abs((answer as number) - (label as number));
    return Number.isFinite(error) ? error : undefined;
  }
  const probability = (answer as readonly number[])[taskLabels.indexOf(label as string)];
  return probability !== undefined && Number.isFinite(probability) ? 1 - probability : undefined;
}

/** Returns the predictions with the largest errors for a task, worst first. Predictions with equal errors keep their order. */
export function selectWorstAnswers(
  task: TaskRecord,
  answers: readonly PredictionRecord[],
  count = MAX_SHOWN_ANSWERS,
): PredictionRecord[] {
  return answers
    .map((answer, i) => ({ answer, i, error: computeAnswerError(task, answer) }))
    .filter((entry): entry is typeof entry & { error: number } => entry.error !== undefined)
    .sort((a, b) => b.error - a.error || a.i - b.i)
    .slice(0, count)
    .map(({ answer }) => answer);
}

/** Returns a random sample of the predictions. The seed is fixed, so that all reports of the same run show the same sample. */
export function selectRandomAnswers(
  answers: readonly PredictionRecord[],
  count = MAX_SHOWN_ANSWERS,
): PredictionRecord[] {
  const order = createRng(0, 'shown in the report').permutation(answers.length);
  return order.slice(0, count).map((index) => answers[index]!);
}

/** Returns the tasks for which a report shows the images with the largest errors. */
export const selectTasksWithImages = ({ tasks }: Pick<RunRecord, 'tasks'>): readonly TaskRecord[] =>
  tasks.slice(0, MAX_TASKS_WITH_IMAGES);

/** Returns the ids of the images that the report of a run shows, without duplicates. */
export function selectImageIds(run: Pick<RunRecord, 'tasks' | 'answers'>): string[] {
  const shown = [
    ...selectTasksWithImages(run).flatMap((task) => selectWorstAnswers(task, run.answers)),
    ...selectRandomAnswers(run.answers),
  ];
  return [...new Set(shown.map(({ id }) => id))];
}

/** Returns the names of the image files that a record refers to, without duplicates. */
export const listImageFiles = ({
  pictures,
  augmented,
  gradCams,
}: Pick<RunRecord, 'pictures' | 'augmented' | 'gradCams'>): string[] => [
  ...new Set([
    ...pictures.map(({ file }) => file),
    ...augmented.flatMap((row) => row.files),
    ...gradCams.map(({ image }) => image),
  ]),
];
