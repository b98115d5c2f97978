import type { TaskRecord } from '../core/history.js';
import { rng } from '../core/rng.js';
import type { AnswerRecord, RunRecord } from '../core/runRecord.js';
import { own } from './own.js';

/** Pictures of one task's largest errors, and of the random samples. */
export const SHOWN = 12;
/** Tasks whose largest errors are pictured; with more, a page would be all pictures. */
const PICTURED_TASKS = 12;

/** How wrong an answer is: the distance to the true value, or the probability that was not given to the true label. Undefined without a label or a number. */
export function errorOf(
  { name, labels: names }: TaskRecord,
  { labels, answers }: AnswerRecord,
): number | undefined {
  const label = own(labels, name);
  const answer = own(answers, name);
  if (label === undefined || answer === undefined) return undefined;
  if (names === undefined) {
    const error = Math.abs((answer as number) - (label as number));
    return Number.isFinite(error) ? error : undefined;
  }
  const probability = (answer as readonly number[])[names.indexOf(label as string)];
  return probability !== undefined && Number.isFinite(probability) ? 1 - probability : undefined;
}

/** The answers that are furthest off, the worst first; of equals the first. */
export function worstAnswers(
  task: TaskRecord,
  answers: readonly AnswerRecord[],
  count = SHOWN,
): AnswerRecord[] {
  return answers
    .map((answer, i) => ({ answer, i, error: errorOf(task, answer) }))
    .filter((one): one is typeof one & { error: number } => one.error !== undefined)
    .sort((a, b) => b.error - a.error || a.i - b.i)
    .slice(0, count)
    .map(({ answer }) => answer);
}

/** Answers drawn by chance, the same for the same record. */
export function randomAnswers(answers: readonly AnswerRecord[], count = SHOWN): AnswerRecord[] {
  const order = rng(0, 'shown in the report').permutation(answers.length);
  return order.slice(0, count).map((index) => answers[index]!);
}

/** The tasks whose errors are pictured. */
export const picturedTasks = ({ tasks }: Pick<RunRecord, 'tasks'>): readonly TaskRecord[] =>
  tasks.slice(0, PICTURED_TASKS);

/** The images that a page shows, each once. */
export function shownIds(run: Pick<RunRecord, 'tasks' | 'answers'>): string[] {
  const shown = [
    ...picturedTasks(run).flatMap((task) => worstAnswers(task, run.answers)),
    ...randomAnswers(run.answers),
  ];
  return [...new Set(shown.map(({ id }) => id))];
}
