import type { Json } from '../core/json.js';
import { importances } from '../tuner/importance.js';
import { bestRow, type Objective, objectivesOf } from '../tuner/objectives.js';
import { inOrder, leaders, paretoFront, type TrialRecord } from '../tuner/records.js';
import { flattened } from '../tuner/settings.js';
import type { Dimension } from '../tuner/space.js';
import type { Study } from '../tuner/study.js';
import { BLUE, chart, ORANGE, type ReportFigure, roomFor, wholeTick } from './chart.js';
import { distinct } from './figureNames.js';
import { short } from './format.js';
import { parallelCoordinates } from './parallelCoordinates.js';
import { sliceFigure } from './sliceFigure.js';
import { shareTick, sparse, tickOf } from './ticks.js';
import { type ChartTools, FAINT, INK, sayable } from './tools.js';

/** A trial that came to a number, with its values by path. */
export interface Scored {
  readonly trial: TrialRecord;
  readonly value: number;
  readonly at: ReadonlyMap<string, Json>;
}

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
  const marked = leaders(trials, study.objectives);
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

function importanceFigure(
  mattered: ReturnType<typeof importances>,
  { metric }: Objective,
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const bars = [...mattered]
    .sort((a, b) => b.share - a.share)
    .map(({ path, share, tooFew }) => ({
      ...{ name: sayable(short(path, 30)), share },
      said: tooFew ? 'too few trials' : `${Math.round(100 * share)} %`,
    }));
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
          text: 'said',
          dx: 6,
          textAnchor: 'start',
          fill: FAINT,
        }),
      ],
    },
  );
}
