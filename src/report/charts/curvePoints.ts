import type { HistoryRow } from '../../core/records/history.js';

/** Point of a curve that shows a value over the epochs. */
export interface CurvePoint {
  readonly epoch: number;
  readonly value: number;
}

/** Returns the points of a history column. Missing and non-finite values are omitted. */
export const getPoints = (rows: readonly HistoryRow[], column: string): CurvePoint[] =>
  rows.flatMap(({ epoch, [column]: value }) =>
    value !== undefined && Number.isFinite(value) ? [{ epoch, value }] : [],
  );
