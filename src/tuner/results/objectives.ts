import * as checks from '../../core/errors/checks.js';
import { createError } from '../../core/errors/errors.js';
import { formatValue } from '../../core/errors/formatValue.js';
import type { HistoryRow } from '../../core/records/history.js';

/**
 * A history column that a search minimizes or maximizes.
 *
 * @typeParam M - Name of the column.
 * @category Tuner
 */
export interface Objective<M extends string = string> {
  /** Name of the column, for example `val_loss` or `val_age_mae`. */
  readonly metric: M;
  /** Whether smaller or larger values are better. */
  readonly direction: 'minimize' | 'maximize';
}

/**
 * One objective, or an array of several. With several objectives, the best trials are those on the Pareto front.
 *
 * @category Tuner
 */
export type Objectives = Objective | readonly [Objective, ...Objective[]];

/**
 * Creates an objective that minimizes a column of the history.
 *
 * @throws An `argument` error if the name is empty.
 * @example
 * ```ts
 * import { minimize } from 'tfjs-multitask/tuner';
 *
 * console.log(minimize('val_age_mae').direction); // minimize
 * ```
 * @category Tuner
 */
export function minimize<const M extends string>(metric: M): Objective<M> {
  checks.noOptions('minimize', arguments[1]);
  return createObjective(metric, 'minimize');
}

/**
 * Creates an objective that maximizes a column of the history.
 *
 * @throws An `argument` error if the name is empty.
 * @example
 * ```ts
 * import { maximize } from 'tfjs-multitask/tuner';
 *
 * console.log(maximize('val_gender_accuracy').metric); // val_gender_accuracy
 * ```
 * @category Tuner
 */
export function maximize<const M extends string>(metric: M): Objective<M> {
  checks.noOptions('maximize', arguments[1]);
  return createObjective(metric, 'maximize');
}

function createObjective<M extends string>(metric: M, direction: Objective['direction']): Objective<M> {
  if (typeof metric === 'string' && metric !== '') return { metric, direction };
  throw createError({
    kind: 'argument',
    path: direction,
    expected: 'the name of a history column',
    received: formatValue(metric),
    advice: `Write ${direction}('val_loss').`,
  });
}

/** Returns the objectives as an array. */
export const toObjectiveList = (objectives: Objectives): readonly Objective[] =>
  Array.isArray(objectives) ? objectives : [objectives as Objective];

/** Returns the first objective, which determines the best epoch, pruning and promotion. */
export const getPrimaryObjective = (objectives: Objectives): Objective => toObjectiveList(objectives)[0]!;

/**
 * Computes the cost of one epoch: the value of the objective, negated if the objective is maximized, so that a lower cost is always
 * better. The cost is infinite if the value is missing or NaN.
 */
export function computeCost({ metric, direction }: Objective, row: HistoryRow | undefined): number {
  const value = row?.[metric];
  if (typeof value !== 'number' || Number.isNaN(value)) return Number.POSITIVE_INFINITY;
  return direction === 'minimize' ? value : -value;
}

const hasObjectiveValue = (objective: Objective, row: HistoryRow): boolean =>
  computeCost(objective, row) !== Number.POSITIVE_INFINITY;

/**
 * Returns the history row of the best epoch according to the first objective. Rows with a number for every objective are preferred.
 * If several epochs are equally good, returns the first of them, as KerasTuner does. Returns undefined if the first objective is
 * never a number.
 */
export function findBestRow(rows: readonly HistoryRow[], objectives: Objectives): HistoryRow | undefined {
  const primary = getPrimaryObjective(objectives);
  const completeRows = rows.filter((row) =>
    toObjectiveList(objectives).every((objective) => hasObjectiveValue(objective, row)),
  );
  let best: HistoryRow | undefined;
  for (const row of completeRows.length > 0 ? completeRows : rows)
    if (computeCost(primary, row) < computeCost(primary, best)) best = row;
  return best;
}

/**
 * Explains why a trial with these history rows cannot be evaluated, by listing the objectives without a numeric value. Returns
 * undefined if the trial can be evaluated.
 */
export function explainMissingObjectives(
  rows: readonly HistoryRow[],
  objectives: Objectives,
): string | undefined {
  const formatMetrics = (list: readonly Objective[]) => list.map(({ metric }) => metric).join(', ');
  const all = toObjectiveList(objectives);
  if (rows.some((row) => all.every((objective) => hasObjectiveValue(objective, row)))) return undefined;
  if (rows.length === 0) return `${formatMetrics(all)} was never reported`;
  const missing = all.filter((objective) => !rows.some((row) => hasObjectiveValue(objective, row)));
  return missing.length > 0
    ? `${formatMetrics(missing)} was never a number`
    : `no epoch has numbers for all objectives: ${formatMetrics(all)}`;
}
