import { beforeAll, describe, expect, test } from 'vitest';
import type { HistoryRow } from '../../src/core/records/history.js';
import { loadReportTools } from '../../src/node/report/reportTools.js';
import { createReport, learningCurveGrid, learningCurves, type ReportTools } from '../../src/report/index.js';
import { AGE, createRun, GENDER } from './createRun.js';

let tools: ReportTools;
beforeAll(async () => {
  tools = await loadReportTools();
});

/** Removes the validation columns of a row. */
const removeValidation = (row: HistoryRow) =>
  Object.fromEntries(
    Object.entries(row).filter(([name]) => !name.startsWith('val_')),
  ) as unknown as HistoryRow;
/** Returns the points `[x, y]` of each line of a figure. */
const findLines = (svg: string) =>
  [...svg.matchAll(/<path[^>]* d="(M[^"]+)"/g)]
    .filter(([, d]) => !d!.startsWith('M0,0'))
    .map(([, d]) => [...d!.matchAll(/(-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]));

describe('the comparison of several runs in createReport', () => {
  test('draws negative losses, such as negative log-likelihoods, inside the figure', () => {
    const negateLoss = (row: HistoryRow) => ({ ...row, val_age_loss: -row.epoch, age_loss: -row.epoch });
    const runs = [createRun({ row: negateLoss }), createRun({ name: 'other', row: negateLoss })] as const;
    const { svg } = createReport(runs, tools).figures.find(({ name }) => name === 'compare-age-loss')!;
    const ys = findLines(svg)
      .flat()
      .map(([, y]) => y!);
    expect(ys.length).toBeGreaterThan(10);
    // The figure is 270 pixels high, with margins of 26 and 42 pixels.
    expect(Math.min(...ys)).toBeGreaterThanOrEqual(26);
    expect(Math.max(...ys)).toBeLessThanOrEqual(270 - 42);
  });

  test('draws training values for a run without validation, and the note below the figure names the run', () => {
    const runs = [createRun(), createRun({ name: 'other', row: removeValidation })] as const;
    const { figures } = createReport(runs, tools);
    const { svg, title, note } = figures.find(({ name }) => name === 'compare-age-mae')!;
    const lines = findLines(svg).filter((line) => line.length > 3);
    expect(lines).toHaveLength(2);
    expect(title).toBe('age: validation mae');
    expect(note).toBe('Training values instead of validation values: run 2.');
    const validated = createReport([createRun(), createRun()], tools).figures;
    expect(validated.find(({ name }) => name === 'compare-age-mae')).not.toHaveProperty('note');
    const unvalidated = createReport(
      [createRun({ row: removeValidation }), createRun({ row: removeValidation })],
      tools,
    ).figures;
    expect(unvalidated.find(({ name }) => name === 'compare-age-mae')).toMatchObject({
      title: 'age: training mae',
    });
  });
});

describe('learningCurveGrid', () => {
  const { rows, tasks } = createRun();
  const longTitle = 'a setting with a title that is much longer than its column is wide';

  test('rounds coordinates to two decimal places, so that its output is the same on every machine', () => {
    const svg = learningCurveGrid([{ title: 'one', runs: [{ tasks, rows }] }], {}, tools);
    expect(svg.match(/<[^>]*\d\.\d{3,}[^>]*>/)).toBeNull();
  });

  test('truncates titles to the width of their column', () => {
    const settings = [longTitle, longTitle, 'short'].map((title) => ({ title, runs: [{ tasks, rows }] }));
    for (const panelWidth of [120, 230, 400]) {
      const svg = learningCurveGrid(settings, { panelWidth }, tools);
      const titles = [...svg.matchAll(/<text x="\d+" y="78"[^>]*>([^<]*)</g)].map(([, text]) => text!);
      expect(titles[2]).toBe('short');
      // In Inter with weight 600 at 13 pixels, the mean width of a letter is 8 pixels.
      expect(titles[0]!.length * 8).toBeLessThanOrEqual(panelWidth);
      expect(titles[0]).toMatch(/^a.*…/);
    }
  });
});

test('learningCurves and learningCurveGrid show metrics as percentages if their names end in "accuracy"', () => {
  const task = { ...GENDER, metrics: ['top_5_accuracy'] };
  const run = createRun({ tasks: [AGE, GENDER] });
  const rows = run.rows.map((row) => ({ ...row, val_gender_top_5_accuracy: 0.9 }));
  const history = { tasks: [run.tasks[0]!, task], rows };
  expect(learningCurves(history, { task: 'gender' }, tools)).toContain('100 %');
  const grid = learningCurveGrid([{ title: 'one', runs: [{ tasks: [task], rows }] }], {}, tools);
  expect(grid).toContain('100 %');
});
