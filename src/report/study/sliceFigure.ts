import type { ScaleOptions } from '@observablehq/plot';
import type { ScoredTrial } from '../../tuner/results/evaluatedTrials.js';
import type { Objective } from '../../tuner/results/objectives.js';
import type { Dimension } from '../../tuner/space/space.js';
import { BLUE, drawChart, ORANGE, type ReportFigure } from '../charts/chart.js';
import type { ChartTools } from '../charts/chartTools.js';
import { truncateMiddle } from '../text/format.js';
import { sanitizeText } from '../text/svgText.js';
import { formatTick, getTickFormat, skipCrowdedTicks } from '../text/tickFormat.js';

/** As it may stand in the name of a file. */
const toFileName = (path: string) => path.replaceAll(/[^\p{L}\p{N}_-]+/gu, '-');

/** A log axis says its powers of ten; the ticks between have no room. */
const formatPowerOfTen = (value: number) =>
  Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9 ? formatTick(value, 0) : '';

/** Words that an axis has room for. */
const MAX_CATEGORIES = 30;

/** The words of an axis in the order of the space, those of the best trials where there are too many, and how many are left out. */
function selectCategories(
  { count, valueAt }: Dimension['parameter'],
  own: readonly ScoredTrial[],
  path: string,
  direction: Objective['direction'],
): { readonly shown: readonly string[]; readonly left: number } {
  const all = [...new Set(Array.from({ length: count }, (_, i) => String(valueAt!(i))))];
  if (all.length <= MAX_CATEGORIES) return { shown: all, left: 0 };
  const sign = direction === 'minimize' ? 1 : -1;
  const tried = [...own]
    .sort((a, b) => sign * (a.value - b.value))
    .map(({ paramsByPath }) => String(paramsByPath.get(path)));
  const kept = new Set([...new Set([...tried, ...all])].slice(0, MAX_CATEGORIES));
  return { shown: all.filter((word) => kept.has(word)), left: all.length - MAX_CATEGORIES };
}

/** The objective over one parameter; those that are marked are orange. */
export function drawSlice(
  { path, parameter }: Dimension,
  scored: readonly ScoredTrial[],
  {
    marked,
    front,
    epoch,
  }: { readonly marked: ReadonlySet<number>; readonly front: boolean; readonly epoch: string },
  { metric, direction }: Objective,
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const log = parameter['~parameter'].scale === 'log';
  const own = scored.filter(({ paramsByPath }) => paramsByPath.has(path));
  const words = parameter.isOrdered ? undefined : selectCategories(parameter, own, path, direction);
  const points = own
    .map(({ trial, value, paramsByPath }) => ({
      x: words ? String(paramsByPath.get(path)) : (paramsByPath.get(path) as number),
      value,
      best: marked.has(trial.number),
    }))
    .filter(({ x }) => !words || words.shown.includes(x as string));
  const values =
    parameter.isOrdered && parameter.count <= 12
      ? Array.from({ length: parameter.count }, (_, i) => parameter.valueAt!(i))
      : undefined;
  const label = sanitizeText(truncateMiddle(path, 40));
  const slanted = words !== undefined && words.shown.length > 6;
  const x: ScaleOptions = words
    ? {
        ...{
          type: 'point',
          domain: words.shown,
          label,
          tickFormat: (name: string) => sanitizeText(truncateMiddle(name, 14)),
        },
        ...(slanted && { tickRotate: -60, labelAnchor: 'right' }),
      }
    : log
      ? { type: 'log', label, inset: 6, tickFormat: formatPowerOfTen }
      : { label, inset: 6, tickFormat: skipCrowdedTicks(formatTick), ...(values && { ticks: values }) };
  const notes = [
    epoch,
    marked.size === 0 ? '' : front ? 'Orange: the front.' : 'Orange: the best trial.',
    words && words.left > 0
      ? `The ${words.shown.length} values of the best trials; ${words.left} are left out.`
      : '',
  ].filter(Boolean);
  return drawChart(
    {
      name: `slice-${toFileName(path)}`,
      title: `${truncateMiddle(metric, 30)} by ${truncateMiddle(path, 40)}`,
      ...(notes.length > 0 && { note: notes.join(' ') }),
    },
    tools,
    {
      height: slanted ? 310 : 240,
      ...(slanted && { marginBottom: 112 }),
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
