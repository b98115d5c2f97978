import { getOwnValue } from '../lookup.js';
import { createRng } from '../rng.js';
import type { TaskRecord } from './history.js';
import type { PredictionRecord, RunRecord } from './runRecord.js';

/** Pictures of one task's largest errors, and of the random samples. */
export const MAX_SHOWN_ANSWERS = 12;
/** Tasks whose largest errors are pictured; with more, a page would be all pictures. */
const MAX_TASKS_WITH_IMAGES = 12;

/** How wrong an answer is: the distance to the true value, or the probability that was not given to the true label. Undefined without a label or a number. */
export function computeAnswerError(
  { name, labels: names }: TaskRecord,
  { labels, answers }: PredictionRecord,
): number | undefined {
  const label = getOwnValue(labels, name);
  const answer = getOwnValue(answers, name);
  if (label === undefined || answer === undefined) return undefined;
  if (names === undefined) {
    const error = Math.abs((answer as number) - (label as number));
    return Number.isFinite(error) ? error : undefined;
  }
  const probability = (answer as readonly number[])[names.indexOf(label as string)];
  return probability !== undefined && Number.isFinite(probability) ? 1 - probability : undefined;
}

/** The answers that are furthest off, the worst first; of equals the first. */
export function selectWorstAnswers(
  task: TaskRecord,
  answers: readonly PredictionRecord[],
  count = MAX_SHOWN_ANSWERS,
): PredictionRecord[] {
  return answers
    .map((answer, i) => ({ answer, i, error: computeAnswerError(task, answer) }))
    .filter((one): one is typeof one & { error: number } => one.error !== undefined)
    .sort((a, b) => b.error - a.error || a.i - b.i)
    .slice(0, count)
    .map(({ answer }) => answer);
}

/** Answers drawn by chance, the same for the same record. */
export function selectRandomAnswers(
  answers: readonly PredictionRecord[],
  count = MAX_SHOWN_ANSWERS,
): PredictionRecord[] {
  const order = createRng(0, 'shown in the report').permutation(answers.length);
  return order.slice(0, count).map((index) => answers[index]!);
}

/** The tasks whose errors are pictured. */
export const selectTasksWithImages = ({ tasks }: Pick<RunRecord, 'tasks'>): readonly TaskRecord[] =>
  tasks.slice(0, MAX_TASKS_WITH_IMAGES);

/** The images that a page shows, each once. */
export function selectImageIds(run: Pick<RunRecord, 'tasks' | 'answers'>): string[] {
  const shown = [
    ...selectTasksWithImages(run).flatMap((task) => selectWorstAnswers(task, run.answers)),
    ...selectRandomAnswers(run.answers),
  ];
  return [...new Set(shown.map(({ id }) => id))];
}
