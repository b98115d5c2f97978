import type { ScoredTrial } from '../../tuner/results/evaluatedTrials.js';
import type { Objective } from '../../tuner/results/objectives.js';
import type { Dimension } from '../../tuner/space/space.js';
import { BLUE, drawChart, getPlot, ORANGE, type ReportFigure } from '../charts/chart.js';
import type { ChartTools } from '../charts/chartTools.js';
import { formatCount, formatMetric, formatNumber, truncateMiddle } from '../text/format.js';
import { MUTED_COLOR, sanitizeText, TEXT_COLOR } from '../text/svgText.js';

/** Distance between two axes in pixels. */
const AXIS_SPACING = 130;

/**
 * Vertical position of a line on the axis of an objective whose values are all equal. An axis extends from 0 (bottom) to 1 (top).
 */
const EQUAL_VALUES_Y = 0.5;

interface AxisPoint {
  readonly axis: number;
  readonly y: number;
}

/**
 * Vertical position of the line of a trial at the axis of a parameter for which the trial has no value. The line passes below the
 * axis, which starts at 0.
 */
const MISSING_VALUE_Y = -0.14;

/** Options for {@link drawParallelCoordinates}. */
export interface ParallelCoordinatesOptions {
  /** Numbers of the trials on the Pareto front. Undefined if there is a single objective. */
  readonly front: ReadonlySet<number> | undefined;
  /** Number of trials that were omitted because they have no value for one of the objectives. */
  readonly omittedCount: number;
}

/**
 * Draws parallel coordinates: a line for each trial, and an axis for each parameter and each objective. The trials on the Pareto
 * front are drawn in orange. If there is a single objective, the best 10 % of the trials are orange. A trial has no value for a
 * parameter of an alternative that the trial did not choose. Its line then passes below the axis of that parameter.
 *
 * @param scoredTrials - Trials with values for all objectives.
 */
export function drawParallelCoordinates(
  dimensions: readonly Dimension[],
  scoredTrials: readonly ScoredTrial[],
  objectives: readonly [Objective, ...Objective[]],
  { front, omittedCount }: ParallelCoordinatesOptions,
  tools: ChartTools,
): ReportFigure {
  const Plot = getPlot(tools);
  const ranges = objectives.map(({ metric }) => {
    const values = scoredTrials.map(({ row }) => row[metric]!);
    return { metric, low: Math.min(...values), high: Math.max(...values) };
  });
  const [{ direction }] = objectives;
  const computeY = (
    { path, parameter }: Dimension,
    params: ScoredTrial['paramsByPath'],
  ): number | undefined => {
    const range = params.has(path) ? parameter.valueToProbRange(params.get(path)) : undefined;
    return range && (range[0] + range[1]) / 2;
  };
  const rankedTrials = [...scoredTrials].sort((a, b) =>
    direction === 'minimize' ? a.value - b.value : b.value - a.value,
  );
  const bestTrials = new Set(
    front
      ? rankedTrials.filter(({ trial }) => front.has(trial.number))
      : rankedTrials.slice(0, Math.ceil(rankedTrials.length / 10)),
  );
  const axes = [
    ...dimensions.map((dimension) => ({ name: dimension.path, ticks: createAxisTicks(dimension) })),
    ...ranges.map(({ metric, low, high }) => ({
      name: metric,
      ticks: (high > low ? [low, high] : [low]).map((value, y) => ({
        y: high > low ? y : EQUAL_VALUES_Y,
        text: formatMetric(metric, value),
      })),
    })),
  ];
  const worstFirst = [...rankedTrials].reverse();
  // The best trials are drawn last, on top of the others.
  const drawingOrder = [
    ...worstFirst.filter((scored) => !bestTrials.has(scored)),
    ...worstFirst.filter((scored) => bestTrials.has(scored)),
  ];
  const lines = drawingOrder.map((scored) => ({
    isBest: bestTrials.has(scored),
    points: [
      ...dimensions.map(
        (dimension, axis): AxisPoint => ({
          axis,
          y: computeY(dimension, scored.paramsByPath) ?? MISSING_VALUE_Y,
        }),
      ),
      ...ranges.map(({ metric, low, high }, i) => ({
        axis: dimensions.length + i,
        y: high > low ? (scored.row[metric]! - low) / (high - low) : EQUAL_VALUES_Y,
      })),
    ],
  }));
  const missingLabels = dimensions.flatMap(({ path }, axis) =>
    scoredTrials.every(({ paramsByPath }) => paramsByPath.has(path))
      ? []
      : [{ axis, y: MISSING_VALUE_Y, text: 'none' }],
  );
  const bottom = missingLabels.length > 0 ? MISSING_VALUE_Y : 0;
  const labels = axes.flatMap(({ ticks }, axis) => ticks.map(({ y, text }) => ({ axis, y, text })));
  const metrics = objectives.map(({ metric }) => truncateMiddle(metric, 30)).join(', ');
  const notes = [
    `One line per trial, with ${metrics} on the right.`,
    ...(bestTrials.size > 0 ? [`Orange: the ${front ? 'Pareto front' : 'best 10 % of the trials'}.`] : []),
    ...(missingLabels.length > 0 ? ['Below an axis: trials without that parameter.'] : []),
    ...(omittedCount > 0
      ? [`Omitted: ${formatCount(omittedCount, 'trial')} without values of all objectives.`]
      : []),
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
        ...lines.map(({ isBest, points }) =>
          Plot.line(points, {
            ...{ x: 'axis', y: 'y', strokeWidth: isBest ? 2.2 : 1.1, strokeOpacity: isBest ? 1 : 0.35 },
            stroke: isBest ? ORANGE : BLUE,
          }),
        ),
        Plot.text(labels, {
          ...{ x: 'axis', y: 'y', text: 'text', dx: 6, textAnchor: 'start', fill: TEXT_COLOR },
          ...{ stroke: 'white', strokeWidth: 3 },
        }),
        Plot.text(missingLabels, {
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

/** Shortens a long path to its last two parts, which distinguish it best, for example `…sgd.momentum`. */
const shortenPath = (path: string) =>
  path.length > 20 && path.includes('.') ? `…${path.split('.').slice(-2).join('.')}` : path;

/** Creates the ticks of a parameter: one for each value if there are at most eight, otherwise one at each end of the axis. */
function createAxisTicks({ parameter }: Dimension): { readonly y: number; readonly text: string }[] {
  const formatValue = (value: unknown) =>
    sanitizeText(typeof value === 'number' ? formatNumber(value) : truncateMiddle(String(value), 14));
  if (parameter.valueAt && parameter.count <= 8) {
    return Array.from({ length: parameter.count }, (_, i) => {
      const value = parameter.valueAt!(i);
      const [from, to] = parameter.valueToProbRange(value)!;
      return { y: (from + to) / 2, text: formatValue(value) };
    });
  }
  return [0, 1 - 1e-12].map((y) => ({ y, text: formatValue(parameter.probToValue(y)) }));
}
