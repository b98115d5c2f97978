import type { ScoredTrial } from '../../tuner/results/evaluatedTrials.js';
import type { Objective } from '../../tuner/results/objectives.js';
import type { Dimension } from '../../tuner/space/space.js';
import { BLUE, drawChart, ORANGE, type ReportFigure } from '../charts/chart.js';
import type { ChartTools } from '../charts/chartTools.js';
import { formatCount, formatMetric, formatNumber, truncateMiddle } from '../text/format.js';
import { MUTED_COLOR, sanitizeText, TEXT_COLOR } from '../text/svgText.js';

/** Pixels between two axes. */
const AXIS_SPACING = 130;

/** Where lines cross an axis on which all are equal. */
const EQUAL_VALUES_Y = 0.5;

interface AxisPoint {
  readonly axis: number;
  readonly y: number;
}

/** Where a line goes that has no value at an axis: below it. */
const MISSING_VALUE_Y = -0.14;

/**
 * Every trial as a line over an axis for each parameter and one for each objective; the best tenth, or the trials of `front` where there are several, are
 * orange, the others fade. Trials have a number of each objective. A parameter of an alternative that was not chosen has no value: the line goes below its axis.
 */
export function drawParallelCoordinates(
  dimensions: readonly Dimension[],
  scored: readonly ScoredTrial[],
  objectives: readonly [Objective, ...Objective[]],
  { front, left }: { readonly front: ReadonlySet<number> | undefined; readonly left: number },
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const ends = objectives.map(({ metric }) => {
    const values = scored.map(({ row }) => row[metric]!);
    return { metric, low: Math.min(...values), high: Math.max(...values) };
  });
  const [{ direction }] = objectives;
  const placeOf = ({ path, parameter }: Dimension, at: ScoredTrial['paramsByPath']): number | undefined => {
    const cell = at.has(path) ? parameter.valueToProbRange(at.get(path)) : undefined;
    return cell && (cell[0] + cell[1]) / 2;
  };
  const order = [...scored].sort((a, b) =>
    direction === 'minimize' ? a.value - b.value : b.value - a.value,
  );
  const bests = new Set(
    front
      ? order.filter(({ trial }) => front.has(trial.number))
      : order.slice(0, Math.ceil(order.length / 10)),
  );
  const axes = [
    ...dimensions.map((dimension) => ({ name: dimension.path, ticks: createAxisTicks(dimension) })),
    ...ends.map(({ metric, low, high }) => ({
      name: metric,
      ticks: (high > low ? [low, high] : [low]).map((value, y) => ({
        y: high > low ? y : EQUAL_VALUES_Y,
        text: formatMetric(metric, value),
      })),
    })),
  ];
  const drawn = [...order].reverse();
  // The best are drawn last, over the others.
  const lines = [...drawn.filter((one) => !bests.has(one)), ...drawn.filter((one) => bests.has(one))].map(
    (one) => ({
      best: bests.has(one),
      points: [
        ...dimensions.map(
          (dimension, axis): AxisPoint => ({
            axis,
            y: placeOf(dimension, one.paramsByPath) ?? MISSING_VALUE_Y,
          }),
        ),
        ...ends.map(({ metric, low, high }, i) => ({
          axis: dimensions.length + i,
          y: high > low ? (one.row[metric]! - low) / (high - low) : EQUAL_VALUES_Y,
        })),
      ],
    }),
  );
  const without = dimensions.flatMap(({ path }, axis) =>
    scored.every(({ paramsByPath }) => paramsByPath.has(path))
      ? []
      : [{ axis, y: MISSING_VALUE_Y, text: 'none' }],
  );
  const bottom = without.length > 0 ? MISSING_VALUE_Y : 0;
  const labels = axes.flatMap(({ ticks }, axis) => ticks.map(({ y, text }) => ({ axis, y, text })));
  const names = objectives.map(({ metric }) => truncateMiddle(metric, 30)).join(', ');
  const notes = [
    `A line a trial, ${names} at the right${bests.size > 0 ? `; orange: the ${front ? 'front' : 'best tenth'}` : ''}.`,
    ...(without.length > 0 ? ['Below an axis: trials without that parameter.'] : []),
    ...(left > 0 ? [`Left out: ${formatCount(left, 'trial')} without a number of each.`] : []),
  ];
  return drawChart(
    {
      name: 'parallel',
      title: 'Every trial over all parameters',
      note: notes.join(' '),
    },
    tools,
    {
      width: Math.max(420, AXIS_SPACING * axes.length + 80),
      height: 320,
      ...{ marginLeft: 60, marginRight: 90, marginTop: 44 },
      x: { axis: null, domain: [0, axes.length - 1] },
      y: { axis: null, domain: [bottom, 1] },
      marks: [
        Plot.ruleX(axes.keys(), {
          ...{ x: (axis: number) => axis, y1: 0, y2: 1 },
          stroke: MUTED_COLOR,
          strokeOpacity: 0.6,
        }),
        ...lines.map(({ best, points }) =>
          Plot.line(points, {
            ...{ x: 'axis', y: 'y', strokeWidth: best ? 2.2 : 1.1, strokeOpacity: best ? 1 : 0.35 },
            stroke: best ? ORANGE : BLUE,
          }),
        ),
        Plot.text(labels, {
          ...{ x: 'axis', y: 'y', text: 'text', dx: 6, textAnchor: 'start', fill: TEXT_COLOR },
          ...{ stroke: 'white', strokeWidth: 3 },
        }),
        Plot.text(without, {
          ...{ x: 'axis', y: 'y', text: 'text', dy: 11, fill: MUTED_COLOR },
          ...{ stroke: 'white', strokeWidth: 3 },
        }),
        Plot.text(axes, {
          x: (_: unknown, i: number) => i,
          text: ({ name }: { name: string }) => sanitizeText(truncateMiddle(shortenPath(name), 20)),
          frameAnchor: 'top',
          ...{ dy: -22, fontWeight: 600, fill: TEXT_COLOR },
        }),
      ],
    },
  );
}

/** The end of a long path, which says what it is: `….sgd.momentum`. */
const shortenPath = (path: string) =>
  path.length > 20 && path.includes('.') ? `…${path.split('.').slice(-2).join('.')}` : path;

/** What an axis says at its ends, or at each of few values. */
function createAxisTicks({ parameter }: Dimension): { readonly y: number; readonly text: string }[] {
  const say = (value: unknown) =>
    sanitizeText(typeof value === 'number' ? formatNumber(value) : truncateMiddle(String(value), 14));
  if (parameter.valueAt && parameter.count <= 8) {
    return Array.from({ length: parameter.count }, (_, i) => {
      const value = parameter.valueAt!(i);
      const [from, to] = parameter.valueToProbRange(value)!;
      return { y: (from + to) / 2, text: say(value) };
    });
  }
  return [0, 1 - 1e-12].map((y) => ({ y, text: say(parameter.probToValue(y)) }));
}
