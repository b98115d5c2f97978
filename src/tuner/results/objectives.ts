import { createError } from '../../core/errors/errors.js';
import { formatValue } from '../../core/errors/formatValue.js';
import type { HistoryRow } from '../../core/records/history.js';

/**
 * A column of the history, and which way is better.
 *
 * @typeParam M - The column's name.
 * @category Tuner
 */
export interface Objective<M extends string = string> {
  /** `val_loss`, `val_age_mae`, …. */
  readonly metric: M;
  /** Which way is better. */
  readonly direction: 'minimize' | 'maximize';
}

/**
 * One objective, or several: what is best is then a front of trials of which none is better in all.
 *
 * @category Tuner
 */
export type Objectives = Objective | readonly [Objective, ...Objective[]];

/**
 * Searches for small values of a column.
 *
 * @throws `argument` fault for an empty name.
 * @example
 * ```ts
 * import { minimize } from 'tfjs-multitask/tuner';
 *
 * console.log(minimize('val_age_mae').direction); // minimize
 * ```
 * @category Tuner
 */
export const minimize = <const M extends string>(metric: M): Objective<M> =>
  createObjective(metric, 'minimize');

/**
 * Searches for large values of a column.
 *
 * @throws `argument` fault for an empty name.
 * @example
 * ```ts
 * import { maximize } from 'tfjs-multitask/tuner';
 *
 * console.log(maximize('val_gender_accuracy').metric); // val_gender_accuracy
 * ```
 * @category Tuner
 */
export const maximize = <const M extends string>(metric: M): Objective<M> =>
  createObjective(metric, 'maximize');

function createObjective<M extends string>(metric: M, direction: Objective['direction']): Objective<M> {
  if (typeof metric === 'string' && metric !== '') return { metric, direction };
  throw createError({
    kind: 'argument',
    path: direction,
    expected: 'the name of a column of the history',
    received: formatValue(metric),
    advice: `Write ${direction}('val_loss').`,
  });
}

/** The objectives as a list. */
export const toObjectiveList = (given: Objectives): readonly Objective[] =>
  Array.isArray(given) ? given : [given as Objective];

/** The objective that picks the epoch, and by which is pruned and promoted. */
export const getPrimaryObjective = (given: Objectives): Objective => toObjectiveList(given)[0]!;

/** The value of an objective as a number of which less is better; infinite for what is no number. */
export function computeCost({ metric, direction }: Objective, row: HistoryRow | undefined): number {
  const value = row?.[metric];
  if (typeof value !== 'number' || Number.isNaN(value)) return Number.POSITIVE_INFINITY;
  return direction === 'minimize' ? value : -value;
}

const hasObjectiveValue = (objective: Objective, row: HistoryRow): boolean =>
  computeCost(objective, row) !== Number.POSITIVE_INFINITY;

/**
 * The row of the best epoch by the first objective, of those in which all are numbers if there are any: the first of equals, as KerasTuner
 * has it; undefined where the first never is a number.
 */
export function findBestRow(rows: readonly HistoryRow[], objectives: Objectives): HistoryRow | undefined {
  const first = getPrimaryObjective(objectives);
  const whole = rows.filter((row) => toObjectiveList(objectives).every((one) => hasObjectiveValue(one, row)));
  let best: HistoryRow | undefined;
  for (const row of whole.length > 0 ? whole : rows)
    if (computeCost(first, row) < computeCost(first, best)) best = row;
  return best;
}

/** Why rows give nothing to judge a trial by: which objectives; undefined where they do. */
export function explainMissingObjectives(
  rows: readonly HistoryRow[],
  objectives: Objectives,
): string | undefined {
  const names = (list: readonly Objective[]) => list.map(({ metric }) => metric).join(', ');
  const all = toObjectiveList(objectives);
  if (rows.some((row) => all.every((one) => hasObjectiveValue(one, row)))) return undefined;
  if (rows.length === 0) return `${names(all)} was never reported`;
  const never = all.filter((one) => !rows.some((row) => hasObjectiveValue(one, row)));
  return never.length > 0
    ? `${names(never)} was never a number`
    : `no epoch has numbers of all: ${names(all)}`;
}
