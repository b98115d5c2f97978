import * as checks from '../../core/errors/checks.js';
import { createArgumentError } from '../../core/errors/errors.js';
import { formatValue } from '../../core/errors/formatValue.js';
import { didYouMean } from '../../core/errors/suggestions.js';
import {
  findBestEpoch,
  type HistoryRecord,
  type HistoryRow,
  type TaskRecord,
} from '../../core/records/history.js';
import { isProportion, truncateMiddle } from '../text/format.js';
import {
  escapeXml,
  FONT_FAMILY,
  MUTED_COLOR,
  roundSvgNumbers,
  sanitizeText,
  TEXT_COLOR,
} from '../text/svgText.js';
import { formatPercentTick, formatTick } from '../text/tickFormat.js';
import { type ReportFigure, toSvgDocument } from './chart.js';
import type { ChartTools } from './chartTools.js';
import { type CurveSeries, drawLegend, findTaskSeries } from './curveSeries.js';
import { createEpochAxis } from './epochAxis.js';

/**
 * Options of {@link learningCurves}.
 *
 * @typeParam Name - Names of the tasks.
 * @category Figures
 */
export interface LearningCurvesOptions<Name extends string = string> {
  /** Task whose curves are drawn. */
  readonly task: Name;
  /** The column whose best epoch is marked. Default `val_loss`, or `loss` where nothing was validated. */
  readonly monitor?: string;
  /** Default: the task's name. */
  readonly title?: string;
  /** Pixels. Default 420. */
  readonly panelWidth?: number;
  /** Pixels. Default 300. */
  readonly panelHeight?: number;
}

const HEADER_HEIGHT = 64;

/**
 * The learning curves of a task as SVG text: a panel for its loss and one for each metric, training and validation in
 * each, the best epoch marked. Reads a history and nothing else.
 *
 * @param history - What `fit` returned, or the same record from a file.
 * @param tools - Observable Plot and a document; `learningCurves` of `tfjs-multitask/node` brings its own.
 * @throws `argument` error for an unknown task or a history without rows.
 * @example
 * ```ts
 * import * as Plot from '@observablehq/plot';
 * import { parseHTML } from 'linkedom';
 * import { learningCurves } from 'tfjs-multitask/report';
 *
 * const history = {
 *   tasks: [{ name: 'age', kind: 'regression', unit: 'years', metrics: ['mae'] }],
 *   rows: [
 *     { epoch: 1, age_loss: 90, age_mae: 7.5, val_age_loss: 96, val_age_mae: 7.9, val_loss: 96 },
 *     { epoch: 2, age_loss: 60, age_mae: 6.1, val_age_loss: 71, val_age_mae: 6.8, val_loss: 71 },
 *   ],
 * } as const;
 * const { document } = parseHTML('<html></html>');
 * console.log(learningCurves(history, { task: 'age' }, { Plot, document }).slice(0, 4)); // <svg
 * ```
 * @category Figures
 */
export function learningCurves<const Name extends string>(
  history: HistoryRecord<Name>,
  options: LearningCurvesOptions<NoInfer<Name>>,
  tools: ChartTools,
): string {
  const { panelWidth = 420, panelHeight = 300 } = options;
  const task = findTask(history, options.task);
  const panels = getPanelMetrics(task);
  const drawn = findTaskSeries(history, task);
  const validated = history.rows.some((row) => row.val_loss !== undefined);
  const best = findBestEpoch(history, options.monitor ?? (validated ? 'val_loss' : 'loss'));
  const width = 16 + panels.length * panelWidth;
  const height = HEADER_HEIGHT + panelHeight;
  const charts = panels.map((metric, i) => {
    const chart = drawPanel(history.rows, task, metric, drawn, best?.epoch, {
      panelWidth,
      panelHeight,
      tools,
    });
    return chart.replace(/^<svg /, `<svg x="${16 + i * panelWidth}" y="${HEADER_HEIGHT}" `);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${FONT_FAMILY}" role="img">
<title>${escapeXml(`Learning curves of ${task.name}`)}</title>
<rect width="${width}" height="${height}" fill="white"/>
<text x="16" y="28" font-size="17" font-weight="600" fill="${TEXT_COLOR}">${escapeXml(options.title ?? task.name)}</text>
${drawLegend(drawn, best && `best epoch ${best.epoch}, by ${best.monitor}`)}
${charts.join('\n')}
</svg>
`;
}

function findTask({ tasks, rows }: HistoryRecord, name: string): TaskRecord {
  const task = tasks.find((one) => one.name === name);
  if (!task) {
    const names = tasks.map((one) => one.name);
    const advice = didYouMean(String(name), names) ?? 'Give the name of a task of the run.';
    throw createArgumentError('learningCurves.task', checks.formatOptions(names), formatValue(name), advice);
  }
  if (rows.length > 0) return task;
  const advice = 'Pass the history of a run that completed an epoch.';
  throw createArgumentError('learningCurves', 'at least one epoch', 'a history without rows', advice);
}

/** A panel for the loss, and one for each metric that is not it. */
const getPanelMetrics = ({ metrics }: TaskRecord) => [...new Set(['loss', ...metrics])];

/** The panels of {@link learningCurves} that have a number, one by one, each a figure of its own without legend, for a page that lays them out. */
export function drawCurvePanels(
  history: HistoryRecord,
  { task: name, best }: { readonly task: string; readonly best: number | undefined },
  tools: ChartTools,
): ReportFigure[] {
  const task = findTask(history, name);
  const drawn = findTaskSeries(history, task);
  const size = { width: 420, height: 270 };
  const look = { panelWidth: size.width, panelHeight: size.height, tools };
  const known = (metric: string) =>
    drawn.some(({ prefix }) =>
      history.rows.some((row) => Number.isFinite(row[`${prefix}${name}_${metric}`])),
    );
  return getPanelMetrics(task)
    .filter(known)
    .map((metric) => {
      const title = `${name}: ${metric}`;
      const svg = drawPanel(history.rows, task, metric, drawn, best, look);
      return { name: `${name}-${metric}-curves`, title, svg: toSvgDocument(svg, title, size) };
    });
}

interface PanelOptions {
  readonly panelWidth: number;
  readonly panelHeight: number;
  readonly tools: ChartTools;
}

function drawPanel(
  rows: readonly HistoryRow[],
  task: TaskRecord,
  metric: string,
  drawn: readonly CurveSeries[],
  best: number | undefined,
  { panelWidth, panelHeight, tools: { Plot, document } }: PanelOptions,
): string {
  const points = drawn.flatMap((series) =>
    rows.flatMap((row) => {
      const value = row[`${series.prefix}${task.name}_${metric}`];
      return value === undefined || !Number.isFinite(value) ? [] : [{ ...series, epoch: row.epoch, value }];
    }),
  );
  const share = isProportion(metric);
  const marked = points.filter(({ epoch, prefix }) => epoch === best && prefix !== '');
  const few = rows.length <= 25;
  const svg = Plot.plot({
    document,
    width: panelWidth,
    height: panelHeight,
    marginLeft: 58,
    marginRight: 18,
    marginTop: 26,
    marginBottom: 40,
    style: { fontFamily: FONT_FAMILY, fontSize: '12px', color: TEXT_COLOR, background: 'none' },
    x: { ...createEpochAxis(rows), labelAnchor: 'center', labelArrow: 'none' },
    y: {
      grid: true,
      nice: true,
      zero: !share,
      ...(share ? { domain: [Math.min(0.5, ...points.map(({ value }) => value)), 1] } : {}),
      label: formatMetricLabel(task, metric),
      labelArrow: 'none',
      tickFormat: share ? formatPercentTick : formatTick,
    },
    marks: [
      ...(best === undefined ? [] : [Plot.ruleX([best], { stroke: MUTED_COLOR, strokeDasharray: '2,3' })]),
      ...drawn.map((series) =>
        Plot.lineY(
          points.filter(({ prefix }) => prefix === series.prefix),
          {
            x: 'epoch',
            y: 'value',
            stroke: series.colour,
            strokeWidth: 2,
            strokeDasharray: series.dash,
          },
        ),
      ),
      // Not Plot's markers: their ids count up with every chart that a process draws.
      ...(few ? [Plot.dot(points, { x: 'epoch', y: 'value', r: 2.5, fill: 'colour' })] : []),
      Plot.dot(marked, { x: 'epoch', y: 'value', r: 4.5, fill: 'white', stroke: 'colour', strokeWidth: 2 }),
    ],
    color: { type: 'identity' },
  });
  return roundSvgNumbers(svg.outerHTML);
}

/** A metric as an axis names it: `mae (years)`. */
export function formatMetricLabel({ unit }: TaskRecord, metric: string): string {
  const unitOf: Record<string, string | undefined> = { mae: unit, rmse: unit };
  return sanitizeText(unitOf[metric] ? `${metric} (${truncateMiddle(unitOf[metric], 16)})` : metric);
}
