import type { ScaleOptions } from '@observablehq/plot';
import type { Objective } from '../tuner/objectives.js';
import type { Dimension } from '../tuner/space.js';
import { BLUE, chart, ORANGE, type ReportFigure } from './chart.js';
import { short } from './format.js';
import type { Scored } from './studyFigures.js';
import { numberTick, sparse, tickOf } from './ticks.js';
import { type ChartTools, sayable } from './tools.js';

/** As it may stand in the name of a file. */
const named = (path: string) => path.replaceAll(/[^\p{L}\p{N}_-]+/gu, '-');

/** A log axis says its powers of ten; the ticks between have no room. */
const powersOfTen = (value: number) =>
  Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9 ? numberTick(value, 0) : '';

/** Words that an axis has room for. */
const MOST_WORDS = 30;

/** The words of an axis in the order of the space, those of the best trials where there are too many, and how many are left out. */
function wordsOf(
  { count, nth }: Dimension['parameter'],
  own: readonly Scored[],
  path: string,
  direction: Objective['direction'],
): { readonly shown: readonly string[]; readonly left: number } {
  const all = [...new Set(Array.from({ length: count }, (_, i) => String(nth!(i))))];
  if (all.length <= MOST_WORDS) return { shown: all, left: 0 };
  const sign = direction === 'minimize' ? 1 : -1;
  const tried = [...own].sort((a, b) => sign * (a.value - b.value)).map(({ at }) => String(at.get(path)));
  const kept = new Set([...new Set([...tried, ...all])].slice(0, MOST_WORDS));
  return { shown: all.filter((word) => kept.has(word)), left: all.length - MOST_WORDS };
}

/** The objective over one parameter; those that are marked are orange. */
export function sliceFigure(
  { path, parameter }: Dimension,
  scored: readonly Scored[],
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
  const own = scored.filter(({ at }) => at.has(path));
  const words = parameter.ordered ? undefined : wordsOf(parameter, own, path, direction);
  const points = own
    .map(({ trial, value, at }) => ({
      x: words ? String(at.get(path)) : (at.get(path) as number),
      value,
      best: marked.has(trial.number),
    }))
    .filter(({ x }) => !words || words.shown.includes(x as string));
  const values =
    parameter.ordered && parameter.count <= 12
      ? Array.from({ length: parameter.count }, (_, i) => parameter.nth!(i))
      : undefined;
  const label = sayable(short(path, 40));
  const slanted = words !== undefined && words.shown.length > 6;
  const x: ScaleOptions = words
    ? {
        ...{
          type: 'point',
          domain: words.shown,
          label,
          tickFormat: (name: string) => sayable(short(name, 14)),
        },
        ...(slanted && { tickRotate: -60, labelAnchor: 'right' }),
      }
    : log
      ? { type: 'log', label, inset: 6, tickFormat: powersOfTen }
      : { label, inset: 6, tickFormat: sparse(numberTick), ...(values && { ticks: values }) };
  const notes = [
    epoch,
    marked.size === 0 ? '' : front ? 'Orange: the front.' : 'Orange: the best trial.',
    words && words.left > 0
      ? `The ${words.shown.length} values of the best trials; ${words.left} are left out.`
      : '',
  ].filter(Boolean);
  return chart(
    {
      name: `slice-${named(path)}`,
      title: `${short(metric, 30)} by ${short(path, 40)}`,
      ...(notes.length > 0 && { note: notes.join(' ') }),
    },
    tools,
    {
      height: slanted ? 310 : 240,
      ...(slanted && { marginBottom: 112 }),
      x,
      y: { grid: true, nice: true, label: sayable(short(metric, 40)), tickFormat: tickOf(metric) },
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
