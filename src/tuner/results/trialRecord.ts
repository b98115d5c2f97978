import type { HistoryRow } from '../../core/records/history.js';

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

/** By number: what a set says must not depend on the order in which it came. */
export const sortByNumber = <V>(trials: readonly TrialRecord<V>[]): TrialRecord<V>[] =>
  [...trials].sort((a, b) => a.number - b.number);
