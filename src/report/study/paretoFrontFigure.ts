import type { EvaluatedTrial } from '../../tuner/results/evaluatedTrials.js';
import type { Objective } from '../../tuner/results/objectives.js';
import { BLUE, drawChart, ORANGE, type ReportFigure } from '../charts/chart.js';
import type { ChartTools } from '../charts/chartTools.js';
import { truncateMiddle } from '../text/format.js';
import { sanitizeText, TEXT_COLOR } from '../text/svgText.js';
import { getTickFormat, skipCrowdedTicks } from '../text/tickFormat.js';

/** Pixels of the frame, at least, over which the points are spread: rounded bounds leave some at its edges. */
const MIN_FRAME_SIZE = { x: 250, y: 150 };
/** Pixels of a digit, and of a line. */
const DIGIT_SIZE = { x: 8, y: 13 };

interface FrontPoint {
  readonly x: number;
  readonly y: number;
  readonly number: number;
}

/** Those whose numbers have room beside each other: both ends first. */
function selectLabeledPoints(points: readonly FrontPoint[], ends: readonly FrontPoint[]): FrontPoint[] {
  const spanOf = (axis: 'x' | 'y') => {
    const values = points.map((point) => point[axis]);
    return Math.max(...values) - Math.min(...values) || 1;
  };
  const span = { x: spanOf('x'), y: spanOf('y') };
  const apart = (a: FrontPoint, b: FrontPoint, axis: 'x' | 'y', pixels: number) =>
    (Math.abs(a[axis] - b[axis]) / span[axis]) * MIN_FRAME_SIZE[axis] >= pixels;
  const kept: FrontPoint[] = [];
  for (const one of [...ends.slice(0, 1), ...ends.slice(-1), ...ends.slice(1, -1)]) {
    const width = DIGIT_SIZE.x * String(one.number).length;
    if (kept.every((other) => apart(one, other, 'x', width) || apart(one, other, 'y', DIGIT_SIZE.y)))
      kept.push(one);
  }
  return kept;
}

/** Two objectives over each other, of the complete trials that have both; those of `front`, which no other beats in all, are orange. */
export function drawParetoFront(
  judged: readonly EvaluatedTrial[],
  front: ReadonlySet<number>,
  [first, second]: readonly [Objective, Objective],
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const points = judged.flatMap(({ trial: { number, state }, row }) => {
    const [x, y] = [row[first.metric], row[second.metric]];
    return state === 'complete' &&
      x !== undefined &&
      y !== undefined &&
      Number.isFinite(x) &&
      Number.isFinite(y)
      ? [{ x, y, number, best: front.has(number) }]
      : [];
  });
  const ends = points.filter(({ best }) => best).sort((a, b) => a.x - b.x);
  const named = selectLabeledPoints(points, ends);
  return drawChart(
    {
      name: 'front',
      title: `${truncateMiddle(first.metric, 30)} and ${truncateMiddle(second.metric, 30)}`,
      note: `Orange, with ${named.length < front.size ? 'some of their numbers' : 'their numbers'}: no other trial is at least as good in all and better in one.`,
    },
    tools,
    {
      inset: 10, // for numbers of points at the edge
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
        Plot.text(named, {
          ...{ x: 'x', y: 'y', text: ({ number }: { number: number }) => String(number) },
          ...{ dy: -11, fill: TEXT_COLOR, stroke: 'white', strokeWidth: 3 },
        }),
      ],
    },
  );
}
