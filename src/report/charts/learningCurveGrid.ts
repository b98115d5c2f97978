import { createArgumentError } from '../../core/errors/errors.js';
import {
  findBestEpoch,
  type HistoryRecord,
  type HistoryRow,
  type TaskRecord,
} from '../../core/records/history.js';
import { isProportion, truncateMiddle } from '../text/format.js';
import { escapeXml, FONT_FAMILY, MUTED_COLOR, roundSvgNumbers, TEXT_COLOR } from '../text/svgText.js';
import { formatPercentTick, formatTick } from '../text/tickFormat.js';
import type { ChartTools } from './chartTools.js';
import { CURVE_SERIES, type CurveSeries, drawLegend } from './curveSeries.js';
import { computeEpochTicks } from './epochAxis.js';
import { formatMetricLabel } from './learningCurves.js';

/**
 * One column of {@link learningCurveGrid}: a setting, and the runs that were made with it.
 *
 * @category Figures
 */
export interface RunGroup {
  /** Stands above the column. */
  readonly title: string;
  /** One or more runs, equal but for their seed, say; each of the tasks of all. */
  readonly runs: readonly HistoryRecord[];
}

/**
 * Options of {@link learningCurveGrid}.
 *
 * @category Figures
 */
export interface LearningCurveGridOptions {
  /** The column whose best epoch of each run is marked. Default `val_loss`, or `loss` where nothing was validated. */
  readonly monitor?: string;
  /** Stands above the figure. Default none. */
  readonly title?: string;
  /** Pixels. Default 230. */
  readonly panelWidth?: number;
  /** Pixels. Default 200. */
  readonly panelHeight?: number;
}

/** Left end of the first panel's axis, its tick labels before it; top of the first row; height of a row's title. */
const [AXIS, TOP, ROW_TITLE] = [58, 92, 34];
/** Pixels of a bold character of a column's title, at most. */
const BOLD_CHARACTER_WIDTH = 8.2;
/** Room for tick labels inside a panel. */
const PANEL_MARGIN_LEFT = 46;

/**
 * Learning curves of several settings as SVG text: a column a setting, a row a task (its first metric, or its loss), all panels
 * of a row on one scale. Of several runs the mean is drawn thick and each run thin. Reads histories and nothing else.
 *
 * @param tools - Observable Plot and a document; `curvesSideBySide` of `tfjs-multitask/node` brings its own.
 * @throws `argument` error for an empty list of settings, for a setting without epochs, or for settings with different tasks.
 * @example
 * ```ts
 * import * as Plot from '@observablehq/plot';
 * import { parseHTML } from 'linkedom';
 * import { curvesSideBySide } from 'tfjs-multitask/report';
 *
 * const run = (mae: number) => ({
 *   tasks: [{ name: 'age', kind: 'regression', unit: 'years', metrics: ['mae'] }] as const,
 *   rows: [1, 2].map((epoch) => ({ epoch, loss: mae, age_mae: mae / epoch, val_loss: mae, val_age_mae: mae })),
 * });
 * const settings = [{ title: 'colour', runs: [run(8), run(9)] }, { title: 'grey', runs: [run(7)] }];
 * const { document } = parseHTML('<html></html>');
 * console.log(curvesSideBySide(settings, {}, { Plot, document }).slice(0, 4)); // <svg
 * ```
 * @category Figures
 */
export function learningCurveGrid(
  settings: readonly RunGroup[],
  options: LearningCurveGridOptions,
  tools: ChartTools,
): string {
  const { panelWidth = 230, panelHeight = 200, title = '' } = options;
  const tasks = getSharedTasks(settings);
  const all = settings.flatMap(({ runs }) => runs);
  const has = (column: string) => all.some(({ rows }) => rows.some((row) => row[column] !== undefined));
  const monitor = options.monitor ?? (has('val_loss') ? 'val_loss' : 'loss');
  const drawn = CURVE_SERIES.slice(0, 2).filter(({ prefix }) => has(`${prefix}loss`));
  const last = Math.max(...all.flatMap(({ rows }) => rows.map(({ epoch }) => epoch)));
  const rowHeight = ROW_TITLE + panelHeight;
  const [width, height] = [
    AXIS - PANEL_MARGIN_LEFT + settings.length * panelWidth + 10,
    TOP + tasks.length * rowHeight + 10,
  ];
  const panels = tasks.flatMap((task, row) => {
    const metric = task.metrics[0] ?? 'loss';
    const column = `${task.name}_${metric}`;
    const domain = computeDomain(all, drawn, column, isProportion(metric));
    const y = TOP + row * rowHeight;
    const name = `<text x="16" y="${y + 14}" font-size="13" font-weight="600" fill="${TEXT_COLOR}">${escapeXml(task.name)}<tspan dx="8" font-weight="400" fill="${MUTED_COLOR}">${escapeXml(formatMetricLabel(task, metric))}</tspan></text>`;
    const cells = settings.map(({ runs }, i) => {
      const look = { panelWidth, panelHeight, tools, domain, last, share: isProportion(metric) };
      return drawGridPanel(runs, drawn, column, monitor, look).replace(
        /^<svg /,
        `<svg x="${AXIS - PANEL_MARGIN_LEFT + i * panelWidth}" y="${y + ROW_TITLE - 10}" `,
      );
    });
    return [name, ...cells];
  });
  const heads = settings.map(
    ({ title }, i) =>
      `<text x="${AXIS + i * panelWidth}" y="78" font-size="13" font-weight="600" fill="${TEXT_COLOR}">${escapeXml(truncateMiddle(title, Math.max(4, Math.floor((panelWidth - 20) / BOLD_CHARACTER_WIDTH))))}</text>`,
  );
  const several = all.length > settings.length;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${FONT_FAMILY}" role="img">
<title>${escapeXml(title || 'Learning curves side by side')}</title>
<rect width="${width}" height="${height}" fill="white"/>
<text x="16" y="28" font-size="17" font-weight="600" fill="${TEXT_COLOR}">${escapeXml(title)}</text>
${drawLegend(drawn, several ? `best epoch of each run, by ${monitor}; thick: their mean` : `best epoch, by ${monitor}`)}
${[...heads, ...panels].join('\n')}
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
  const names = (record: HistoryRecord) => record.tasks.map(({ name }) => name).join(', ');
  for (const { title, runs } of settings) {
    if (!runs.some(({ rows }) => rows.length > 0))
      throw createRunError('at least one epoch', `no epochs in "${title}"`);
    for (const run of runs) {
      if (names(run) !== names(settings[0]!.runs[0]!)) {
        const expected = `the tasks ${names(settings[0]!.runs[0]!)} in every run`;
        throw createRunError(expected, `the tasks ${names(run)} in "${title}"`);
      }
    }
  }
  return tasks;
}

/** The numbers of a column in one run: those that are. */
const getPoints = (rows: readonly HistoryRow[], column: string) =>
  rows.flatMap(({ epoch, [column]: value }) =>
    value !== undefined && Number.isFinite(value) ? [{ epoch, value }] : [],
  );

/** What all panels of a row show: from 0 up, or of a share from a half. */
function computeDomain(
  runs: readonly HistoryRecord[],
  drawn: readonly CurveSeries[],
  column: string,
  share: boolean,
): [number, number] {
  const values = drawn.flatMap(({ prefix }) =>
    runs.flatMap(({ rows }) => getPoints(rows, prefix + column).map(({ value }) => value)),
  );
  return share ? [Math.min(0.5, ...values), 1] : [Math.min(0, ...values), Math.max(1e-6, ...values)];
}

interface GridPanelOptions {
  readonly panelWidth: number;
  readonly panelHeight: number;
  readonly tools: ChartTools;
  readonly domain: [number, number];
  readonly last: number;
  readonly share: boolean;
}

function drawGridPanel(
  runs: readonly HistoryRecord[],
  drawn: readonly CurveSeries[],
  column: string,
  monitor: string,
  { panelWidth, panelHeight, tools: { Plot, document }, domain, last, share }: GridPanelOptions,
): string {
  const lines = drawn.flatMap((series) => {
    const own = runs.map(({ rows }) => getPoints(rows, series.prefix + column));
    const look = { x: 'epoch', y: 'value', stroke: series.colour };
    const single = own.map((points) => Plot.lineY(points, { ...look, strokeWidth: 1, strokeOpacity: 0.4 }));
    const points = computeMeanCurve(own);
    // Dots as a mark: the markers of lines are named by a count of the process, and a figure would never be the same twice.
    const dots =
      last <= 25 ? [Plot.dot(points, { x: 'epoch', y: 'value', r: 2.2, fill: series.colour })] : [];
    const mean = [Plot.lineY(points, { ...look, strokeWidth: 2.2 }), ...dots];
    return runs.length > 1 ? [...single, ...mean] : mean;
  });
  const judged = drawn.at(-1);
  const best = runs.flatMap((run) => {
    const epoch = findBestEpoch(run, monitor)?.epoch;
    return judged ? getPoints(run.rows, judged.prefix + column).filter((point) => point.epoch === epoch) : [];
  });
  const svg = Plot.plot({
    document,
    width: panelWidth,
    height: panelHeight,
    marginLeft: PANEL_MARGIN_LEFT,
    marginRight: 14,
    marginTop: 12,
    marginBottom: 38,
    style: { fontFamily: FONT_FAMILY, fontSize: '11px', color: TEXT_COLOR, background: 'none' },
    x: {
      domain: [1, Math.max(2, last)],
      label: 'epoch',
      labelAnchor: 'center',
      labelArrow: 'none',
      ticks: computeEpochTicks(1, Math.max(2, last), 6),
      tickFormat: String,
    },
    y: {
      grid: true,
      nice: true,
      domain,
      label: null,
      ticks: 5,
      tickFormat: share ? formatPercentTick : formatTick,
    },
    marks: [
      ...lines,
      Plot.dot(best, {
        x: 'epoch',
        y: 'value',
        r: 4,
        fill: 'white',
        stroke: judged?.colour ?? TEXT_COLOR,
        strokeWidth: 1.8,
      }),
    ],
  });
  return roundSvgNumbers(svg.outerHTML);
}

/** The mean of the runs at each epoch that all of them have. */
function computeMeanCurve(
  runs: readonly (readonly { epoch: number; value: number }[])[],
): { epoch: number; value: number }[] {
  return runs[0]!.flatMap(({ epoch }) => {
    const values = runs.flatMap((points) => points.filter((point) => point.epoch === epoch));
    if (values.length < runs.length) return [];
    return [{ epoch, value: values.reduce((sum, { value }) => sum + value, 0) / values.length }];
  });
}
