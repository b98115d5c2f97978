import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRng } from '../../src/core/rng.js';
import { computeBinEdges, findBin } from '../../src/report/statistics/bins.js';
import {
  computeLabelScores,
  computeReliability,
  findPredictedLabel,
} from '../../src/report/statistics/classificationScores.js';
import { computeErrorBins } from '../../src/report/statistics/errorBins.js';
import {
  computeQuantile,
  computeTQuantile,
  estimateMean,
  estimateProportion,
} from '../../src/report/statistics/estimates.js';
import { computeGroupScores } from '../../src/report/statistics/groupScores.js';
import {
  formatDuration,
  formatEstimate,
  formatNumber,
  formatPercent,
  truncateMiddle,
} from '../../src/report/text/format.js';
import { AGE, createRun, GENDER } from './createRun.js';

const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });

describe('estimateProportion', () => {
  test('returns the same Wilson interval as R for 8 successes in 10 trials', () => {
    // R: prop.test(8, 10, correct = FALSE)$conf.int
    const { value, low, high } = estimateProportion(8, 10)!;
    expect(value).toBe(0.8);
    expect(low).toBeCloseTo(0.4901625, 6);
    expect(high).toBeCloseTo(0.9433178, 6);
  });

  test('returns an interval that contains the proportion, stays between 0 and 1, and is narrower for ten times as many images', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (count, proportion) => {
          const hits = Math.round(proportion * count);
          const { value, low, high } = estimateProportion(hits, count)!;
          const larger = estimateProportion(10 * hits, 10 * count)!;
          // The tolerance is for rounding errors at 0 and 1.
          expect(0 <= low && low <= value + 1e-12 && value - 1e-12 <= high && high <= 1).toBe(true);
          expect(larger.high - larger.low).toBeLessThan(high - low);
        },
      ),
    );
    expect(estimateProportion(0, 0)).toBeUndefined();
  });
});

describe('estimateMean', () => {
  test('returns an interval that contains the mean and does not depend on the order of the values', () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 5, maxLength: 40 }), (values) => {
        const mean = estimateMean(values)!;
        expect(estimateMean([...values].reverse())).toEqual(mean);
        const rounding = 1e-9 * Math.max(...values.map(Math.abs));
        expect(mean.low).toBeLessThanOrEqual(mean.value + rounding);
        expect(mean.high).toBeGreaterThanOrEqual(mean.value - rounding);
      }),
      { numRuns: 30 },
    );
  });

  test('returns no interval for fewer than five values, and no bound below the `minimum` argument', () => {
    expect(estimateMean([])).toBeUndefined();
    expect(estimateMean([1, 2, 3, 6])).toEqual({ value: 3 });
    expect(formatEstimate(estimateMean([1, 2, 3, 6]))).toBe('3 (–)');
    const skewed = [0.01, 0.01, 0.01, 0.01, 5];
    expect(estimateMean(skewed)!.low).toBeLessThan(0);
    expect(estimateMean(skewed, 0)!.low).toBe(0);
  });

  const exponential = (random: ReturnType<typeof createRng>) => -Math.log(1 - random.next());
  const normal = (random: ReturnType<typeof createRng>) => 1 + random.normal();
  // Coverage in 1,500 trials with a numpy implementation. For the plain percentile interval, the coverage is 84, 88, 94, 95, 78, 86 and 91 %.
  test.each([
    ['normal', 5, 0.937, normal],
    ['normal', 8, 0.945, normal],
    ['normal', 30, 0.951, normal],
    ['normal', 60, 0.957, normal],
    ['exponential', 5, 0.889, exponential],
    ['exponential', 8, 0.904, exponential],
    ['exponential', 30, 0.926, exponential],
  ] as const)(
    'returns an interval with the expected coverage for samples from a distribution that is %s, with %i values per sample',
    (name, count, expectedCoverage, draw) => {
      const trials = 500;
      const coveredCount = Array.from({ length: trials }, (_, trial) => {
        const random = createRng(3, name, count, trial);
        const { low, high } = estimateMean(Array.from({ length: count }, () => draw(random)))!;
        return low! <= 1 && 1 <= high!;
      }).filter(Boolean).length;
      // At a coverage of 0.889, the standard deviation is 1.4 % with 500 trials and 0.8 % with 1,500 trials, and 1.6 % for their difference. The tolerance is three times that, 4.8 %.
      expect(Math.abs(coveredCount / trials - expectedCoverage)).toBeLessThan(0.045);
    },
  );

  test('uses the same t quantiles as scipy', () => {
    // scipy 1.17.1: scipy.stats.t.ppf(0.975, df)
    const scipyQuantiles = [
      [4, 2.7764451051977934],
      [5, 2.5705818356363146],
      [7, 2.364624251592784],
      [11, 2.200985160091639],
      [29, 2.045229642132703],
      [59, 2.000995378088267],
      [199, 1.9719565442517533],
      [999, 1.9623414611334493],
    ] as const;
    // The next term of the expansion is 0.0007 for four degrees of freedom, and one sixteenth of that for seven.
    for (const [degreesOfFreedom, t] of scipyQuantiles)
      expect(Math.abs(computeTQuantile(degreesOfFreedom) - t)).toBeLessThan(1 / degreesOfFreedom ** 5);
  });
});

test('computeBinEdges returns at most the requested number of bins, and the bins contain all values', () => {
  fc.assert(
    fc.property(
      finite,
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.integer({ min: 2, max: 30 }),
      (low, span, count) => {
        const high = low + span;
        const edges = computeBinEdges(low, high, count);
        expect(edges.length - 1).toBeLessThanOrEqual(count);
        expect(edges.length).toBeGreaterThanOrEqual(2);
        const tolerance = 1e-9 * Math.max(1, Math.abs(low), Math.abs(high)); // Edges are rounded to twelve digits.
        expect(edges[0]).toBeLessThanOrEqual(low + tolerance);
        expect(edges.at(-1)).toBeGreaterThanOrEqual(high - tolerance);
        for (const value of [low, high, (low + high) / 2]) {
          const i = findBin(edges, value);
          expect(i).toBeGreaterThanOrEqual(0);
          expect(i).toBeLessThan(edges.length - 1);
        }
      },
    ),
  );
  expect(computeBinEdges(0, 0.35, 4)).toEqual([0, 0.1, 0.2, 0.3, 0.4]);
  expect(computeBinEdges(1, 89, 10)).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
});

test('computeQuantile returns a value from the list or interpolates between two values', () => {
  expect(computeQuantile([1, 2, 3, 4], 0.5)).toBe(2.5);
  expect(computeQuantile([1, 2, 3], 1)).toBe(3);
});

test('error bins, label scores, reliability bins and group scores count every image exactly once', () => {
  const run = createRun({ images: 137 });
  const sum = (counts: readonly { readonly count: number }[]) =>
    counts.reduce((total, { count }) => total + count, 0);
  const pairs = run.answers.map(({ labels, answers }) => ({
    truth: labels.age as number,
    predicted: answers.age as number,
  }));
  expect(sum(computeErrorBins(pairs))).toBe(137);
  const classes = run.answers.map(({ labels, answers }) => ({
    truth: GENDER.labels!.indexOf(labels.gender as string),
    probabilities: answers.gender as readonly number[],
  }));
  expect(sum(computeLabelScores(GENDER, classes))).toBe(137);
  expect(sum(computeReliability(classes).bins)).toBe(137);
  for (const task of [AGE, GENDER]) {
    const [{ scores }] = computeGroupScores(task, run) as [ReturnType<typeof computeGroupScores>[number]];
    const [all, ...subgroups] = scores;
    expect(all!.count).toBe(137);
    expect(sum(subgroups)).toBe(137);
    const mean = subgroups.reduce((total, { count, score }) => total + count * score.value, 0) / 137;
    expect(mean).toBeCloseTo(all!.score.value, 9);
  }
});

test('computeLabelScores and computeReliability return the hand-computed precision, recall and calibration error for four images', () => {
  const pair = (truth: number, second: number) => ({ truth, probabilities: [1 - second, second] });
  const pairs = [pair(0, 0.2), pair(0, 0.7), pair(1, 0.7), pair(1, 0.9)];
  expect(pairs.map(findPredictedLabel)).toEqual([0, 1, 1, 1]);
  const [male, female] = computeLabelScores(GENDER, pairs);
  expect([male!.precision!.value, male!.recall!.value]).toEqual([1, 0.5]);
  expect([female!.precision!.value, female!.recall!.value]).toEqual([2 / 3, 1]);
  // Bins at 0.2 (accuracy 0), 0.7 (accuracy 0.5) and 0.9 (accuracy 1): (0.2 + 2 * 0.2 + 0.1) / 4.
  expect(computeReliability(pairs).error).toBeCloseTo(0.175, 12);
});

test('formatNumber, formatPercent, formatEstimate and formatDuration return short strings, including for NaN and missing values', () => {
  expect(
    [
      0,
      0.30000000000000004,
      5.6149,
      56.149,
      561.49,
      5614.9,
      1234567,
      -0.5,
      1.2e-5,
      3e9,
      Number.NaN,
      Number.NEGATIVE_INFINITY,
      undefined,
    ].map((value) => formatNumber(value)),
  ).toEqual([
    '0',
    '0.3',
    '5.61',
    '56.1',
    '561',
    '5,615',
    '1,234,567',
    '−0.5',
    '1.2e−5',
    '3.0e+9',
    'NaN',
    '−∞',
    'n/a',
  ]);
  expect(formatPercent(0.88049)).toBe('88.0\u00a0%');
  expect(formatEstimate({ value: 5.6, low: 5.2, high: 6.034 })).toBe('5.60 (5.20\u00a0to\u00a06.03)');
  expect(formatEstimate({ value: 0.0002, low: -2, high: 2 })).toBe('0.00 (−2.00\u00a0to\u00a02.00)');
  expect(formatEstimate({ value: 0.5, low: 0.25, high: 0.75 }, 'proportion')).toBe(
    '50.0\u00a0% (25.0\u00a0to\u00a075.0)',
  );
  expect([3.04, 48, 200, 7500].map((seconds) => formatDuration(seconds).replaceAll('\u00a0', ' '))).toEqual([
    '3.0 s',
    '48 s',
    '3 min 20 s',
    '2 h 5 min',
  ]);
  expect(truncateMiddle('abcdefgh', 5)).toBe('ab…gh');
  expect(truncateMiddle('a\n b', 5)).toBe('a b');
});
