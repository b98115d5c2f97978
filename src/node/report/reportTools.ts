import type { ChartTools, GraphvizTool, ReportTools } from '../../report/charts/chartTools.js';
import { readRegularFile } from '../platform/files/regularFile.js';
import { loadPackage } from '../platform/loadPackage.js';
import { getFontPaths } from './svgToPng.js';

/**
 * Loads the optional packages that are needed to draw charts.
 *
 * @param purpose - What the packages are needed for, used in the error message.
 * @throws A `missing-package` error if one of the packages is not installed.
 */
export async function loadChartTools(purpose: string): Promise<ChartTools> {
  const Plot = await loadPackage<ChartTools['Plot']>('@observablehq/plot', purpose);
  const { parseHTML } = await loadPackage<typeof import('linkedom')>('linkedom', purpose);
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  return { Plot, document: document as unknown as Document };
}

/**
 * Loads Graphviz, which draws the architecture diagram.
 *
 * @param purpose - Purpose of the package, for the error message.
 * @throws A `missing-package` error if `@hpcc-js/wasm-graphviz` is not installed.
 */
export async function loadGraphviz(purpose: string): Promise<GraphvizTool> {
  const name = '@hpcc-js/wasm-graphviz';
  const { Graphviz } = await loadPackage<typeof import('@hpcc-js/wasm-graphviz')>(name, purpose);
  return Graphviz.load();
}

/**
 * Loads the packages and fonts that are needed to draw a report.
 *
 * @throws A `missing-package` error if one of the packages is not installed.
 */
export async function loadReportTools(): Promise<ReportTools> {
  const purpose = 'drawing a report';
  const chartTools = await loadChartTools(purpose);
  const graphviz = await loadGraphviz(purpose);
  const { regular, semiBold } = getFontPaths();
  return {
    ...chartTools,
    graphviz,
    fonts: { regular: await readRegularFile(regular), semiBold: await readRegularFile(semiBold) },
  };
}
