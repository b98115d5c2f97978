import { join, resolve } from 'node:path';
import * as checks from '../../core/errors/checks.js';
import { createError, createFileError } from '../../core/errors/errors.js';
import { readStoreFile } from '../../core/platform/readStoreFile.js';
import { isModelOfOtherRun } from '../../core/records/checkpointEpoch.js';
import { createReport } from '../../report/pages/createReport.js';
import { createModelCard, isGeneratedCard } from '../../report/pages/modelCard.js';
import { type ReportedRun, readRunRecord } from '../../report/records/readRunRecord.js';
import { folderStore } from '../platform/folderStore.js';
import { saveFigures } from './figures.js';
import { loadReportTools } from './reportTools.js';

/**
 * Options for {@link writeReport}.
 *
 * @category Figures
 */
export interface WriteReportOptions {
  /** Whether the page shows images. Default true. */
  readonly images?: boolean;
  /** Folder to which the page and the figures are written. Default: the first of `folders`. */
  readonly out?: string;
}

/**
 * Writes the report of one or more runs:
 *
 * - `report.html`: one page for all runs. If there are several runs, the page compares them.
 * - `figures/`: every figure of the page as SVG and PNG.
 * - `best/MODEL_CARD.md` in the folder of each run. A model card that you wrote yourself is not replaced, and none is written for a model that
 *   a later run saved.
 *
 * @param folders - Folder that `recordRun` wrote, or an array of such folders.
 * @returns Path of the page.
 * @throws A `file` error if a folder contains no record, if `out` is the folder of a run that is not in `folders`, or if the files cannot be
 *   written. A `missing-package` error if
 *   `@observablehq/plot`, `linkedom`, `@hpcc-js/wasm-graphviz` or `@resvg/resvg-js` is not installed.
 * @example
 * ```ts
 * import { writeReport } from 'tfjs-multitask/node';
 *
 * const error = await writeReport('out/nothing').catch(({ message }) => message);
 * console.log(error); // out/nothing/run.json: expected the record of a run, received a file that does not exist. …
 * ```
 * @category Figures
 */
export async function writeReport(
  folders: string | readonly string[],
  options: WriteReportOptions = {},
): Promise<string> {
  checks.options(
    'writeReport',
    options,
    { images: true, out: true },
    {
      advice: "Pass the folders as an array: writeReport(['out/a', 'out/b'], { out: 'out' }).",
    },
  );
  const { images = true, out } = options;
  checks.boolean('writeReport.images', images, { advice: 'Omit it to use the default, true.' });
  if (out !== undefined)
    checks.string('writeReport.out', out, { noun: 'the path of a folder', advice: "Write out: 'report'." });
  const all = typeof folders === 'string' ? [folders] : folders;
  checks.list('writeReport.folders', all, {
    noun: 'a folder, or an array of folders',
    advice: "Write writeReport('out').",
  });
  if (out !== undefined) await checkOutputFolder(out, all);
  const runs = await Promise.all(all.map((folder) => readRunRecord(folderStore(folder), { images })));
  if (!isNonEmpty(runs)) {
    throw createError({
      kind: 'argument',
      path: 'report',
      expected: 'the folder of at least one run',
      received: 'no folders',
      advice: 'Pass one or more folders that recordRun() wrote.',
    });
  }
  const { page, figures } = createReport(runs, await loadReportTools());
  const outputFolder = out ?? all[0]!;
  const store = folderStore(outputFolder);
  await saveFigures(
    store,
    figures.map(({ name, svg }) => ({ name: `figures/${name}`, svg })),
  );
  for (const [i, run] of runs.entries()) await writeModelCard(all[i]!, run);
  await store.write('report.html', new TextEncoder().encode(page));
  return join(outputFolder, 'report.html');
}

/** Throws a `file` error if the page would replace the page of a run that is not in the report. */
async function checkOutputFolder(out: string, folders: readonly string[]): Promise<void> {
  if (folders.some((folder) => resolve(folder) === resolve(out))) return;
  if ((await readStoreFile(folderStore(out), 'run.json')) === undefined) return;
  throw createFileError(
    join(out, 'run.json'),
    'a folder without a run, or the folder of a run in the report',
    'the folder of another run',
    'Choose another folder for the report.',
  );
}

const isNonEmpty = (runs: readonly ReportedRun[]): runs is readonly [ReportedRun, ...ReportedRun[]] =>
  runs.length > 0;

async function writeModelCard(folder: string, run: ReportedRun): Promise<void> {
  const store = folderStore(folder);
  if ((await readStoreFile(store, 'best/model.json')) === undefined) return;
  if (await isModelOfOtherRun(store, 'best', run.rows)) return;
  const bytes = await readStoreFile(store, 'best/MODEL_CARD.md');
  const existingCard = bytes && new TextDecoder().decode(bytes);
  if (existingCard !== undefined && !isGeneratedCard(existingCard)) return; // The user wrote this card.
  const card = createModelCard(run, existingCard);
  await store.write('best/MODEL_CARD.md', new TextEncoder().encode(card));
}
