import type { Store } from '../../core/platform/platform.js';
import type { ArchitectureRecord } from '../../core/records/architecture.js';
import type { HistoryRecord } from '../../core/records/history.js';
import { architectureDiagram as diagram } from '../../report/charts/architectureDiagram.js';
import type { ChartTools } from '../../report/charts/chartTools.js';
import {
  type LearningCurveGridOptions,
  type RunGroup,
  learningCurveGrid as sideBySide,
} from '../../report/charts/learningCurveGrid.js';
import { learningCurves as curves, type LearningCurvesOptions } from '../../report/charts/learningCurves.js';
import { loadPackage } from '../platform/loadPackage.js';
import { svgToPng } from './svgToPng.js';

/**
 * The learning curves of a task as SVG text; see `learningCurves` of `tfjs-multitask/report`.
 *
 * @throws `missing-package` fault without `@observablehq/plot` or `linkedom`; `argument` fault for an unknown task.
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
  return curves(history, options, await loadChartTools());
}

/**
 * Learning curves of several settings side by side, as SVG text; see `curvesSideBySide` of `tfjs-multitask/report`.
 *
 * @throws `missing-package` fault without `@observablehq/plot` or `linkedom`; `argument` fault for settings without epochs, or
 *   of other tasks.
 * @example
 * ```ts
 * import { curvesSideBySide } from 'tfjs-multitask/node';
 *
 * const tasks = [{ name: 'age', kind: 'regression', unit: 'years', metrics: ['mae'] }] as const;
 * const run = (mae: number) => ({ tasks, rows: [{ epoch: 1, loss: mae, age_mae: mae }] });
 * const svg = await curvesSideBySide([{ title: 'colour', runs: [run(8)] }, { title: 'grey', runs: [run(7)] }]);
 * console.log(svg.includes('>grey</text>')); // true
 * ```
 * @category Figures
 */
export async function learningCurveGrid(
  settings: readonly RunGroup[],
  options: LearningCurveGridOptions = {},
): Promise<string> {
  return sideBySide(settings, options, await loadChartTools());
}

async function loadChartTools(): Promise<ChartTools> {
  const use = 'drawing learning curves';
  const Plot = await loadPackage<ChartTools['Plot']>('@observablehq/plot', use);
  const { parseHTML } = await loadPackage<typeof import('linkedom')>('linkedom', use);
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  return { Plot, document: document as unknown as Document };
}

/**
 * A built network as a diagram, SVG text; see `architectureDiagram` of `tfjs-multitask/report`.
 *
 * @throws `missing-package` fault without `@hpcc-js/wasm-graphviz`.
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
  const name = '@hpcc-js/wasm-graphviz';
  const { Graphviz } = await loadPackage<typeof import('@hpcc-js/wasm-graphviz')>(name, 'drawing a network');
  return diagram(architecture, await Graphviz.load());
}

/**
 * Writes a figure into `store` as `NAME.svg` and `NAME.png`.
 *
 * @throws As {@link svgToPng}; `file` fault where the store cannot be written.
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
  await store.write(`${name}.svg`, new TextEncoder().encode(svg));
  await store.write(`${name}.png`, await svgToPng(svg));
}
