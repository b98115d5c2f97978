import type { TaskRecord } from '../../core/records/history.js';
import { createRng } from '../../core/rng.js';
import { computeBinEdges, findBin, findRange } from '../statistics/bins.js';
import { computeErrorBins, type ErrorBin, type NumberPrediction } from '../statistics/errorBins.js';
import { type MeanEstimate, MIN_INTERVAL_VALUES } from '../statistics/estimates.js';
import { formatNumber, truncateMiddle } from '../text/format.js';
import { MUTED_COLOR, sanitizeText, TEXT_COLOR } from '../text/svgText.js';
import { formatTick, skipCrowdedTicks } from '../text/tickFormat.js';
import { BLUE, drawChart, formatIntegerTick, ORANGE, type ReportFigure } from './chart.js';
import type { ChartTools } from './chartTools.js';

/** Dots of a scatter: with more, a page is megabytes and the dots one blot. */
const MAX_POINTS = 1500;

/** Predicted against true, errors, and errors by band of the true value. `pairs` is not empty, and all are numbers. */
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
  const { Plot } = tools;
  const few =
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
      note: `On the line the answer is right.${few.length < pairs.length ? ` ${formatIntegerTick(few.length)} images of ${formatIntegerTick(pairs.length)}, drawn by chance.` : ''}`,
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
        Plot.dot(few, {
          x: 'truth',
          y: 'predicted',
          r: few.length > 50 ? 2.5 : 4,
          fill: BLUE,
          fillOpacity: few.length > 300 ? 0.35 : 0.6,
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
  const { Plot } = tools;
  const errors = pairs.map(({ truth, predicted }) => predicted - truth);
  const [low, high] = findRange(errors);
  const ends = computeBinEdges(low, high, 24);
  const counts = ends.slice(1).map(() => 0);
  for (const error of errors) counts[findBin(ends, error)]!++;
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  return drawChart(
    {
      name: `${name}-errors`,
      title: 'Errors',
      note: `Predicted minus true. The mean, ${formatNumber(mean)}, is dashed: right of zero the answers are too high.`,
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
          counts.map((count, i) => ({ count, from: ends[i]!, to: ends[i + 1]! })),
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
  const { Plot } = tools;
  const all = computeErrorBins(pairs);
  const drawn = all
    .filter((band): band is ErrorBin & { error: MeanEstimate } => band.error !== undefined)
    .map(({ from, to, count, error }) => ({ middle: (from + to) / 2, from, to, count, ...error }));
  const top = Math.max(...drawn.map(({ value, high = value }) => high)) || 1;
  return drawChart(
    {
      name: `${name}-bands`,
      title: 'Error by true value',
      note: `Mean absolute error in each band, with its 95 % interval (bootstrap) from ${MIN_INTERVAL_VALUES} images on; above, the number of images.`,
    },
    tools,
    {
      x: {
        domain: [all[0]!.from, all.at(-1)!.to],
        ticks: all.map(({ from }) => from).concat(all.at(-1)!.to),
        label: formatAxisLabel('true', unit),
        tickFormat: skipCrowdedTicks(formatTick),
      },
      y: { domain: [0, top * 1.12], grid: true, label: formatAxisLabel('mean absolute error', unit) },
      marks: [
        Plot.rectY(drawn, {
          x1: 'from',
          x2: 'to',
          y: 'value',
          fill: BLUE,
          fillOpacity: 0.25,
          insetLeft: 1,
          insetRight: 1,
        }),
        Plot.ruleX(
          drawn.filter(({ high }) => high !== undefined),
          { x: 'middle', y1: 'low', y2: 'high', stroke: BLUE, strokeWidth: 2 },
        ),
        Plot.dot(drawn, { x: 'middle', y: 'value', r: 3.5, fill: BLUE }),
        Plot.text(drawn, {
          x: 'middle',
          y: top * 1.12,
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

const formatAxisLabel = (what: string, unit: string | undefined) =>
  sanitizeText(unit ? `${what} (${truncateMiddle(unit, 16)})` : what);
