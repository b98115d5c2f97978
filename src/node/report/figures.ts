import * as checks from '../../core/errors/checks.js';
import { toCheckedStore } from '../../core/platform/checkedStore.js';
import type { Store } from '../../core/platform/platform.js';
import { toFileName } from '../../core/platform/storeNames.js';
import type { ArchitectureRecord } from '../../core/records/architecture.js';
import type { HistoryRecord } from '../../core/records/history.js';
import { architectureDiagram as createDiagram } from '../../report/charts/architectureDiagram.js';
import {
  learningCurveGrid as createCurveGrid,
  type LearningCurveGridOptions,
  type RunGroup,
} from '../../report/charts/learningCurveGrid.js';
import {
  learningCurves as createCurves,
  type LearningCurvesOptions,
} from '../../report/charts/learningCurves.js';
import { loadChartTools, loadGraphviz } from './reportTools.js';
import { svgToPng } from './svgToPng.js';

/**
 * Draws the learning curves of a task, and returns them as SVG text. The function of the same name in `tfjs-multitask/report` takes the
 * packages that it needs as an argument; this function loads them itself.
 *
 * @throws A `missing-package` error if `@observablehq/plot` or `linkedom` is not installed. An `argument` error if the task is unknown.
 * @example
 * ```ts
 * import { learningCurves } from 'tfjs-multitask/node';
 *
 * const tasks = [{ name: 'age', kind: 'regression', unit: 'years', metrics: ['mae'] }] as const;
 * const rows = [{ epoch: 1, loss: 90, age_loss: 90, age_mae: 7.5 }];
 * const svg = await learningCurves({ tasks, rows }, { task: 'age' });
 * console.log(svg.includes('mae (years)')); // true
 * ```
 * @category Figures
 */
export async function learningCurves<const Name extends string>(
  history: HistoryRecord<Name>,
  options: LearningCurvesOptions<NoInfer<Name>>,
): Promise<string> {
  return createCurves(history, options, await loadChartTools('drawing learning curves'));
}

/**
 * Draws the learning curves of several groups of runs side by side, and returns them as SVG text. The function of the same name in
 * `tfjs-multitask/report` takes the packages that it needs as an argument; this function loads them itself.
 *
 * @throws A `missing-package` error if `@observablehq/plot` or `linkedom` is not installed. An `argument` error if a run has no epochs, or
 *   the groups have different tasks.
 * @example
 * ```ts
 * import { learningCurveGrid } from 'tfjs-multitask/node';
 *
 * const tasks = [{ name: 'age', kind: 'regression', unit: 'years', metrics: ['mae'] }] as const;
 * const run = (mae: number) => ({ tasks, rows: [{ epoch: 1, loss: mae, age_mae: mae }] });
 * const svg = await learningCurveGrid([{ title: 'color', runs: [run(8)] }, { title: 'gray', runs: [run(7)] }]);
 * console.log(svg.includes('>gray</text>')); // true
 * ```
 * @category Figures
 */
export async function learningCurveGrid(
  groups: readonly RunGroup[],
  options: LearningCurveGridOptions = {},
): Promise<string> {
  return createCurveGrid(groups, options, await loadChartTools('drawing learning curves'));
}

/**
 * Draws a diagram of the architecture of a network, and returns it as SVG text. The function of the same name in `tfjs-multitask/report`
 * takes Graphviz as an argument; this function loads Graphviz itself.
 *
 * @throws A `missing-package` error if `@hpcc-js/wasm-graphviz` is not installed.
 * @example
 * ```ts
 * import { branch, flatten, multiTask, regression } from 'tfjs-multitask';
 * import { architectureDiagram } from 'tfjs-multitask/node';
 *
 * const model = multiTask({ input: [8, 8, 3] })
 *   .task('age', regression({ unit: 'years' }), branch([flatten()]))
 *   .build();
 * console.log((await architectureDiagram(model.architecture())).slice(0, 4)); // <svg
 * ```
 * @category Figures
 */
export async function architectureDiagram(architecture: ArchitectureRecord): Promise<string> {
  checks.noOptions('architectureDiagram', arguments[1]);
  return createDiagram(architecture, await loadGraphviz('drawing a network'));
}

/**
 * Writes a figure to `store` as `NAME.svg` and `NAME.png`.
 *
 * @throws A `missing-package` error if `@resvg/resvg-js` is not installed. A `file` error if the store cannot be written.
 * @example
 * ```ts
 * import { memoryStore } from 'tfjs-multitask';
 * import { saveFigure } from 'tfjs-multitask/node';
 *
 * const store = memoryStore();
 * await saveFigure(store, 'empty', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
 * console.log(await store.list()); // [ 'empty.png', 'empty.svg' ]
 * ```
 * @category Figures
 */
export async function saveFigure(store: Store, name: string, svg: string): Promise<void> {
  checks.noOptions('saveFigure', arguments[3]);
  const advice =
    "Write saveFigure(folderStore('out'), 'curves', await learningCurves(history, { task: 'age' })).";
  checks.store('saveFigure.store', store, { advice });
  const fileName = toFileName('saveFigure.name', name, { noun: 'a file name without an extension', advice });
  checks.valid('saveFigure.svg', svg, typeof svg === 'string', { noun: 'the text of an SVG image', advice });
  await saveFigures(toCheckedStore(store), [{ name: fileName, svg }]);
}

/** Writes figures as SVG and PNG. If a figure cannot be converted to PNG, no figure is written. */
export async function saveFigures(
  store: Store,
  figures: readonly { readonly name: string; readonly svg: string }[],
): Promise<void> {
  const files = new Map<string, Uint8Array>();
  for (const { name, svg } of figures) {
    files.set(`${name}.svg`, new TextEncoder().encode(svg));
    files.set(`${name}.png`, await svgToPng(svg));
  }
  for (const [name, bytes] of files) await store.write(name, bytes);
}
