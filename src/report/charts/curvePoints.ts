import type { HistoryRow } from '../../core/records/history.js';

/** Point of a learning curve: the value of a history column in one epoch. */
export interface CurvePoint {
  readonly epoch: number;
  readonly value: number;
}

/** Returns the learning curve of a history column, with one point for each epoch. Missing and non-finite values are omitted. */
export const getPoints = (rows: readonly HistoryRow[], column: string): CurvePoint[] =>
  rows.flatMap(({ epoch, [column]: value }) =>
    value !== undefined && Number.isFinite(value) ? [{ epoch, value }] : [],
  );
