import type { ScaleOptions } from '@observablehq/plot';
import type { Json } from '../core/json.js';
import { importances } from '../tuner/importance.js';
import { bestRow, type Objective, type Objectives, objectivesOf } from '../tuner/objectives.js';
import { bestTrial, inOrder, paretoFront, type TrialRecord } from '../tuner/records.js';
import { flattened } from '../tuner/settings.js';
import type { Dimension } from '../tuner/space.js';
import type { Study } from '../tuner/study.js';
import { BLUE, chart, ORANGE, type ReportFigure, roomFor, wholeTick } from './chart.js';
import { distinct } from './figureNames.js';
import { isShare, short } from './format.js';
import { parallelCoordinates } from './parallelCoordinates.js';
import { numberTick, shareTick, sparse } from './ticks.js';
import { type ChartTools, FAINT, INK, sayable } from './tools.js';

/** A trial that came to a number, with its values by path. */
export interface Scored {
  readonly trial: TrialRecord;
  readonly value: number;
  readonly at: ReadonlyMap<string, Json>;
}

/** An accuracy as per cent. */
const tickOf = (metric: string) => (isShare(metric) ? shareTick : numberTick);

/** As it may stand in the name of a file. */
const named = (path: string) => path.replaceAll(/[^\p{L}\p{N}_-]+/gu, '-');

/**
 * The figures of a search: the objective trial by trial with the best so far, parallel coordinates, the objective over each parameter,
 * and how much each mattered; with several objectives, the first two over each other with their front.
 *
 * @param study - Its space and objectives.
 * @param trials - What `runStudy` or `askAndTell` has.
 * @param tools - Observable Plot and a document; `studyResults` of `tfjs-multitask/node` brings its own.
 * @example
 * ```ts
 * import * as Plot from '@observablehq/plot';
 * import { parseHTML } from 'linkedom';
 * import { studyFigures } from 'tfjs-multitask/report';
 * import { float, minimize, space } from 'tfjs-multitask/tuner';
 *
 * const searched = { space: space({ x: float({ min: -1, max: 1 }) }), objectives: minimize('y') };
 * const trials = [0.5, -0.2].map((x, i) => ({
 *   ...({ number: i + 1, values: { x }, state: 'complete', after: [] } as const),
 *   rows: [{ epoch: 1, y: x ** 2 }],
 * }));
 * const figures = studyFigures(searched, trials, { Plot, document: parseHTML('<html></html>').document });
 * console.log(figures.map(({ name }) => name)); // [ 'history', 'parallel', 'slice-x' ]
 * ```
 * @category Figures
 */
export function studyFigures(
  study: Pick<Study, 'space' | 'objectives'>,
  trials: readonly TrialRecord[],
  tools: ChartTools,
): ReportFigure[] {
  const [objective, second] = objectivesOf(study.objectives) as readonly [Objective, Objective?];
  const scored = inOrder(trials).flatMap((trial): Scored[] => {
    const value =
      trial.state === 'failed' ? undefined : bestRow(trial.rows, study.objectives)?.[objective.metric];
    if (value === undefined || !Number.isFinite(value)) return [];
    return [{ trial, value, at: flattened(study.space, trial.values, `trial ${trial.number}`) }];
  });
  if (scored.length === 0) return [];
  const marked = markedTrials(trials, study.objectives);
  const mattered = importances(study.space, trials, study.objectives);
  return distinct([
    historyFigure(scored, trials, objective, tools),
    ...(second ? [frontFigure(study, trials, [objective, second], tools)] : []),
    parallelCoordinates(study.space.dimensions, scored, objective, second && marked, tools),
    ...study.space.dimensions.map((dimension: Dimension) =>
      sliceFigure(dimension, scored, { marked, front: second !== undefined }, objective, tools),
    ),
    ...(mattered.some(({ share }) => share > 0) ? [importanceFigure(mattered, objective, tools)] : []),
  ]);
}

function historyFigure(
  scored: readonly Scored[],
  trials: readonly TrialRecord[],
  { metric, direction }: Objective,
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const better = direction === 'minimize' ? Math.min : Math.max;
  const complete = scored.filter(({ trial }) => trial.state === 'complete');
  const bests = complete.map(({ trial }, i) => ({
    number: trial.number,
    value: better(...complete.slice(0, i + 1).map(({ value }) => value)),
  }));
  const last = Math.max(...trials.map(({ number }) => number));
  const steps = bests.length > 0 ? [...bests, { ...bests.at(-1)!, number: last }] : [];
  const others = scored.filter(({ trial }) => trial.state !== 'complete');
  return chart(
    {
      name: 'history',
      title: `${short(metric, 40)}, trial by trial`,
      note: `At the best epoch of each. The line is the best so far${others.length > 0 ? '; hollow: pruned or running' : ''}.`,
    },
    tools,
    {
      x: { label: 'trial', domain: [0.5, last + 0.5], tickFormat: wholeTick },
      y: { grid: true, nice: true, label: sayable(short(metric, 40)), tickFormat: tickOf(metric) },
      marks: [
        Plot.line(steps, { x: 'number', y: 'value', curve: 'step-after', stroke: ORANGE, strokeWidth: 2 }),
        Plot.dot(complete, { x: ({ trial }: Scored) => trial.number, y: 'value', r: 3.5, fill: BLUE }),
        Plot.dot(others, {
          ...{ x: ({ trial }: Scored) => trial.number, y: 'value', r: 3.5 },
          ...{ stroke: BLUE, strokeWidth: 1.2, fill: 'white' },
        }),
      ],
    },
  );
}

/** Numbers of trials that a front has room for. */
const MOST_NUMBERS = 20;

/** The trials that a search is after: the best, or with several objectives the front. */
export const markedTrials = (trials: readonly TrialRecord[], objectives: Objectives): ReadonlySet<number> => {
  const best = bestTrial(trials, objectives);
  const marked = objectivesOf(objectives).length > 1 ? paretoFront(trials, objectives) : best ? [best] : [];
  return new Set(marked.map(({ number }) => number));
};

function frontFigure(
  { objectives }: Pick<Study, 'objectives'>,
  trials: readonly TrialRecord[],
  [first, second]: readonly [Objective, Objective],
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const front = new Set(paretoFront(trials, objectives));
  const points = inOrder(trials).flatMap((trial) => {
    const row = trial.state === 'complete' ? bestRow(trial.rows, objectives) : undefined;
    const [x, y] = [row?.[first.metric], row?.[second.metric]];
    return x !== undefined && y !== undefined && Number.isFinite(x) && Number.isFinite(y)
      ? [{ x, y, number: trial.number, best: front.has(trial) }]
      : [];
  });
  const ends = points.filter(({ best }) => best).sort((a, b) => a.x - b.x);
  const every = Math.ceil(ends.length / MOST_NUMBERS);
  const named = ends.filter((_, i) => i % every === 0);
  return chart(
    {
      name: 'front',
      title: `${short(first.metric, 30)} and ${short(second.metric, 30)}`,
      note: `Orange, with ${named.length < front.size ? 'some of their numbers' : 'their numbers'}: no other trial is at least as good in all and better in one.`,
    },
    tools,
    {
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

function sliceFigure(
  { path, parameter }: Dimension,
  scored: readonly Scored[],
  { marked, front }: { readonly marked: ReadonlySet<number>; readonly front: boolean },
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

function importanceFigure(
  mattered: ReturnType<typeof importances>,
  { metric }: Objective,
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const bars = [...mattered]
    .sort((a, b) => b.share - a.share)
    .map(({ path, share }) => ({ name: sayable(short(path, 30)), share }));
  return chart(
    {
      name: 'importance',
      title: 'What mattered',
      note: `What set the best quarter of the trials apart, by ${short(metric, 30)} (PED-ANOVA). Of few trials it says little.`,
    },
    tools,
    {
      height: 70 + 26 * bars.length,
      marginLeft: roomFor(bars.map(({ name }) => name)),
      marginRight: 48,
      x: {
        grid: true,
        label: 'share',
        tickFormat: shareTick,
        domain: [0, Math.max(...bars.map(({ share }) => share))],
        nice: true,
      },
      y: {
        label: null,
        tickFormat: String,
        domain: bars.map(({ name }) => name),
        type: 'band',
        padding: 0.4,
      },
      marks: [
        Plot.barX(bars, { x: 'share', y: 'name', fill: BLUE, fillOpacity: 0.85 }),
        Plot.ruleX([0], { stroke: INK }),
        Plot.text(bars, {
          x: 'share',
          y: 'name',
          text: ({ share }: { share: number }) => `${Math.round(100 * share)} %`,
          dx: 6,
          textAnchor: 'start',
          fill: FAINT,
        }),
      ],
    },
  );
}
