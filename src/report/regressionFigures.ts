import type { TaskRecord } from '../core/history.js';
import { rng } from '../core/rng.js';
import { BLUE, chart, ORANGE, type ReportFigure, wholeTick } from './chart.js';
import { figure, short } from './format.js';
import { bandAt, bandsOf, FEWEST_VALUES, type Mean, meanOf } from './statistics.js';
import { numberTick, sparse } from './ticks.js';
import { type ChartTools, FAINT, INK, sayable } from './tools.js';

/** A true value and what was predicted. */
export interface NumberPair {
  readonly truth: number;
  readonly predicted: number;
}

/** Dots of a scatter: with more, a page is megabytes and the dots one blot. */
const MOST_DOTS = 1500;

/** Images whose true value lies in a band, and their error. */
export interface Band {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly error: Mean | undefined;
}

/** Mean absolute error by bands of the true value, empty ones too. */
export function errorBands(pairs: readonly NumberPair[]): Band[] {
  const truths = pairs.map(({ truth }) => truth);
  const ends = bandsOf(Math.min(...extremes(truths)), Math.max(...extremes(truths)), 10);
  const errors: number[][] = ends.slice(1).map(() => []);
  for (const { truth, predicted } of pairs) errors[bandAt(ends, truth)]!.push(Math.abs(predicted - truth));
  return errors.map((own, i) => ({
    from: ends[i]!,
    to: ends[i + 1]!,
    count: own.length,
    error: meanOf(own, 0),
  }));
}

/** Predicted against true, errors, and errors by band of the true value. `pairs` is not empty, and all are numbers. */
export function regressionFigures(
  task: TaskRecord,
  pairs: readonly NumberPair[],
  tools: ChartTools,
): ReportFigure[] {
  return [scatter(task, pairs, tools), histogram(task, pairs, tools), bands(task, pairs, tools)];
}

function scatter({ name, unit }: TaskRecord, pairs: readonly NumberPair[], tools: ChartTools): ReportFigure {
  const { Plot } = tools;
  const few =
    pairs.length <= MOST_DOTS
      ? pairs
      : rng(0, 'scatter')
          .permutation(pairs.length)
          .slice(0, MOST_DOTS)
          .map((i) => pairs[i]!);
  const [low, high] = extremes(pairs.flatMap(({ truth, predicted }) => [truth, predicted]));
  const domain = low === high ? [low - 1, high + 1] : [low, high];
  return chart(
    {
      name: `${name}-predicted`,
      title: 'Predicted against true',
      note: `On the line the answer is right.${few.length < pairs.length ? ` ${wholeTick(few.length)} images of ${wholeTick(pairs.length)}, drawn by chance.` : ''}`,
    },
    tools,
    {
      x: { domain, nice: true, label: labelOf('true', unit) },
      y: { domain, nice: true, grid: true, label: labelOf('predicted', unit) },
      marks: [
        Plot.line(
          [
            [domain[0]!, domain[0]!],
            [domain[1]!, domain[1]!],
          ],
          { stroke: FAINT, strokeDasharray: '4,3' },
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

function histogram(
  { name, unit }: TaskRecord,
  pairs: readonly NumberPair[],
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const errors = pairs.map(({ truth, predicted }) => predicted - truth);
  const [low, high] = extremes(errors);
  const ends = bandsOf(low, high, 24);
  const counts = ends.slice(1).map(() => 0);
  for (const error of errors) counts[bandAt(ends, error)]!++;
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  return chart(
    {
      name: `${name}-errors`,
      title: 'Errors',
      note: `Predicted minus true. The mean, ${figure(mean)}, is dashed: right of zero the answers are too high.`,
    },
    tools,
    {
      x: { label: labelOf('predicted − true', unit) },
      y: { grid: true, label: 'images', ticks: Math.min(6, extremes(counts)[1]), tickFormat: wholeTick },
      marks: [
        Plot.rectY(
          counts.map((count, i) => ({ count, from: ends[i]!, to: ends[i + 1]! })),
          { x1: 'from', x2: 'to', y: 'count', fill: BLUE },
        ),
        Plot.ruleX([0], { stroke: INK }),
        Plot.ruleX([mean], { stroke: ORANGE, strokeWidth: 2, strokeDasharray: '4,3' }),
        Plot.ruleY([0], { stroke: INK }),
      ],
    },
  );
}

function bands({ name, unit }: TaskRecord, pairs: readonly NumberPair[], tools: ChartTools): ReportFigure {
  const { Plot } = tools;
  const all = errorBands(pairs);
  const drawn = all
    .filter((band): band is Band & { error: Mean } => band.error !== undefined)
    .map(({ from, to, count, error }) => ({ middle: (from + to) / 2, from, to, count, ...error }));
  const top = Math.max(...drawn.map(({ value, high = value }) => high)) || 1;
  return chart(
    {
      name: `${name}-bands`,
      title: 'Error by true value',
      note: `Mean absolute error in each band, with its 95 % interval (bootstrap) from ${FEWEST_VALUES} images on; above, the number of images.`,
    },
    tools,
    {
      x: {
        domain: [all[0]!.from, all.at(-1)!.to],
        ticks: all.map(({ from }) => from).concat(all.at(-1)!.to),
        label: labelOf('true', unit),
        tickFormat: sparse(numberTick),
      },
      y: { domain: [0, top * 1.12], grid: true, label: labelOf('mean absolute error', unit) },
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
          text: ({ count }: { count: number }) => wholeTick(count),
          fill: FAINT,
          fontSize: 11,
          dy: 6,
        }),
        Plot.ruleY([0], { stroke: INK }),
      ],
    },
  );
}

/** Smallest and largest; spreading a long list into Math.min overflows the stack. */
export function extremes(values: readonly number[]): [low: number, high: number] {
  let [low, high] = [values[0]!, values[0]!];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

const labelOf = (what: string, unit: string | undefined) =>
  sayable(unit ? `${what} (${short(unit, 16)})` : what);
