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
import { addUnit, hasTaskUnit, isProportion } from '../text/format.js';
import {
  escapeXml,
  FONT_FAMILY,
  MUTED_COLOR,
  roundSvgNumbers,
  sanitizeText,
  TEXT_COLOR,
} from '../text/svgText.js';
import { formatPercentTick, formatTick } from '../text/tickFormat.js';
import { getPlot, type ReportFigure, toSvgDocument } from './chart.js';
import type { ChartTools } from './chartTools.js';
import { getPoints } from './curvePoints.js';
import { type CurveSeries, drawLegend, findTaskSeries } from './curveSeries.js';
import { createEpochAxis } from './epochAxis.js';

/**
 * Options for {@link learningCurves}.
 *
 * @typeParam Name - Names of the tasks.
 * @category Figures
 */
export interface LearningCurvesOptions<Name extends string = string> {
  /** Task whose curves are drawn. */
  readonly task: Name;
  /** History column whose best epoch is marked. Default: `val_loss`, or `loss` for a run without validation. */
  readonly monitor?: string;
  /** Title above the figure. Default: the name of the task. */
  readonly title?: string;
  /** Width of a panel in pixels. Default: 420. */
  readonly panelWidth?: number;
  /** Height of a panel in pixels. Default: 300. */
  readonly panelHeight?: number;
}

/** Height in pixels of the title and the legend. */
const HEADER_HEIGHT = 64;

/**
 * Draws the learning curves of a task, and returns them as SVG text: a panel for the loss and for each metric, with training
 * and validation values. The best epoch according to `monitor` is marked.
 *
 * @param history - History that `fit` returned, or the same record read from a file.
 * @param tools - Observable Plot and a document. `learningCurves` of `tfjs-multitask/node` loads both itself.
 * @throws An `argument` error if the task is unknown or the history has no rows.
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
  checkHistory('learningCurves', history);
  checks.options(
    'learningCurves',
    options,
    { task: true, monitor: true, title: true, panelWidth: true, panelHeight: true },
    { advice: "Write learningCurves(history, { task: 'age' })." },
  );
  checkFigureOptions('learningCurves', options);
  const { panelWidth = 420, panelHeight = 300 } = options;
  const task = findTask(history, options.task);
  const metrics = getPanelMetrics(task);
  const series = findTaskSeries(history, task);
  const isValidated = history.rows.some((row) => row.val_loss !== undefined);
  const best = findBestEpoch(history, options.monitor ?? (isValidated ? 'val_loss' : 'loss'));
  const width = 16 + metrics.length * panelWidth;
  const height = HEADER_HEIGHT + panelHeight;
  const panels = metrics.map((metric, i) => {
    const panel = drawPanel(history.rows, task, metric, series, best?.epoch, {
      panelWidth,
      panelHeight,
      tools,
    });
    return panel.replace(/^<svg /, `<svg x="${16 + i * panelWidth}" y="${HEADER_HEIGHT}" `);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${FONT_FAMILY}" role="img">
<title>${escapeXml(`Learning curves of ${task.name}`)}</title>
<rect width="${width}" height="${height}" fill="white"/>
<text x="16" y="28" font-size="17" font-weight="600" fill="${TEXT_COLOR}">${escapeXml(options.title ?? task.name)}</text>
${drawLegend(series, best && `best epoch ${best.epoch}, by ${best.monitor}`)}
${panels.join('\n')}
</svg>
`;
}

/** Throws an `argument` error unless `history` has tasks and rows. */
export function checkHistory(path: string, history: unknown): void {
  const { tasks, rows } = (history ?? {}) as Partial<HistoryRecord>;
  checks.valid(path, history, Array.isArray(tasks) && Array.isArray(rows), {
    noun: 'a history with tasks and rows',
    advice: 'Pass the history that fit() returned.',
  });
}

/** Throws an `argument` error if a panel size, title or monitored column has the wrong type. */
export function checkFigureOptions(caller: string, options: Omit<LearningCurvesOptions, 'task'>): void {
  for (const name of ['panelWidth', 'panelHeight'] as const) {
    if (options[name] === undefined) continue;
    checks.number(`${caller}.${name}`, options[name], {
      noun: 'a number of pixels',
      above: 0,
      advice: 'Omit it to use the default.',
    });
  }
  for (const name of ['title', 'monitor'] as const)
    if (options[name] !== undefined)
      checks.text(`${caller}.${name}`, options[name], { advice: 'Omit it to use the default.' });
}

function findTask({ tasks, rows }: HistoryRecord, name: string): TaskRecord {
  const task = tasks.find((candidate) => candidate.name === name);
  if (!task) {
    const taskNames = tasks.map((candidate) => candidate.name);
    const advice = didYouMean(String(name), taskNames) ?? 'Pass the name of a task of the run.';
    throw createArgumentError(
      'learningCurves.task',
      checks.formatOptions(taskNames),
      formatValue(name),
      advice,
    );
  }
  if (rows.length > 0) return task;
  const advice = 'Pass the history of a run that completed an epoch.';
  throw createArgumentError(
    'learningCurves',
    'a history with at least one epoch',
    'a history without epochs',
    advice,
  );
}

/** Returns the metrics of a task that are drawn as panels: the loss, followed by the other metrics. */
const getPanelMetrics = ({ metrics }: TaskRecord) => [...new Set(['loss', ...metrics])];

/**
 * Draws the panels of {@link learningCurves} for a page, as separate figures without a legend. Panels without any finite value
 * are omitted.
 */
export function drawCurvePanels(
  history: HistoryRecord,
  { task: name, best }: { readonly task: string; readonly best: number | undefined },
  tools: ChartTools,
): ReportFigure[] {
  const task = findTask(history, name);
  const series = findTaskSeries(history, task);
  const size = { width: 420, height: 270 };
  const panelOptions = { panelWidth: size.width, panelHeight: size.height, tools };
  const hasValues = (metric: string) =>
    series.some(({ prefix }) =>
      history.rows.some((row) => Number.isFinite(row[`${prefix}${name}_${metric}`])),
    );
  return getPanelMetrics(task)
    .filter(hasValues)
    .map((metric) => {
      const title = `${name}: ${metric}`;
      const svg = drawPanel(history.rows, task, metric, series, best, panelOptions);
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
  seriesList: readonly CurveSeries[],
  best: number | undefined,
  { panelWidth, panelHeight, tools }: PanelOptions,
): string {
  const Plot = getPlot(tools);
  const points = seriesList.flatMap((series) =>
    getPoints(rows, `${series.prefix}${task.name}_${metric}`).map((point) => ({ ...series, ...point })),
  );
  const isPercentage = isProportion(metric);
  const bestPoints = points.filter(({ epoch, prefix }) => epoch === best && prefix !== '');
  const hasDots = rows.length <= 25;
  const svg = Plot.plot({
    document: tools.document,
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
      zero: !isPercentage,
      ...(isPercentage ? { domain: [Math.min(0.5, ...points.map(({ value }) => value)), 1] } : {}),
      label: formatMetricLabel(task, metric),
      labelArrow: 'none',
      tickFormat: isPercentage ? formatPercentTick : formatTick,
    },
    marks: [
      ...(best === undefined ? [] : [Plot.ruleX([best], { stroke: MUTED_COLOR, strokeDasharray: '2,3' })]),
      ...seriesList.map((series) =>
        Plot.lineY(
          points.filter(({ prefix }) => prefix === series.prefix),
          {
            x: 'epoch',
            y: 'value',
            stroke: series.color,
            strokeWidth: 2,
            strokeDasharray: series.dash,
          },
        ),
      ),
      // Dots instead of Plot's markers: the ids of markers contain a counter that is global to the process, so the SVG would not
      // be reproducible.
      ...(hasDots ? [Plot.dot(points, { x: 'epoch', y: 'value', r: 2.5, fill: 'color' })] : []),
      Plot.dot(bestPoints, {
        x: 'epoch',
        y: 'value',
        r: 4.5,
        fill: 'white',
        stroke: 'color',
        strokeWidth: 2,
      }),
    ],
    color: { type: 'identity' },
  });
  return roundSvgNumbers(svg.outerHTML);
}

/** Returns the axis label of a metric, with its unit, for example `mae (years)`. */
export const formatMetricLabel = ({ unit }: TaskRecord, metric: string): string =>
  sanitizeText(addUnit(metric, hasTaskUnit(metric) ? unit : undefined));
