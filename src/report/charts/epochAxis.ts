import type { HistoryRow } from '../../core/records/history.js';

/** Returns the Plot options of an x axis that shows epochs, with at most ten ticks. */
export function createEpochAxis(rows: readonly HistoryRow[]) {
  const first = rows[0]?.epoch ?? 1;
  const last = rows.at(-1)?.epoch ?? 1;
  if (first === last)
    return { domain: [first - 1, first + 1], label: 'epoch', ticks: [first], tickFormat: String };
  return {
    domain: [Math.min(1, first), last],
    label: 'epoch',
    ticks: computeEpochTicks(Math.min(1, first), last, 10),
    tickFormat: String,
  };
}

/** Returns at most `count` epochs from `first` to `last`, at intervals of 1, 2 or 5 times a power of ten. */
export function computeEpochTicks(first: number, last: number, count: number): number[] {
  let step = 1;
  for (let i = 0; Math.floor(last / step) - Math.ceil(first / step) + 1 > count; i++)
    step *= i % 3 === 1 ? 2.5 : 2;
  const firstMultiple = Math.ceil(first / step);
  const tickCount = Math.floor(last / step) - firstMultiple + 1;
  return Array.from({ length: tickCount }, (_, i) => (firstMultiple + i) * step);
}
