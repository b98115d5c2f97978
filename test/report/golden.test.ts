import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { svgToPng } from '../../src/node/index.js';
import { loadReportTools } from '../../src/node/report/reportTools.js';
import { createReport, type ReportFigure, type ReportTools } from '../../src/report/index.js';
import { AGE, createRun, GENDER, GRADE } from './createRun.js';

let figures: readonly ReportFigure[];
let tools: ReportTools;
beforeAll(async () => {
  const run = createRun({ tasks: [AGE, GENDER, GRADE] });
  tools = await loadReportTools();
  figures = createReport([run, createRun({ name: 'shorter', epochs: 4 })], tools).figures;
});

/** Reviewed figures. `npx vitest run test/report/golden.test.ts -u` draws them again; review the new files before you commit them. */
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

test.each(GOLDEN)('createReport draws the %s figure exactly as in its golden file', async (name) => {
  const { svg } = figures.find((figure) => figure.name === name)!;
  await expect(`${svg}\n`).toMatchFileSnapshot(`golden/${name}.svg`);
});

test('createReport draws a figure with errors in the millions exactly as in its golden file', async () => {
  const run = createRun({ tasks: [{ ...AGE, name: 'price', unit: 'euro' }] });
  const price = ({ price: value }: { readonly [task: string]: unknown }) => ({
    price: 1e6 * (value as number),
  });
  const answers = run.answers.map((answer) => ({
    ...answer,
    labels: price(answer.labels),
    answers: price(answer.answers),
  }));
  const report = createReport([{ ...run, answers }], tools);
  const { svg } = report.figures.find(({ name }) => name === 'price-bands')!;
  await expect(`${svg}\n`).toMatchFileSnapshot('golden/price-bands.svg');
});

test('svgToPng draws the same pixels as in its golden file, using the font in the package', async () => {
  const readGolden = (name: string) => readFileSync(new URL(`golden/${name}`, import.meta.url));
  const png = await svgToPng(readGolden('run1-age-bands.svg').toString());
  const decode = async (bytes: Uint8Array) => sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  const [drawn, golden] = [await decode(png), await decode(readGolden('run1-age-bands.png'))];
  expect(drawn.info).toEqual(golden.info);
  expect(drawn.data.equals(golden.data)).toBe(true); // The test compares pixels and not bytes, because a different version of resvg can compress differently.
  expect(await svgToPng(readGolden('run1-age-bands.svg').toString())).toEqual(png);
});

test('svgToPng does not use fonts that are installed on the machine', async () => {
  const text = (font: string) =>
    `<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><text y="20" font-family="${font}">Wage 17</text></svg>`;
  const inter = await svgToPng(text('Inter'));
  for (const font of ['DejaVu Sans', 'Arial', 'sans-serif', 'system-ui', 'nonesuch'])
    expect(await svgToPng(text(font))).toEqual(inter);
});
