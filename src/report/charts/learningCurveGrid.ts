import * as checks from '../../core/errors/checks.js';
import { createArgumentError } from '../../core/errors/errors.js';
import { findBestEpoch, type HistoryRecord, type TaskRecord } from '../../core/records/history.js';
import { isProportion, truncateMiddle } from '../text/format.js';
import { escapeXml, FONT_FAMILY, MUTED_COLOR, roundSvgNumbers, TEXT_COLOR } from '../text/svgText.js';
import { formatPercentTick, formatTick } from '../text/tickFormat.js';
import { getPlot } from './chart.js';
import type { ChartTools } from './chartTools.js';
import { type CurvePoint, getPoints } from './curvePoints.js';
import { CURVE_SERIES, type CurveSeries, drawLegend } from './curveSeries.js';
import { computeEpochTicks } from './epochAxis.js';
import { checkFigureOptions, checkHistory, formatMetricLabel } from './learningCurves.js';

/**
 * One column of {@link learningCurveGrid}: the runs that share a setting.
 *
 * @category Figures
 */
export interface RunGroup {
  /** Title above the column. */
  readonly title: string;
  /** Histories of one or more runs, for example one run per seed. All runs in a figure must have the same tasks. */
  readonly runs: readonly HistoryRecord[];
}

/**
 * Options for {@link learningCurveGrid}.
 *
 * @category Figures
 */
export interface LearningCurveGridOptions {
  /** History column whose best epoch is marked in each run. Default: `val_loss`, or `loss` for runs without validation. */
  readonly monitor?: string;
  /** Title above the figure. Default: no title. */
  readonly title?: string;
  /** Width of a panel in pixels. Default: 230. */
  readonly panelWidth?: number;
  /** Height of a panel in pixels. Default: 200. */
  readonly panelHeight?: number;
}

/** Distance in pixels between the left edge of the figure and the x axis of the first panel. */
const AXIS = 58;
/** Distance in pixels between the top edge of the figure and the first row of panels. */
const TOP = 92;
/** Height of a row title in pixels. */
const ROW_TITLE = 34;
/** Largest width of a bold character in pixels, used to truncate long column titles. */
const BOLD_CHARACTER_WIDTH = 8.2;
/** Left margin in pixels inside a panel, for the tick labels. */
const PANEL_MARGIN_LEFT = 46;

/**
 * Draws a grid of learning curves that compares runs with different settings, and returns it as SVG text. The grid has one
 * column for each setting and one row for each task. A row shows the first metric of the task, or its loss if the task has no
 * metrics. All panels in a row have the same scale. If a setting has several runs, each run is drawn as a thin line and their
 * mean as a thick line.
 *
 * @param tools - Observable Plot and a document. `learningCurveGrid` of `tfjs-multitask/node` loads both itself.
 * @throws An `argument` error if there are no settings, if a run has no epochs, or if the tasks of the runs differ.
 * @example
 * ```ts
 * import * as Plot from '@observablehq/plot';
 * import { parseHTML } from 'linkedom';
 * import { learningCurveGrid } from 'tfjs-multitask/report';
 *
 * const run = (mae: number) => ({
 *   tasks: [{ name: 'age', kind: 'regression', unit: 'years', metrics: ['mae'] }] as const,
 *   rows: [1, 2].map((epoch) => ({ epoch, loss: mae, age_mae: mae / epoch, val_loss: mae, val_age_mae: mae })),
 * });
 * const settings = [{ title: 'color', runs: [run(8), run(9)] }, { title: 'grayscale', runs: [run(7)] }];
 * const { document } = parseHTML('<html></html>');
 * console.log(learningCurveGrid(settings, {}, { Plot, document }).slice(0, 4)); // <svg
 * ```
 * @category Figures
 */
export function learningCurveGrid(
  settings: readonly RunGroup[],
  options: LearningCurveGridOptions,
  tools: ChartTools,
): string {
  const advice = "Write learningCurveGrid([{ title: 'color', runs: [history] }], { title: 'Input' }).";
  checks.list('learningCurveGrid', settings, { noun: 'an array of groups of runs', advice });
  settings.forEach((group: unknown, i) => {
    const path = `learningCurveGrid[${i}]`;
    checks.options(path, group as RunGroup, { title: true, runs: true }, { advice });
    const { title, runs } = group as RunGroup;
    checks.text(`${path}.title`, title, { advice });
    checks.list(`${path}.runs`, runs, { noun: 'an array of histories', advice });
    runs.forEach((run, j) => {
      checkHistory(`${path}.runs[${j}]`, run);
    });
  });
  const names = { monitor: true, title: true, panelWidth: true, panelHeight: true } as const;
  checks.options('learningCurveGrid', options, names, { advice });
  checkFigureOptions('learningCurveGrid', options);
  const { panelWidth = 230, panelHeight = 200, title = '' } = options;
  const tasks = getSharedTasks(settings);
  const allRuns = settings.flatMap(({ runs }) => runs);
  const hasColumn = (column: string) =>
    allRuns.some(({ rows }) => rows.some((row) => row[column] !== undefined));
  const monitor = options.monitor ?? (hasColumn('val_loss') ? 'val_loss' : 'loss');
  const seriesList = CURVE_SERIES.slice(0, 2).filter(({ prefix }) => hasColumn(`${prefix}loss`));
  const lastEpoch = Math.max(...allRuns.flatMap(({ rows }) => rows.map(({ epoch }) => epoch)));
  const rowHeight = ROW_TITLE + panelHeight;
  const [width, height] = [
    AXIS - PANEL_MARGIN_LEFT + settings.length * panelWidth + 10,
    TOP + tasks.length * rowHeight + 10,
  ];
  const panels = tasks.flatMap((task, row) => {
    const metric = task.metrics[0] ?? 'loss';
    const column = `${task.name}_${metric}`;
    const isPercentage = isProportion(metric);
    const domain = computeDomain(allRuns, seriesList, column, isPercentage);
    const y = TOP + row * rowHeight;
    const rowTitle = `<text x="16" y="${y + 14}" font-size="13" font-weight="600" fill="${TEXT_COLOR}">${escapeXml(task.name)}<tspan dx="8" font-weight="400" fill="${MUTED_COLOR}">${escapeXml(formatMetricLabel(task, metric))}</tspan></text>`;
    const cells = settings.map(({ runs }, i) => {
      const panelOptions = { panelWidth, panelHeight, tools, domain, lastEpoch, isPercentage };
      return drawGridPanel(runs, seriesList, column, monitor, panelOptions).replace(
        /^<svg /,
        `<svg x="${AXIS - PANEL_MARGIN_LEFT + i * panelWidth}" y="${y + ROW_TITLE - 10}" `,
      );
    });
    return [rowTitle, ...cells];
  });
  const columnTitles = settings.map(
    ({ title }, i) =>
      `<text x="${AXIS + i * panelWidth}" y="78" font-size="13" font-weight="600" fill="${TEXT_COLOR}">${escapeXml(truncateMiddle(title, Math.max(4, Math.floor((panelWidth - 20) / BOLD_CHARACTER_WIDTH))))}</text>`,
  );
  const hasMeans = allRuns.length > settings.length;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${FONT_FAMILY}" role="img">
<title>${escapeXml(title || 'Learning curves side by side')}</title>
<rect width="${width}" height="${height}" fill="white"/>
<text x="16" y="28" font-size="17" font-weight="600" fill="${TEXT_COLOR}">${escapeXml(title)}</text>
${drawLegend(seriesList, hasMeans ? `best epoch of each run, by ${monitor}; thick: mean of the runs` : `best epoch, by ${monitor}`)}
${[...columnTitles, ...panels].join('\n')}
</svg>
`;
}

function getSharedTasks(settings: readonly RunGroup[]): readonly TaskRecord[] {
  const createRunError = (expected: string, received: string) =>
    createArgumentError('learningCurveGrid', expected, received, 'Pass histories that fit() returned.');
  const tasks = settings[0]?.runs[0]?.tasks;
  if (!tasks)
    throw createRunError(
      'at least one setting with a run',
      settings.length > 0 ? 'a setting without runs' : 'no settings',
    );
  const formatTasks = (record: HistoryRecord) => record.tasks.map(({ name }) => name).join(', ');
  for (const { title, runs } of settings) {
    if (!runs.some(({ rows }) => rows.length > 0))
      throw createRunError('runs with at least one epoch', `runs without epochs in "${title}"`);
    for (const run of runs) {
      if (formatTasks(run) !== formatTasks(settings[0]!.runs[0]!)) {
        const expected = `the tasks ${formatTasks(settings[0]!.runs[0]!)} in every run`;
        throw createRunError(expected, `the tasks ${formatTasks(run)} in a run of "${title}"`);
      }
    }
  }
  return tasks;
}

/** Returns the range of the y axis for all panels of a row. The range starts at 0 or below, for percentages at 50 % or below. */
function computeDomain(
  runs: readonly HistoryRecord[],
  seriesList: readonly CurveSeries[],
  column: string,
  isPercentage: boolean,
): [number, number] {
  const values = seriesList.flatMap(({ prefix }) =>
    runs.flatMap(({ rows }) => getPoints(rows, prefix + column).map(({ value }) => value)),
  );
  return isPercentage ? [Math.min(0.5, ...values), 1] : [Math.min(0, ...values), Math.max(1e-6, ...values)];
}

interface GridPanelOptions {
  readonly panelWidth: number;
  readonly panelHeight: number;
  readonly tools: ChartTools;
  readonly domain: [number, number];
  readonly lastEpoch: number;
  readonly isPercentage: boolean;
}

function drawGridPanel(
  runs: readonly HistoryRecord[],
  seriesList: readonly CurveSeries[],
  column: string,
  monitor: string,
  { panelWidth, panelHeight, tools, domain, lastEpoch, isPercentage }: GridPanelOptions,
): string {
  const Plot = getPlot(tools);
  const lines = seriesList.flatMap((series) => {
    const curves = runs.map(({ rows }) => getPoints(rows, series.prefix + column));
    const lineOptions = { x: 'epoch', y: 'value', stroke: series.color };
    const runLines = curves.map((points) =>
      Plot.lineY(points, { ...lineOptions, strokeWidth: 1, strokeOpacity: 0.4 }),
    );
    const meanCurve = computeMeanCurve(curves);
    // Dots instead of Plot's markers: the ids of markers contain a counter that is global to the process, so the SVG would not be
    // reproducible.
    const dots =
      lastEpoch <= 25 ? [Plot.dot(meanCurve, { x: 'epoch', y: 'value', r: 2.2, fill: series.color })] : [];
    const meanLine = [Plot.lineY(meanCurve, { ...lineOptions, strokeWidth: 2.2 }), ...dots];
    return runs.length > 1 ? [...runLines, ...meanLine] : meanLine;
  });
  const markedSeries = seriesList.at(-1);
  const bestPoints = runs.flatMap((run) => {
    const epoch = findBestEpoch(run, monitor)?.epoch;
    return markedSeries
      ? getPoints(run.rows, markedSeries.prefix + column).filter((point) => point.epoch === epoch)
      : [];
  });
  const svg = Plot.plot({
    document: tools.document,
    width: panelWidth,
    height: panelHeight,
    marginLeft: PANEL_MARGIN_LEFT,
    marginRight: 14,
    marginTop: 12,
    marginBottom: 38,
    style: { fontFamily: FONT_FAMILY, fontSize: '11px', color: TEXT_COLOR, background: 'none' },
    x: {
      domain: [1, Math.max(2, lastEpoch)],
      label: 'epoch',
      labelAnchor: 'center',
      labelArrow: 'none',
      ticks: computeEpochTicks(1, Math.max(2, lastEpoch), 6),
      tickFormat: String,
    },
    y: {
      grid: true,
      nice: true,
      domain,
      label: null,
      ticks: 5,
      tickFormat: isPercentage ? formatPercentTick : formatTick,
    },
    marks: [
      ...lines,
      Plot.dot(bestPoints, {
        x: 'epoch',
        y: 'value',
        r: 4,
        fill: 'white',
        stroke: markedSeries?.color ?? TEXT_COLOR,
        strokeWidth: 1.8,
      }),
    ],
  });
  return roundSvgNumbers(svg.outerHTML);
}

/** Returns the mean of several curves. Epochs that are missing in any of the curves are omitted. */
function computeMeanCurve(curves: readonly (readonly CurvePoint[])[]): CurvePoint[] {
  return curves[0]!.flatMap(({ epoch }) => {
    const values = curves.flatMap((points) => points.filter((point) => point.epoch === epoch));
    if (values.length < curves.length) return [];
    return [{ epoch, value: values.reduce((sum, { value }) => sum + value, 0) / values.length }];
  });
}
