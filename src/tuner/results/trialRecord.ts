import type { HistoryRow } from '../../core/records/history.js';

/**
 * Position of a trial in the plan of {@link hyperband}.
 *
 * @category Tuner
 */
export interface Rung {
  /** Index of the repetition of the plan, counted from 0. */
  readonly iteration: number;
  /** Index of the bracket: its number of rounds minus 1. */
  readonly bracket: number;
  /** Index of the round in its bracket, counted from 0. */
  readonly round: number;
  /** Epoch at which this round ends, including the epochs of earlier rounds. */
  readonly epochs: number;
  /** Number of the trial whose weights, optimizer state and history this trial continues. Absent in the first round. */
  readonly parent?: number;
}

/**
 * State of a trial: `running` until the trial ends, `complete`, `pruned` if a pruner stopped the trial, or `failed`.
 *
 * @category Tuner
 */
export type TrialState = 'running' | 'complete' | 'pruned' | 'failed';

/**
 * Record of a trial as plain data. A study saves these records, and a strategy uses them to propose new params.
 *
 * @typeParam V - Type of the params of the search space.
 * @category Tuner
 */
export interface TrialRecord<V = unknown> {
  /** Number of the trial, counted from 1. */
  readonly number: number;
  /** Params with which the trial runs, for example `{ dropout: 0.3 }`. */
  readonly params: V;
  /** State of the trial: running, complete, pruned or failed. */
  readonly state: TrialState;
  /** Reason why the trial was pruned or failed, as text for the user. */
  readonly reason?: string;
  /** History rows, one per epoch. They include the columns of the objectives. */
  readonly rows: readonly HistoryRow[];
  /** Numbers of the trials that had ended when the params were proposed. These trials and the seed determine the params. */
  readonly after: readonly number[];
  /** Position of the trial in the plan of {@link hyperband}. Absent with other strategies. */
  readonly rung?: Rung;
  /** True if the params come from `initialParams` and not from the strategy. */
  readonly isInitial?: true;
}

const TRIAL_STATES: readonly unknown[] = ['running', 'complete', 'pruned', 'failed'] satisfies TrialState[];

/** Tests whether an untrusted value is a trial record. Does not check `params`, because valid params depend on the search space. */
export function isTrialRecord(value: unknown): value is TrialRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { number, state, rows, after } = value as { readonly [K in keyof TrialRecord]?: unknown };
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

/** Tests whether a trial has ended. */
export const hasEnded = ({ state }: TrialRecord): boolean => state !== 'running';

/** Returns the trials sorted by number, so that results do not depend on the order of the records. */
export const sortByNumber = <V>(trials: readonly TrialRecord<V>[]): TrialRecord<V>[] =>
  [...trials].sort((a, b) => a.number - b.number);
