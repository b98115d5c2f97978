import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { svgToPng } from '../../src/node/index.js';
import { reportTools } from '../../src/node/report.js';
import { type ReportFigure, reportOf } from '../../src/report/index.js';
import { AGE, GENDER, GRADE, madeRun } from './runs.js';

let figures: readonly ReportFigure[];
beforeAll(async () => {
  const run = madeRun({ tasks: [AGE, GENDER, GRADE] });
  figures = reportOf([run, madeRun({ name: 'shorter', epochs: 4 })], await reportTools()).figures;
});

/** Looked at once, each; `npx vitest run test/report/golden.test.ts -u` draws them anew, to be looked at again. */
const GOLDEN = [
  'compare-age-mae',
  'run1-age-mae-curves',
  'run1-age-predicted',
  'run1-age-errors',
  'run1-age-bands',
  'run1-age-by-race',
  'run1-gender-confusion',
  'run1-gender-reliability',
  'run1-grade-confusion',
  'run1-age-balance',
  'run1-race-balance',
];

test.each(GOLDEN)('%s is the figure that was looked at, to the byte', async (name) => {
  const { svg } = figures.find((one) => one.name === name)!;
  await expect(`${svg}\n`).toMatchFileSnapshot(`golden/${name}.svg`);
});

test('a PNG is the same to the byte each time, with the font of the package', async () => {
  const svg = readFileSync(new URL('golden/run1-age-bands.svg', import.meta.url), 'utf8');
  expect(await svgToPng(svg)).toEqual(await svgToPng(svg));
});
