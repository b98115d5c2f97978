import fc from 'fast-check';
import { expect, test } from 'vitest';
import { computeEpochTicks } from '../../src/report/charts/epochAxis.js';
import { computeBinEdges, findBin } from '../../src/report/statistics/bins.js';
import { formatCount, formatEstimate, formatNumber } from '../../src/report/text/format.js';
import { formatPercentTick, formatTick, skipCrowdedTicks } from '../../src/report/text/tickFormat.js';

/** Formats all ticks of an axis. */
const formatTicks = (ticks: readonly number[], format = formatTick) =>
  ticks.map((tick, i) => format(tick, i, ticks));

test('formatTick uses just enough digits to distinguish the ticks, and abbreviates large and small numbers', () => {
  expect(formatTicks([0, 500, 1000])).toEqual(['0', '500', '1,000']);
  expect(formatTicks([0, 0.25, 0.5])).toEqual(['0.00', '0.25', '0.50']);
  expect(formatTicks([-1, 0, 1])).toEqual(['−1', '0', '1']);
  expect(formatTicks([0, 5000, 10000])).toEqual(['0', '5k', '10k']);
  expect(formatTicks([-2e7, 0, 2e7])).toEqual(['−20M', '0', '20M']);
  expect(formatTicks([0, 5e5, 1e6, 1.5e6])).toEqual(['0', '0.5M', '1.0M', '1.5M']);
  expect(formatTicks([0, 2e-5, 4e-5, 6e-5])).toEqual(['0', '2e−5', '4e−5', '6e−5']);
  expect(formatTicks([0, 2e-4, 4e-4])).toEqual(['0.0000', '0.0002', '0.0004']);
  expect(formatTicks([0, 1e300])).toEqual(['0', '1e300']);
  expect(formatTicks([0, 0.005, 0.01], formatPercentTick)).toEqual(['0.0 %', '0.5 %', '1.0 %']);
  expect(formatTicks([0.2, 0.4], formatPercentTick)).toEqual(['20 %', '40 %']);
});

test('formatTick returns different labels of at most eight characters for equally spaced ticks', () => {
  const step = fc
    .tuple(fc.constantFrom(1, 2, 5), fc.integer({ min: -12, max: 14 }))
    .map(([factor, power]) => Number(`${factor}e${power}`));
  fc.assert(
    fc.property(
      step,
      fc.integer({ min: -8, max: 8 }),
      fc.integer({ min: 2, max: 9 }),
      (size, first, count) => {
        const texts = formatTicks(
          Array.from({ length: count }, (_, i) => Number(((first + i) * size).toPrecision(12))),
        );
        expect(new Set(texts).size).toBe(count);
        // Eight characters are 53 pixels wide. The left margin of a chart is 58 pixels.
        for (const text of texts) expect(text.length).toBeLessThanOrEqual(8);
      },
    ),
  );
});

test('skipCrowdedTicks omits tick labels at regular intervals if they would overlap', () => {
  const ticks = Array.from({ length: 11 }, (_, i) => 0.9 + i / 1e4);
  const texts = formatTicks(ticks, skipCrowdedTicks(formatTick));
  expect(texts.filter((text) => text !== '')).toEqual([
    '0.9000',
    '0.9002',
    '0.9004',
    '0.9006',
    '0.9008',
    '0.9010',
  ]);
  expect(formatTicks([0, 10, 20], skipCrowdedTicks(formatTick))).toEqual(['0', '10', '20']);
});

test('computeEpochTicks returns at most the requested number of integers within the range of epochs', () => {
  expect(computeEpochTicks(1, 3, 10)).toEqual([1, 2, 3]);
  expect(computeEpochTicks(1, 300, 10)).toEqual([50, 100, 150, 200, 250, 300]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 5000 }), (first, span) => {
      const ticks = computeEpochTicks(first, first + span, 10);
      expect(ticks.length).toBeLessThanOrEqual(10);
      expect(ticks.length).toBeGreaterThan(0);
      for (const tick of ticks)
        expect(Number.isInteger(tick) && tick >= first && tick <= first + span).toBe(true);
    }),
  );
});

test('formatNumber abbreviates fractional numbers above a million, and formatEstimate prints no negative zero', () => {
  expect([6705970.3, 1045058, -1234567.5].map(formatNumber)).toEqual(['6.71M', '1,045,058', '−1.23M']);
  const format = (...[value, low, high]: number[]) =>
    formatEstimate({ value: value!, low: low!, high: high! }).replaceAll('\u00a0', ' ');
  expect(format(6705970, 6006746, 7457639)).toBe('6.71M (6.01M to 7.46M)');
  expect(format(6.7e-6, 6e-6, 7.5e-6)).toBe('6.7e−6 (6.0e−6 to 7.5e−6)');
  expect(format(-0.001, -0.53, 0.52)).toBe('0.00 (−0.53 to 0.52)');
  expect([formatCount(1, 'image'), formatCount(0, 'file'), formatCount(2000, 'image')]).toEqual([
    '1 image',
    '0 files',
    '2,000 images',
  ]);
});

test('computeBinEdges returns a single bin with a width of the same order of magnitude as the values if all values are equal', () => {
  expect(computeBinEdges(26, 26, 10)).toEqual([20, 30]);
  expect(computeBinEdges(-15.7, -15.7, 24)).toEqual([-20, -10]);
  expect(computeBinEdges(0, 0, 10)).toEqual([0, 1]);
  fc.assert(
    fc.property(fc.double({ min: 1e-9, max: 1e9, noNaN: true }), (value) => {
      const edges = computeBinEdges(value, value, 10);
      expect(edges).toHaveLength(2);
      expect(findBin(edges, value)).toBe(0);
      expect(edges[1]! - edges[0]!).toBeGreaterThanOrEqual(value / 10.1); // The width is one tenth of the value, and edges are rounded to twelve digits.
    }),
  );
});
