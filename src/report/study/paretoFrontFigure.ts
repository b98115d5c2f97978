import type { EvaluatedTrial } from '../../tuner/results/evaluatedTrials.js';
import type { Objective } from '../../tuner/results/objectives.js';
import { BLUE, drawChart, getPlot, ORANGE, type ReportFigure } from '../charts/chart.js';
import type { ChartTools } from '../charts/chartTools.js';
import { truncateMiddle } from '../text/format.js';
import { sanitizeText, TEXT_COLOR } from '../text/svgText.js';
import { getTickFormat, skipCrowdedTicks } from '../text/tickFormat.js';

/**
 * Smallest size in pixels of the area that the points cover. This area is smaller than the frame, because the ranges of the axes
 * are rounded.
 */
const MIN_FRAME_SIZE = { x: 250, y: 150 };
/** Width of a digit and height of a line of text, in pixels. */
const DIGIT_SIZE = { x: 8, y: 13 };

interface FrontPoint {
  readonly x: number;
  readonly y: number;
  readonly number: number;
}

/**
 * Selects which points of the Pareto front to label with their trial numbers, so that the labels do not overlap. The two ends of
 * the front are selected first.
 */
function selectLabeledPoints(
  points: readonly FrontPoint[],
  frontPoints: readonly FrontPoint[],
): FrontPoint[] {
  const computeSpan = (axis: 'x' | 'y') => {
    const values = points.map((point) => point[axis]);
    return Math.max(...values) - Math.min(...values) || 1;
  };
  const span = { x: computeSpan('x'), y: computeSpan('y') };
  const isApart = (a: FrontPoint, b: FrontPoint, axis: 'x' | 'y', pixels: number) =>
    (Math.abs(a[axis] - b[axis]) / span[axis]) * MIN_FRAME_SIZE[axis] >= pixels;
  const labeled: FrontPoint[] = [];
  for (const point of [...frontPoints.slice(0, 1), ...frontPoints.slice(-1), ...frontPoints.slice(1, -1)]) {
    const width = DIGIT_SIZE.x * String(point.number).length;
    if (
      labeled.every((other) => isApart(point, other, 'x', width) || isApart(point, other, 'y', DIGIT_SIZE.y))
    )
      labeled.push(point);
  }
  return labeled;
}

/**
 * Draws a scatter plot of two objectives. The plot shows all complete trials that have values for both objectives. The trials on
 * the Pareto front are orange.
 *
 * @param front - Numbers of the trials on the Pareto front of all objectives.
 */
export function drawParetoFront(
  evaluatedTrials: readonly EvaluatedTrial[],
  front: ReadonlySet<number>,
  [first, second]: readonly [Objective, Objective],
  tools: ChartTools,
): ReportFigure {
  const Plot = getPlot(tools);
  const points = evaluatedTrials.flatMap(({ trial: { number, state }, row }) => {
    const [x, y] = [row[first.metric], row[second.metric]];
    return state === 'complete' &&
      x !== undefined &&
      y !== undefined &&
      Number.isFinite(x) &&
      Number.isFinite(y)
      ? [{ x, y, number, best: front.has(number) }]
      : [];
  });
  const frontPoints = points.filter(({ best }) => best).sort((a, b) => a.x - b.x);
  const labeled = selectLabeledPoints(points, frontPoints);
  return drawChart(
    {
      name: 'front',
      title: `${truncateMiddle(first.metric, 30)} and ${truncateMiddle(second.metric, 30)}`,
      note: `Orange: the trials of the Pareto front, with ${labeled.length < front.size ? 'some of their numbers' : 'their numbers'}. No other trial is at least as good in all objectives and better in one.`,
    },
    tools,
    {
      inset: 10, // space for the numbers of points at the edge
      x: {
        nice: true,
        label: sanitizeText(truncateMiddle(first.metric, 40)),
        tickFormat: skipCrowdedTicks(getTickFormat(first.metric)),
      },
      y: {
        grid: true,
        nice: true,
        label: sanitizeText(truncateMiddle(second.metric, 40)),
        tickFormat: getTickFormat(second.metric),
      },
      marks: [
        Plot.dot(
          points.filter(({ best }) => !best),
          { x: 'x', y: 'y', r: 3.5, fill: BLUE },
        ),
        Plot.dot(
          points.filter(({ best }) => best),
          { x: 'x', y: 'y', r: 4.5, fill: ORANGE },
        ),
        Plot.text(labeled, {
          ...{ x: 'x', y: 'y', text: ({ number }: { number: number }) => String(number) },
          ...{ dy: -11, fill: TEXT_COLOR, stroke: 'white', strokeWidth: 3 },
        }),
      ],
    },
  );
}
