import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createError } from '../../core/errors/errors.js';
import type { ChartTools, ReportTools } from '../../report/charts/chartTools.js';
import { createReport } from '../../report/pages/createReport.js';
import { createModelCard, isGeneratedCard } from '../../report/pages/modelCard.js';
import { type ReportedRun, readRunRecord } from '../../report/records/readRunRecord.js';
import { folderStore } from '../platform/folderStore.js';
import { loadPackage } from '../platform/loadPackage.js';
import { saveFigure } from './figures.js';
import { getFontPaths } from './svgToPng.js';

/**
 * Options of {@link writeReport}.
 *
 * @category Figures
 */
export interface WriteReportOptions {
  /** Whether the page shows pictures of images. Default true. */
  readonly images?: boolean;
  /** The folder that page and figures are written into. Default the first of `folders`. */
  readonly out?: string;
}

/**
 * Writes `report.html` into the folder of a run, every figure of it as SVG and PNG below `figures/`, and `MODEL_CARD.md` beside
 * the model in `best/`, unless somebody put a card of their own there. Several folders are compared on one page.
 *
 * @param folders - Where `recordRun` wrote, or several.
 * @returns The page's path.
 * @throws `file` fault for a folder without a record, and where nothing can be written; `missing-package` fault without
 *   `@observablehq/plot`, `linkedom`, `@hpcc-js/wasm-graphviz` or `@resvg/resvg-js`.
 * @example
 * ```ts
 * import { report } from 'tfjs-multitask/node';
 *
 * const error = await report('out/nothing').catch(({ message }) => message);
 * console.log(error); // out/nothing/run.json: expected the record of a run, received no file. …
 * ```
 * @category Figures
 */
export async function writeReport(
  folders: string | readonly string[],
  { images = true, out }: WriteReportOptions = {},
): Promise<string> {
  const all = typeof folders === 'string' ? [folders] : folders;
  const runs = await Promise.all(all.map((folder) => readRunRecord(folderStore(folder), { images })));
  if (!isNonEmpty(runs)) {
    throw createError({
      kind: 'argument',
      path: 'report',
      expected: 'at least one folder of a run',
      received: 'no folders',
      advice: 'Name one or more folders that recordRun() wrote.',
    });
  }
  const { page, figures } = createReport(runs, await loadReportTools());
  const into = out ?? all[0]!;
  const store = folderStore(into);
  for (const { name, svg } of figures) await saveFigure(store, `figures/${name}`, svg);
  for (const [i, run] of runs.entries()) await writeModelCard(all[i]!, run);
  await store.write('report.html', new TextEncoder().encode(page));
  return join(into, 'report.html');
}

const isNonEmpty = (runs: readonly ReportedRun[]): runs is readonly [ReportedRun, ...ReportedRun[]] =>
  runs.length > 0;

async function writeModelCard(folder: string, run: ReportedRun): Promise<void> {
  const store = folderStore(folder);
  if ((await store.read('best/model.json')) === undefined) return;
  const bytes = await store.read('best/MODEL_CARD.md');
  const before = bytes && new TextDecoder().decode(bytes);
  if (before !== undefined && !isGeneratedCard(before)) return; // somebody wrote their own
  const card = createModelCard(run, before);
  await store.write('best/MODEL_CARD.md', new TextEncoder().encode(card));
}

/** What a report is drawn with, from the packages that are installed. */
export async function loadReportTools(): Promise<ReportTools> {
  const use = 'drawing a report';
  const Plot = await loadPackage<ChartTools['Plot']>('@observablehq/plot', use);
  const { parseHTML } = await loadPackage<typeof import('linkedom')>('linkedom', use);
  const { Graphviz } = await loadPackage<typeof import('@hpcc-js/wasm-graphviz')>(
    '@hpcc-js/wasm-graphviz',
    use,
  );
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const { regular, semiBold } = getFontPaths();
  return {
    Plot,
    document: document as unknown as Document,
    graphviz: await Graphviz.load(),
    fonts: { regular: await readFile(regular), semiBold: await readFile(semiBold) },
  };
}
