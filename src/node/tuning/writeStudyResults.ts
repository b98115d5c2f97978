import { join } from 'node:path';
import { createStudyReport } from '../../report/study/createStudyReport.js';
import { resultsCsv } from '../../tuner/results/resultsCsv.js';
import type { TrialRecord } from '../../tuner/results/trialRecord.js';
import type { Study } from '../../tuner/study.js';
import { folderStore } from '../platform/folderStore.js';
import { saveFigure } from '../report/figures.js';
import { loadReportTools } from '../report/writeReport.js';

/**
 * Writes what a search came to into its folder: `results.csv`, `study.html`, and every figure as SVG and PNG below `figures/`.
 *
 * @param folder - Of the study.
 * @returns The page's path.
 * @throws `file` fault where nothing can be written; `missing-package` fault without the packages of `report`.
 * @example
 * ```ts
 * import { studyResults } from 'tfjs-multitask/node';
 * import { float, minimize, random, space } from 'tfjs-multitask/tuner';
 *
 * const searched = { space: space({ x: float({ min: -1, max: 1 }) }), objectives: minimize('y'), strategy: random() };
 * const trial = { number: 1, params: { x: 0.5 }, state: 'complete', after: [], rows: [{ epoch: 1, y: 0.25 }] } as const;
 * console.log(await studyResults('out/parabola', searched, [trial])); // out/parabola/study.html
 * ```
 * @category Tuner
 */
export async function writeStudyResults(
  folder: string,
  study: Pick<Study, 'space' | 'objectives' | 'strategy'>,
  trials: readonly TrialRecord[],
): Promise<string> {
  const store = folderStore(folder);
  const write = (name: string, text: string) => store.write(name, new TextEncoder().encode(text));
  await write('results.csv', resultsCsv(study, trials)); // what needs no package to draw with is there in any case
  const { page, figures } = createStudyReport(study, trials, await loadReportTools());
  for (const { name, svg } of figures) await saveFigure(store, `figures/${name}`, svg);
  await write('study.html', page);
  return join(folder, 'study.html');
}
