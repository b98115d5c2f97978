import { beforeAll, describe, expect, test } from 'vitest';
import type { HistoryRow } from '../../src/core/records/history.js';
import { loadReportTools } from '../../src/node/report/writeReport.js';
import { createReport, learningCurveGrid, learningCurves, type ReportTools } from '../../src/report/index.js';
import { AGE, GENDER, madeRun } from './runs.js';

let tools: ReportTools;
beforeAll(async () => {
  tools = await loadReportTools();
});

/** Without the columns of validation. */
const unvalidated = (row: HistoryRow) =>
  Object.fromEntries(
    Object.entries(row).filter(([name]) => !name.startsWith('val_')),
  ) as unknown as HistoryRow;
/** The places of a figure's lines: `[x, y]` of every point, a list a line. */
const linesOf = (svg: string) =>
  [...svg.matchAll(/<path[^>]* d="(M[^"]+)"/g)]
    .filter(([, d]) => !d!.startsWith('M0,0'))
    .map(([, d]) => [...d!.matchAll(/(-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]));

describe('runs compared', () => {
  test('of negative losses, the log-likelihoods of densities say, lie inside the picture', () => {
    const negative = (row: HistoryRow) => ({ ...row, val_age_loss: -row.epoch, age_loss: -row.epoch });
    const runs = [madeRun({ row: negative }), madeRun({ name: 'other', row: negative })] as const;
    const { svg } = createReport(runs, tools).figures.find(({ name }) => name === 'compare-age-loss')!;
    const ys = linesOf(svg)
      .flat()
      .map(([, y]) => y!);
    expect(ys.length).toBeGreaterThan(10);
    expect(Math.min(...ys)).toBeGreaterThanOrEqual(26); // the margins of 270 pixels
    expect(Math.max(...ys)).toBeLessThanOrEqual(270 - 42);
  });

  test('of which one was not validated: each has its line, and the note says which is of training', () => {
    const runs = [madeRun(), madeRun({ name: 'other', row: unvalidated })] as const;
    const { figures } = createReport(runs, tools);
    const { svg, title, note } = figures.find(({ name }) => name === 'compare-age-mae')!;
    const lines = linesOf(svg).filter((line) => line.length > 3);
    expect(lines).toHaveLength(2);
    expect(title).toBe('age: validation mae');
    expect(note).toBe('Of training, not validated: run 2.');
    const both = createReport([madeRun(), madeRun()], tools).figures;
    expect(both.find(({ name }) => name === 'compare-age-mae')).not.toHaveProperty('note');
    const none = createReport([madeRun({ row: unvalidated }), madeRun({ row: unvalidated })], tools).figures;
    expect(none.find(({ name }) => name === 'compare-age-mae')).toMatchObject({ title: 'age: training mae' });
  });
});

describe('curves side by side', () => {
  const { rows, tasks } = madeRun();
  const long = 'a setting with a title that is much longer than its column is wide';

  test('have numbers of two digits, as every figure: the last digit may differ between machines', () => {
    const svg = learningCurveGrid([{ title: 'one', runs: [{ tasks, rows }] }], {}, tools);
    expect(svg.match(/<[^>]*\d\.\d{3,}[^>]*>/)).toBeNull();
  });

  test('have titles that end before the next column', () => {
    const settings = [long, long, 'short'].map((title) => ({ title, runs: [{ tasks, rows }] }));
    for (const panelWidth of [120, 230, 400]) {
      const svg = learningCurveGrid(settings, { panelWidth }, tools);
      const heads = [...svg.matchAll(/<text x="\d+" y="78"[^>]*>([^<]*)</g)].map(([, text]) => text!);
      expect(heads[2]).toBe('short');
      // Inter of weight 600 at 13 pixels: a letter is 8 wide in the mean.
      expect(heads[0]!.length * 8).toBeLessThanOrEqual(panelWidth);
      expect(heads[0]).toMatch(/^a.*…/);
    }
  });
});

test('every accuracy is a share, whatever it is called: one rule for all figures', () => {
  const top = { ...GENDER, metrics: ['top_5_accuracy'] };
  const run = madeRun({ tasks: [AGE, GENDER] });
  const rows = run.rows.map((row) => ({ ...row, val_gender_top_5_accuracy: 0.9 }));
  const history = { tasks: [run.tasks[0]!, top], rows };
  expect(learningCurves(history, { task: 'gender' }, tools)).toContain('100 %');
  const side = learningCurveGrid([{ title: 'one', runs: [{ tasks: [top], rows }] }], {}, tools);
  expect(side).toContain('100 %');
});
