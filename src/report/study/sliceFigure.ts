import type { ScaleOptions } from '@observablehq/plot';
import type { ScoredTrial } from '../../tuner/results/evaluatedTrials.js';
import type { Objective } from '../../tuner/results/objectives.js';
import type { Dimension } from '../../tuner/space/space.js';
import { BLUE, drawChart, getPlot, ORANGE, type ReportFigure } from '../charts/chart.js';
import type { ChartTools } from '../charts/chartTools.js';
import { toFileName } from '../text/fileName.js';
import { truncateMiddle } from '../text/format.js';
import { sanitizeText } from '../text/svgText.js';
import { formatTick, getTickFormat, skipCrowdedTicks } from '../text/tickFormat.js';

/** Formats a tick on a logarithmic axis. Only powers of ten have a label, because the labels of the other ticks would overlap. */
const formatPowerOfTen = (value: number) =>
  Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9 ? formatTick(value, 0) : '';

/** Maximum number of categories on an axis. */
const MAX_CATEGORIES = 30;

/** Categories that an axis shows, and the number of omitted categories. */
interface CategorySelection {
  /** Categories in the order of the search space. */
  readonly shown: readonly string[];
  /** Number of categories that are not shown. */
  readonly omittedCount: number;
}

/** Selects the categories that an axis shows. If there are too many, the categories of the best trials have priority. */
function selectCategories(
  { count, valueAt }: Dimension['parameter'],
  scoredTrials: readonly ScoredTrial[],
  path: string,
  direction: Objective['direction'],
): CategorySelection {
  const categories = [...new Set(Array.from({ length: count }, (_, i) => String(valueAt!(i))))];
  if (categories.length <= MAX_CATEGORIES) return { shown: categories, omittedCount: 0 };
  const sign = direction === 'minimize' ? 1 : -1;
  const bestFirst = [...scoredTrials]
    .sort((a, b) => sign * (a.value - b.value))
    .map(({ paramsByPath }) => String(paramsByPath.get(path)));
  const selected = new Set([...new Set([...bestFirst, ...categories])].slice(0, MAX_CATEGORIES));
  return {
    shown: categories.filter((category) => selected.has(category)),
    omittedCount: categories.length - MAX_CATEGORIES,
  };
}

/** Options for {@link drawSlice}. */
export interface SliceOptions {
  /** Numbers of the trials that are drawn in orange. */
  readonly highlighted: ReadonlySet<number>;
  /** True if the orange trials are the Pareto front. False if the orange trial is the best trial. */
  readonly isFront: boolean;
  /** Sentence for the figure that states from which epoch the values are, or an empty string. */
  readonly epochNote: string;
}

/** Draws a scatter plot of the objective value of each trial against one parameter. */
export function drawSlice(
  { path, parameter }: Dimension,
  scoredTrials: readonly ScoredTrial[],
  { highlighted, isFront, epochNote }: SliceOptions,
  { metric, direction }: Objective,
  tools: ChartTools,
): ReportFigure {
  const Plot = getPlot(tools);
  const isLogarithmic = parameter['~parameter'].scale === 'log';
  const trialsWithValue = scoredTrials.filter(({ paramsByPath }) => paramsByPath.has(path));
  const categories = parameter.isOrdered
    ? undefined
    : selectCategories(parameter, trialsWithValue, path, direction);
  const points = trialsWithValue
    .map(({ trial, value, paramsByPath }) => ({
      x: categories ? String(paramsByPath.get(path)) : (paramsByPath.get(path) as number),
      value,
      best: highlighted.has(trial.number),
    }))
    .filter(({ x }) => !categories || categories.shown.includes(x as string));
  const values =
    parameter.isOrdered && parameter.count <= 12
      ? Array.from({ length: parameter.count }, (_, i) => parameter.valueAt!(i))
      : undefined;
  const label = sanitizeText(truncateMiddle(path, 40));
  const isSlanted = categories !== undefined && categories.shown.length > 6;
  const x: ScaleOptions = categories
    ? {
        ...{
          type: 'point',
          domain: categories.shown,
          label,
          tickFormat: (category: string) => sanitizeText(truncateMiddle(category, 14)),
        },
        ...(isSlanted && { tickRotate: -60, labelAnchor: 'right' }),
      }
    : isLogarithmic
      ? { type: 'log', label, inset: 6, tickFormat: formatPowerOfTen }
      : { label, inset: 6, tickFormat: skipCrowdedTicks(formatTick), ...(values && { ticks: values }) };
  const notes = [
    epochNote,
    highlighted.size === 0 ? '' : isFront ? 'Orange: the Pareto front.' : 'Orange: the best trial.',
    categories && categories.omittedCount > 0
      ? `Only the ${categories.shown.length} values of the best trials are shown; ${categories.omittedCount} are omitted.`
      : '',
  ].filter(Boolean);
  return drawChart(
    {
      name: `slice-${toFileName(path, '-')}`,
      title: `${truncateMiddle(metric, 30)} by ${truncateMiddle(path, 40)}`,
      ...(notes.length > 0 && { note: notes.join(' ') }),
    },
    tools,
    {
      height: isSlanted ? 310 : 240,
      ...(isSlanted && { marginBottom: 112 }),
      x,
      y: {
        grid: true,
        nice: true,
        label: sanitizeText(truncateMiddle(metric, 40)),
        tickFormat: getTickFormat(metric),
      },
      marks: [
        Plot.dot(
          points.filter((point) => !point.best),
          { x: 'x', y: 'value', r: 3.5, fill: BLUE, fillOpacity: 0.7 },
        ),
        Plot.dot(
          points.filter((point) => point.best),
          { x: 'x', y: 'value', r: 5, fill: ORANGE },
        ),
      ],
    },
  );
}
