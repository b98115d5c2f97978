import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { svgToPng } from '../../src/node/index.js';
import { loadReportTools } from '../../src/node/report/writeReport.js';
import { createReport, type ReportFigure, type ReportTools } from '../../src/report/index.js';
import { AGE, GENDER, GRADE, madeRun } from './runs.js';

let figures: readonly ReportFigure[];
let tools: ReportTools;
beforeAll(async () => {
  const run = madeRun({ tasks: [AGE, GENDER, GRADE] });
  tools = await loadReportTools();
  figures = createReport([run, madeRun({ name: 'shorter', epochs: 4 })], tools).figures;
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

test('prices in millions are the figure that was looked at, to the byte', async () => {
  const run = madeRun({ tasks: [{ ...AGE, name: 'price', unit: 'euro' }] });
  const price = ({ price: value }: { readonly [task: string]: unknown }) => ({
    price: 1e6 * (value as number),
  });
  const answers = run.answers.map((one) => ({
    ...one,
    labels: price(one.labels),
    answers: price(one.answers),
  }));
  const { figures: drawn } = createReport([{ ...run, answers }], tools);
  const { svg } = drawn.find(({ name }) => name === 'price-bands')!;
  await expect(`${svg}\n`).toMatchFileSnapshot('golden/price-bands.svg');
});

test('a PNG is the one that was looked at, set in the font of the package', async () => {
  const file = (name: string) => readFileSync(new URL(`golden/${name}`, import.meta.url));
  const png = await svgToPng(file('run1-age-bands.svg').toString());
  const pixels = async (bytes: Uint8Array) => sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  const [ours, golden] = [await pixels(png), await pixels(file('run1-age-bands.png'))];
  expect(ours.info).toEqual(golden.info);
  expect(ours.data.equals(golden.data)).toBe(true); // pixels: a newer resvg may compress them in other bytes
  expect(await svgToPng(file('run1-age-bands.svg').toString())).toEqual(png);
});

test('a PNG does not depend on the fonts of the machine', async () => {
  const text = (font: string) =>
    `<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><text y="20" font-family="${font}">Wage 17</text></svg>`;
  const inter = await svgToPng(text('Inter'));
  for (const font of ['DejaVu Sans', 'Arial', 'sans-serif', 'system-ui', 'nonesuch'])
    expect(await svgToPng(text(font))).toEqual(inter);
});
