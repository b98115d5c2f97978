import { join } from 'node:path';
import * as checks from '../../core/errors/checks.js';
import { createStudyReport } from '../../report/study/createStudyReport.js';
import { checkResultsArguments } from '../../tuner/results/checkResults.js';
import { resultsCsv } from '../../tuner/results/resultsCsv.js';
import type { TrialRecord } from '../../tuner/results/trialRecord.js';
import type { Study } from '../../tuner/study.js';
import { folderStore } from '../platform/folderStore.js';
import { saveFigures } from '../report/figures.js';
import { loadReportTools } from '../report/reportTools.js';

/**
 * Writes the results of a search to its folder: `results.csv`, `study.html`, and every figure as SVG and PNG in `figures/`.
 *
 * @param folder - Folder of the study.
 * @returns Path of the page.
 * @throws A `file` error if the files cannot be written. A `missing-package` error if a package of `writeReport` is not installed.
 * @example
 * ```ts
 * import { writeStudyResults } from 'tfjs-multitask/node';
 * import { float, minimize, random, space } from 'tfjs-multitask/tuner';
 *
 * const searched = { space: space({ x: float({ min: -1, max: 1 }) }), objectives: minimize('y'), strategy: random() };
 * const trial = { number: 1, params: { x: 0.5 }, state: 'complete', after: [], rows: [{ epoch: 1, y: 0.25 }] } as const;
 * console.log(await writeStudyResults('out/parabola', searched, [trial])); // out/parabola/study.html
 * ```
 * @category Tuner
 */
export async function writeStudyResults(
  folder: string,
  study: Pick<Study, 'space' | 'objectives' | 'strategy'>,
  trials: readonly TrialRecord[],
): Promise<string> {
  checks.noOptions('writeStudyResults', arguments[3]);
  checkResultsArguments('writeStudyResults', study, trials);
  const store = folderStore(folder);
  const write = (name: string, text: string) => store.write(name, new TextEncoder().encode(text));
  await write('results.csv', resultsCsv(study, trials)); // The CSV file is written first, because it needs no optional package.
  const { page, figures } = createStudyReport(study, trials, await loadReportTools());
  await saveFigures(
    store,
    figures.map(({ name, svg }) => ({ name: `figures/${name}`, svg })),
  );
  await write('study.html', page);
  return join(folder, 'study.html');
}
