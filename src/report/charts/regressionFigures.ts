import type { TaskRecord } from '../../core/records/history.js';
import { createRng } from '../../core/rng.js';
import { computeBinEdges, findBin, findRange } from '../statistics/bins.js';
import { computeErrorBins, type ErrorBin, type NumberPrediction } from '../statistics/errorBins.js';
import { type MeanEstimate, MIN_INTERVAL_VALUES } from '../statistics/estimates.js';
import { addUnit, formatNumber } from '../text/format.js';
import { MUTED_COLOR, sanitizeText, TEXT_COLOR } from '../text/svgText.js';
import { formatTick, skipCrowdedTicks } from '../text/tickFormat.js';
import { BLUE, drawChart, formatIntegerTick, getPlot, ORANGE, type ReportFigure } from './chart.js';
import type { ChartTools } from './chartTools.js';

/** Maximum number of points in a scatter plot. More points would overlap and make the page several megabytes larger. */
const MAX_POINTS = 1500;

/**
 * Draws the figures of a regression: a scatter plot of predicted values against true values, a histogram of the errors, and the
 * error as a function of the true value. `pairs` must not be empty, and all values must be finite.
 */
export function drawRegressionFigures(
  task: TaskRecord,
  pairs: readonly NumberPrediction[],
  tools: ChartTools,
): ReportFigure[] {
  return [
    drawScatterPlot(task, pairs, tools),
    drawErrorHistogram(task, pairs, tools),
    drawErrorBins(task, pairs, tools),
  ];
}

function drawScatterPlot(
  { name, unit }: TaskRecord,
  pairs: readonly NumberPrediction[],
  tools: ChartTools,
): ReportFigure {
  const Plot = getPlot(tools);
  const points =
    pairs.length <= MAX_POINTS
      ? pairs
      : createRng(0, 'scatter')
          .permutation(pairs.length)
          .slice(0, MAX_POINTS)
          .map((i) => pairs[i]!);
  const [low, high] = findRange(pairs.flatMap(({ truth, predicted }) => [truth, predicted]));
  const domain = low === high ? [low - 1, high + 1] : [low, high];
  return drawChart(
    {
      name: `${name}-predicted`,
      title: 'Predicted against true',
      note: `Predictions on the dashed line are exact.${points.length < pairs.length ? ` Random sample of ${formatIntegerTick(points.length)} of ${formatIntegerTick(pairs.length)} images.` : ''}`,
    },
    tools,
    {
      x: { domain, nice: true, label: formatAxisLabel('true', unit) },
      y: { domain, nice: true, grid: true, label: formatAxisLabel('predicted', unit) },
      marks: [
        Plot.line(
          [
            [domain[0]!, domain[0]!],
            [domain[1]!, domain[1]!],
          ],
          { stroke: MUTED_COLOR, strokeDasharray: '4,3' },
        ),
        Plot.dot(points, {
          x: 'truth',
          y: 'predicted',
          r: points.length > 50 ? 2.5 : 4,
          fill: BLUE,
          fillOpacity: points.length > 300 ? 0.35 : 0.6,
          stroke: 'none',
        }),
      ],
    },
  );
}

function drawErrorHistogram(
  { name, unit }: TaskRecord,
  pairs: readonly NumberPrediction[],
  tools: ChartTools,
): ReportFigure {
  const Plot = getPlot(tools);
  const errors = pairs.map(({ truth, predicted }) => predicted - truth);
  const [low, high] = findRange(errors);
  const edges = computeBinEdges(low, high, 24);
  const counts = edges.slice(1).map(() => 0);
  for (const error of errors) counts[findBin(edges, error)]!++;
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  return drawChart(
    {
      name: `${name}-errors`,
      title: 'Errors',
      note: `Predicted minus true value. Dashed line: the mean, ${formatNumber(mean)}. Predictions to the right of zero are too high.`,
    },
    tools,
    {
      x: { label: formatAxisLabel('predicted − true', unit) },
      y: {
        grid: true,
        label: 'images',
        ticks: Math.min(6, findRange(counts)[1]),
        tickFormat: formatIntegerTick,
      },
      marks: [
        Plot.rectY(
          counts.map((count, i) => ({ count, from: edges[i]!, to: edges[i + 1]! })),
          { x1: 'from', x2: 'to', y: 'count', fill: BLUE },
        ),
        Plot.ruleX([0], { stroke: TEXT_COLOR }),
        Plot.ruleX([mean], { stroke: ORANGE, strokeWidth: 2, strokeDasharray: '4,3' }),
        Plot.ruleY([0], { stroke: TEXT_COLOR }),
      ],
    },
  );
}

function drawErrorBins(
  { name, unit }: TaskRecord,
  pairs: readonly NumberPrediction[],
  tools: ChartTools,
): ReportFigure {
  const Plot = getPlot(tools);
  const allBins = computeErrorBins(pairs);
  const bins = allBins
    .filter((bin): bin is ErrorBin & { error: MeanEstimate } => bin.error !== undefined)
    .map(({ from, to, count, error }) => ({ middle: (from + to) / 2, from, to, count, ...error }));
  const highest = Math.max(...bins.map(({ value, high = value }) => high)) || 1;
  return drawChart(
    {
      name: `${name}-bands`,
      title: 'Error by true value',
      note: `Mean absolute error in each bin, with 95 % intervals (bootstrap) for at least ${MIN_INTERVAL_VALUES} images. The numbers at the top count the images.`,
    },
    tools,
    {
      x: {
        domain: [allBins[0]!.from, allBins.at(-1)!.to],
        ticks: allBins.map(({ from }) => from).concat(allBins.at(-1)!.to),
        label: formatAxisLabel('true', unit),
        tickFormat: skipCrowdedTicks(formatTick),
      },
      y: { domain: [0, highest * 1.12], grid: true, label: formatAxisLabel('mean absolute error', unit) },
      marks: [
        Plot.rectY(bins, {
          x1: 'from',
          x2: 'to',
          y: 'value',
          fill: BLUE,
          fillOpacity: 0.25,
          insetLeft: 1,
          insetRight: 1,
        }),
        Plot.ruleX(
          bins.filter(({ high }) => high !== undefined),
          { x: 'middle', y1: 'low', y2: 'high', stroke: BLUE, strokeWidth: 2 },
        ),
        Plot.dot(bins, { x: 'middle', y: 'value', r: 3.5, fill: BLUE }),
        Plot.text(bins, {
          x: 'middle',
          y: highest * 1.12,
          text: ({ count }: { count: number }) => formatIntegerTick(count),
          fill: MUTED_COLOR,
          fontSize: 11,
          dy: 6,
        }),
        Plot.ruleY([0], { stroke: TEXT_COLOR }),
      ],
    },
  );
}

const formatAxisLabel = (label: string, unit: string | undefined) => sanitizeText(addUnit(label, unit));
