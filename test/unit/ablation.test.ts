import { describe, expect, test } from 'vitest';
import { compareSettings, formatAblationTable } from '../../examples/study/ablationTable.js';
import { estimateMean, isSignificant } from '../../examples/study/statistics.js';
import { createRng, type HistoryRecord } from '../../src/entries/node.js';

/** Returns a run of three epochs. The second epoch is the best by `val_loss`. */
const run = (mae: number, accuracy: number) =>
  ({
    rows: [9, 1, 5].map((val_loss, i) => ({
      epoch: i + 1,
      val_loss,
      val_age_mae: val_loss === 1 ? mae : 0,
      val_gender_accuracy: val_loss === 1 ? accuracy : 1,
    })),
  }) as unknown as HistoryRecord;

describe('the statistics in the ablation example', () => {
  test('include the same confidence interval as a calculation by hand', () => {
    // The values 2, 4 and 9 have a standard deviation of √13. The t quantile at 97.5 % with two degrees of freedom is 4.303.
    const { mean, deviation, margin } = estimateMean([2, 4, 9]);
    expect(mean).toBe(5);
    expect(deviation).toBeCloseTo(Math.sqrt(13), 12);
    expect(margin).toBeCloseTo((4.303 * Math.sqrt(13)) / Math.sqrt(3), 12);
    expect(estimateMean([7])).toEqual({ mean: 7, deviation: undefined, margin: undefined });
  });

  test.each([2, 3, 5, 12, 40])(
    'classify pure noise over %i seeds as significant in about one of twenty cases',
    (seeds) => {
      const random = createRng(1, 'noise', String(seeds));
      const significant = Array.from({ length: 8000 }, () =>
        isSignificant(estimateMean(Array.from({ length: seeds }, () => random.normal()))),
      ).filter(Boolean).length;
      // Four standard deviations of a proportion of 0.05 in 8,000 trials. Beyond 15 degrees of freedom, the interval is slightly too wide.
      const [low, high] = [seeds > 16 ? 0.03 : 0.04, 0.06];
      expect(significant / 8000).toBeGreaterThan(low);
      expect(significant / 8000).toBeLessThan(high);
    },
  );

  test('do not classify a difference as significant if it is equal for all seeds', () => {
    for (const values of [[0.05, 0.05], [0.85 - 0.8, 0.75 - 0.7, 0.05], [0, 0], [0.1]])
      expect(isSignificant(estimateMean(values))).toBe(false);
    expect(isSignificant(estimateMean([0.05, 0.0501]))).toBe(true);
  });
});

describe('formatAblationTable', () => {
  const neither = { title: 'neither', runs: [run(10, 0.9), run(20, 0.8), run(30, 0.7)] };

  test('compares runs with the same seed, so that the effect of the split cancels out', () => {
    const gender = { title: 'gender', runs: [run(11, 0.88), run(21.1, 0.77), run(30.9, 0.69)] };
    const [first, second] = compareSettings([neither, gender]);
    expect(first!.bestEpochs).toEqual([2, 2, 2]);
    expect(first!.measures.map(({ difference }) => difference)).toEqual([undefined, undefined]);
    const [age, sex] = second!.measures;
    expect(age!.values).toEqual([11, 21.1, 30.9]);
    expect(age!.over.deviation).toBeGreaterThan(9);
    expect(age!.difference!.mean).toBeCloseTo(1, 10);
    expect(age!.difference!.deviation).toBeCloseTo(0.1, 10);
    expect(sex!.difference!.mean).toBeCloseTo(-0.02, 10);
    const table = formatAblationTable([first!, second!]);
    expect(table.split('\n')[3]).toBe(
      '| gender   | 2, 2, 2    | 21.00 ± 9.95   | +1.00 ± 0.25 * | 78.0 ± 9.5  | -2.0 ± 2.5     |',
    );
    expect(table).toContain('3 seeds');
    expect(table).toContain('one star among 2');
  });

  test('shows differences without uncertainty if there is only one seed', () => {
    const one = compareSettings([
      { title: 'neither', runs: [run(10, 0.9)] },
      { title: 'both', runs: [run(9.999, 0.95)] },
    ]);
    const table = formatAblationTable(one);
    expect(table).toContain(
      '| both     | 2          | 10.00          | 0.00           | 95.0      | +5.0           |',
    );
    expect(table).toContain('Ask for more with --seeds');
    expect(table).not.toMatch(/[±*]|NaN|undefined|-0\.00/);
  });
});
