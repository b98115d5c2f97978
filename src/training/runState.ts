import { formatValue } from '../core/errors/formatValue.js';
import type { HistoryRow } from '../core/records/history.js';

/**
 * Progress of a run in a checkpoint. Together with the weights, the optimizer slots and the options of `fit`, this record determines the
 * remaining steps.
 */
export interface RunState {
  /** Number of finished epochs. */
  readonly epoch: number;
  /** Number of finished steps in the current epoch. 0 between two epochs. */
  readonly step: number;
  /** State of the `MetricAccumulator` of the current epoch. */
  readonly sums: readonly number[];
  /** Duration of the current epoch so far, in seconds. */
  readonly seconds: number;
  /** Learning rate of the last step in the current epoch. Null before the first step. */
  readonly lastRate: number | null;
  /** Number of batches that the optimizer has processed since the beginning of the run. */
  readonly iterations: number;
  /**
   * Current learning rate, if the optimizer has a plain number as the learning rate, which callbacks can change. Null if the learning rate
   * follows a schedule.
   */
  readonly learningRate: number | null;
  readonly rows: readonly HistoryRow[];
  /** Reason why the run was stopped. Null if the run can continue. */
  readonly stopped: string | null;
  /** Name of the engine that executed the last step. */
  readonly engine: string;
  /** Epochs of the weights in the states of callbacks, by the keys of these states. */
  readonly callbackEpochs?: { readonly [key: string]: number };
}

/**
 * Checks the state of a run that was read from a checkpoint. The hash of a checkpoint detects accidental changes, but not a file that
 * another program wrote.
 *
 * @returns The state, or a noun phrase that describes why the value is not a state.
 */
export function parseRunState(value: unknown): RunState | string {
  if (!isTable(value)) return `the state ${formatValue(value)}`;
  const invalid = (Object.keys(FIELDS) as (keyof typeof FIELDS)[]).find((name) => !FIELDS[name](value[name]));
  if (invalid !== undefined) return `a state with the ${invalid} ${formatValue(value[invalid])}`;
  const state = value as unknown as RunState;
  if (state.rows.length === state.epoch) return state;
  return `a state with ${state.rows.length} rows after ${state.epoch} epochs`;
}

/** Returns whether a value that was read from JSON is an object and not an array. */
export const isTable = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isNumber = (value: unknown) => typeof value === 'number';
/** Returns whether a value that was read from JSON is a number or null. */
export const isNumberOrNull = (value: unknown) => value === null || isNumber(value);
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isNumberTable = (value: unknown) => isTable(value) && Object.values(value).every(isNumber);

const FIELDS: { readonly [Field in keyof RunState]-?: (value: unknown) => boolean } = {
  epoch: isCount,
  step: isCount,
  iterations: isCount,
  sums: (value) => Array.isArray(value) && value.every(isNumber),
  seconds: isNumber,
  lastRate: isNumberOrNull,
  learningRate: isNumberOrNull,
  rows: (value) => Array.isArray(value) && value.every((row, i) => isNumberTable(row) && row.epoch === i + 1),
  stopped: (value) => value === null || typeof value === 'string',
  engine: (value) => typeof value === 'string',
  callbackEpochs: (value) => value === undefined || isNumberTable(value),
};
