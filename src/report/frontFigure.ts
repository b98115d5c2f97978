import type { Objective } from '../tuner/objectives.js';
import { BLUE, chart, ORANGE, type ReportFigure } from './chart.js';
import { short } from './format.js';
import type { Judged } from './studyFigures.js';
import { sparse, tickOf } from './ticks.js';
import { type ChartTools, INK, sayable } from './tools.js';

/** Pixels of the frame, at least, over which the points are spread: rounded bounds leave some at its edges. */
const FRAME = { x: 250, y: 150 };
/** Pixels of a digit, and of a line. */
const DIGIT = { x: 8, y: 13 };

interface Point {
  readonly x: number;
  readonly y: number;
  readonly number: number;
}

/** Those whose numbers have room beside each other: both ends first. */
function roomy(points: readonly Point[], ends: readonly Point[]): Point[] {
  const spanOf = (axis: 'x' | 'y') => {
    const values = points.map((point) => point[axis]);
    return Math.max(...values) - Math.min(...values) || 1;
  };
  const span = { x: spanOf('x'), y: spanOf('y') };
  const apart = (a: Point, b: Point, axis: 'x' | 'y', pixels: number) =>
    (Math.abs(a[axis] - b[axis]) / span[axis]) * FRAME[axis] >= pixels;
  const kept: Point[] = [];
  for (const one of [...ends.slice(0, 1), ...ends.slice(-1), ...ends.slice(1, -1)]) {
    const width = DIGIT.x * String(one.number).length;
    if (kept.every((other) => apart(one, other, 'x', width) || apart(one, other, 'y', DIGIT.y)))
      kept.push(one);
  }
  return kept;
}

/** Two objectives over each other, of the complete trials that have both; those of `front`, which no other beats in all, are orange. */
export function frontFigure(
  judged: readonly Judged[],
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
  const named = roomy(points, ends);
  return chart(
    {
      name: 'front',
      title: `${short(first.metric, 30)} and ${short(second.metric, 30)}`,
      note: `Orange, with ${named.length < front.size ? 'some of their numbers' : 'their numbers'}: no other trial is at least as good in all and better in one.`,
    },
    tools,
    {
      inset: 10, // for numbers of points at the edge
      x: { nice: true, label: sayable(short(first.metric, 40)), tickFormat: sparse(tickOf(first.metric)) },
      y: {
        grid: true,
        nice: true,
        label: sayable(short(second.metric, 40)),
        tickFormat: tickOf(second.metric),
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
          ...{ dy: -11, fill: INK, stroke: 'white', strokeWidth: 3 },
        }),
      ],
    },
  );
}
