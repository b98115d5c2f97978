import type { HistoryRow } from '../core/history.js';

/** Whole epochs, at most eight ticks. */
export function epochAxis(rows: readonly HistoryRow[]) {
  const first = rows[0]?.epoch ?? 1;
  const last = rows.at(-1)?.epoch ?? 1;
  if (first === last)
    return { domain: [first - 1, first + 1], label: 'epoch', ticks: [first], tickFormat: String };
  return {
    domain: [Math.min(1, first), last],
    label: 'epoch',
    ticks: Math.min(last, 8),
    tickFormat: (epoch: number) => (Number.isInteger(epoch) ? String(epoch) : ''),
  };
}
