import type { HistoryRow } from '../../core/records/history.js';
import { computeCost, findBestRow, type Objectives, toObjectiveList } from './objectives.js';

/**
 * Where a trial of {@link hyperband} stands in its plan.
 *
 * @category Tuner
 */
export interface Rung {
  /** Which repetition of the plan, from 0. */
  readonly iteration: number;
  /** The bracket: rounds that follow its first one. */
  readonly bracket: number;
  /** The round in its bracket, from 0. */
  readonly round: number;
  /** The last epoch of this round. */
  readonly epochs: number;
  /** The trial that is carried on, weights, optimiser and history; absent in the first round. */
  readonly parent?: number;
}

/**
 * What became of a trial: `running` until it is told, `pruned` when it was ended for lack of promise.
 *
 * @category Tuner
 */
export type TrialState = 'running' | 'complete' | 'pruned' | 'failed';

/**
 * A trial as plain data: what a study keeps of it, and all that a strategy knows.
 *
 * @typeParam V - The values of the space.
 * @category Tuner
 */
export interface TrialRecord<V = unknown> {
  /** Counts from 1. */
  readonly number: number;
  /** What is tried. */
  readonly params: V;
  /** What became of it. */
  readonly state: TrialState;
  /** Why it was pruned or failed, for people. */
  readonly reason?: string;
  /** Its epochs: any columns, those of the objectives among them. */
  readonly rows: readonly HistoryRow[];
  /** The numbers of the trials that had ended when its values were proposed: with the seed, they are what the values follow from. */
  readonly after: readonly number[];
  /** Its place in a plan of rounds. */
  readonly rung?: Rung;
  /** It was one of those to try first: its values follow from nothing else. */
  readonly isInitial?: true;
}

const TRIAL_STATES: readonly unknown[] = ['running', 'complete', 'pruned', 'failed'] satisfies TrialState[];

/** Whether something from anywhere is a record, but for its values, which a space knows. */
export function isTrialRecord(given: unknown): given is TrialRecord {
  if (typeof given !== 'object' || given === null) return false;
  const { number, state, rows, after } = given as { readonly [K in keyof TrialRecord]?: unknown };
  const isRow = (row: unknown) =>
    typeof row === 'object' && row !== null && typeof (row as { epoch?: unknown }).epoch === 'number';
  return (
    isTrialNumber(number) &&
    TRIAL_STATES.includes(state) &&
    Array.isArray(rows) &&
    rows.every(isRow) &&
    Array.isArray(after) &&
    after.every(isTrialNumber)
  );
}

const isTrialNumber = (number: unknown) => Number.isSafeInteger(number) && (number as number) >= 1;

/** Whether a trial has ended. */
export const hasEnded = ({ state }: TrialRecord): boolean => state !== 'running';

/**
 * What a trial came to, a number for each objective of which less is better: at its best epoch by the first of them. Undefined
 * for a trial that failed, or never reported a number.
 */
export function computeCosts(trial: TrialRecord, objectives: Objectives): readonly number[] | undefined {
  if (trial.state === 'failed') return undefined;
  const row = findBestRow(trial.rows, objectives);
  const costs = toObjectiveList(objectives).map((objective) => computeCost(objective, row));
  return costs.every((cost) => cost !== Number.POSITIVE_INFINITY) ? costs : undefined;
}

/**
 * The trial with the best value of the first objective among those that are complete; of equals the first. Undefined while there
 * is none.
 *
 * @example
 * ```ts
 * import { bestTrial, minimize, type TrialRecord } from 'tfjs-multitask/tuner';
 *
 * const trial = (number: number, loss: number): TrialRecord => ({
 *   ...{ number, params: {}, state: 'complete', after: [] },
 *   rows: [{ epoch: 1, loss }],
 * });
 * console.log(bestTrial([trial(1, 3), trial(2, 1), trial(3, 1)], minimize('loss'))?.number); // 2
 * ```
 * @category Tuner
 */
export function bestTrial<V>(
  trials: readonly TrialRecord<V>[],
  objectives: Objectives,
): TrialRecord<V> | undefined {
  let best: { trial: TrialRecord<V>; cost: number } | undefined;
  for (const trial of sortByNumber(trials)) {
    const cost = trial.state === 'complete' ? computeCosts(trial, objectives)?.[0] : undefined;
    if (cost !== undefined && (best === undefined || cost < best.cost)) best = { trial, cost };
  }
  return best?.trial;
}

/**
 * The complete trials of which no other is at least as good in every objective and better in one, in their order.
 *
 * @example
 * ```ts
 * import { maximize, minimize, paretoFront, type TrialRecord } from 'tfjs-multitask/tuner';
 *
 * const trial = (number: number, mae: number, accuracy: number): TrialRecord => ({
 *   ...{ number, params: {}, state: 'complete', after: [] },
 *   rows: [{ epoch: 1, mae, accuracy }],
 * });
 * const front = paretoFront([trial(1, 6, 0.8), trial(2, 7, 0.9), trial(3, 8, 0.7)], [minimize('mae'), maximize('accuracy')]);
 * console.log(front.map(({ number }) => number)); // [ 1, 2 ]
 * ```
 * @category Tuner
 */
export function paretoFront<V>(trials: readonly TrialRecord<V>[], objectives: Objectives): TrialRecord<V>[] {
  const scored = sortByNumber(trials).flatMap((trial) => {
    const costs = trial.state === 'complete' ? computeCosts(trial, objectives) : undefined;
    return costs ? [{ trial, costs }] : [];
  });
  return scored
    .filter(({ costs }) => !scored.some((other) => dominates(other.costs, costs)))
    .map(({ trial }) => trial);
}

/** Whether costs are at least as good everywhere, and better somewhere. */
export const dominates = (a: readonly number[], b: readonly number[]): boolean =>
  a.every((cost, i) => cost <= b[i]!) && a.some((cost, i) => cost < b[i]!);

/** By number: what a set says must not depend on the order in which it came. */
export const sortByNumber = <V>(trials: readonly TrialRecord<V>[]): TrialRecord<V>[] =>
  [...trials].sort((a, b) => a.number - b.number);

/** The numbers of the best trials: of one objective the best, of several those of the front. */
export function findBestTrialNumbers(
  trials: readonly TrialRecord[],
  objectives: Objectives,
): ReadonlySet<number> {
  const best = bestTrial(trials, objectives);
  const list = toObjectiveList(objectives).length > 1 ? paretoFront(trials, objectives) : best ? [best] : [];
  return new Set(list.map(({ number }) => number));
}
