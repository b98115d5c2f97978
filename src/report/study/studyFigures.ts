import { findBestTrialNumbers } from '../../tuner/results/bestTrials.js';
import {
  type EvaluatedTrial,
  findEvaluatedTrials,
  findScoredTrials,
  type ScoredTrial,
} from '../../tuner/results/evaluatedTrials.js';
import { type Objective, toObjectiveList } from '../../tuner/results/objectives.js';
import { getParamImportances } from '../../tuner/results/paramImportances.js';
import type { SearchTarget } from '../../tuner/results/searchTarget.js';
import type { TrialRecord } from '../../tuner/results/trialRecord.js';
import type { Dimension } from '../../tuner/space/space.js';
import { BLUE, drawChart, formatIntegerTick, ORANGE, type ReportFigure } from '../charts/chart.js';
import type { ChartTools } from '../charts/chartTools.js';
import { assignUniqueNames } from '../pages/figureNames.js';
import { truncateMiddle } from '../text/format.js';
import { sanitizeText } from '../text/svgText.js';
import { getTickFormat } from '../text/tickFormat.js';
import { drawImportance } from './importanceFigure.js';
import { drawParallelCoordinates } from './parallelCoordinates.js';
import { drawParetoFront } from './paretoFrontFigure.js';
import { drawSlice } from './sliceFigure.js';

/**
 * The figures of a search: the objective trial by trial with the best so far, over each parameter, how much each mattered, and parallel
 * coordinates; with several objectives, first their front, each other over the first, and then the same of every one.
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
 *   ...({ number: i + 1, params: { x }, state: 'complete', after: [] } as const),
 *   rows: [{ epoch: 1, y: x ** 2 }],
 * }));
 * const figures = studyFigures(searched, trials, { Plot, document: parseHTML('<html></html>').document });
 * console.log(figures.map(({ name }) => name)); // [ 'history', 'slice-x', 'parallel' ]
 * ```
 * @category Figures
 */
export function studyFigures(
  study: SearchTarget,
  trials: readonly TrialRecord[],
  tools: ChartTools,
): ReportFigure[] {
  return drawFigureGroups(study, trials, tools).flatMap(({ figures }) => figures);
}

/** Figures that belong together. */
export interface FigureGroup {
  /** The objective that they are of; absent for those of all. */
  readonly metric?: string;
  readonly figures: readonly ReportFigure[];
}

/** The figures of a search: with several objectives those of all, then those of each. None while no trial has come to a number of the first. */
export function drawFigureGroups(
  study: SearchTarget,
  trials: readonly TrialRecord[],
  tools: ChartTools,
): FigureGroup[] {
  const objectives = toObjectiveList(study.objectives) as readonly [Objective, ...Objective[]];
  const [first, ...others] = objectives;
  const judged = findEvaluatedTrials(study, trials);
  const scored = findScoredTrials(first, judged);
  if (scored.length === 0) return [];
  const marked = findBestTrialNumbers(trials, study.objectives);
  const whole = scored.filter(({ row }) => objectives.every(({ metric }) => Number.isFinite(row[metric])));
  const complete = whole.some(({ trial }) => trial.state === 'complete');
  const fronts = (complete ? others : []).map((other) => ({
    ...drawParetoFront(judged, marked, [first, other], tools),
    name: other === others[0] ? 'front' : `front-${other.metric}`,
  }));
  const told = { front: others.length > 0 ? marked : undefined, left: scored.length - whole.length };
  const lines =
    whole.length > 0 && drawParallelCoordinates(study.space.dimensions, whole, objectives, told, tools);
  const ofAll = { figures: [...fronts, ...(lines ? [lines] : [])] };
  const ofEach = objectives.map((objective) => ({
    metric: objective.metric,
    figures: drawObjectiveFigures(objective, study, { trials, judged, marked }, tools).map((one) =>
      objective === first ? one : { ...one, name: `${one.name}-${objective.metric}` },
    ),
  }));
  const groups: readonly FigureGroup[] = others.length > 0 ? [ofAll, ...ofEach] : [...ofEach, ofAll];
  const named = assignUniqueNames(groups.flatMap(({ figures }) => figures));
  let next = 0;
  return groups.map((group) => {
    const from = next;
    next += group.figures.length;
    return { ...group, figures: named.slice(from, next) };
  });
}

/** How one objective went, over each parameter too, and what mattered for it. */
function drawObjectiveFigures(
  objective: Objective,
  { space, objectives }: SearchTarget,
  {
    trials,
    judged,
    marked,
  }: {
    readonly trials: readonly TrialRecord[];
    readonly judged: readonly EvaluatedTrial[];
    readonly marked: ReadonlySet<number>;
  },
  tools: ChartTools,
): ReportFigure[] {
  const scored = findScoredTrials(objective, judged);
  if (scored.length === 0) return [];
  const all = toObjectiveList(objectives);
  const epoch = objective === all[0] ? '' : `At the best epoch by ${truncateMiddle(all[0]!.metric, 30)}.`;
  // Every epoch is the one that counts: what mattered is judged by that one too.
  const told = scored.map(({ trial, row }) => ({
    ...trial,
    rows: trial.rows.map(({ epoch }) => ({ ...row, epoch })),
  }));
  const mattered = getParamImportances(space, told, objective);
  return [
    drawTrialHistory(scored, trials, epoch || 'At the best epoch of each.', objective, tools),
    ...space.dimensions.map((dimension: Dimension) =>
      drawSlice(dimension, scored, { marked, front: all.length > 1, epoch }, objective, tools),
    ),
    ...(mattered.some(({ share }) => share > 0) ? [drawImportance(mattered, objective, tools)] : []),
  ];
}

function drawTrialHistory(
  scored: readonly ScoredTrial[],
  trials: readonly TrialRecord[],
  epoch: string,
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
  return drawChart(
    {
      name: 'history',
      title: `${truncateMiddle(metric, 40)}, trial by trial`,
      note: [
        epoch,
        ...(bests.length > 0 ? ['The line is the best so far.'] : []),
        ...(others.length > 0 ? ['Hollow: pruned or running.'] : []),
      ].join(' '),
    },
    tools,
    {
      x: { label: 'trial', domain: [0.5, last + 0.5], tickFormat: formatIntegerTick },
      y: {
        grid: true,
        nice: true,
        label: sanitizeText(truncateMiddle(metric, 40)),
        tickFormat: getTickFormat(metric),
      },
      marks: [
        Plot.line(steps, { x: 'number', y: 'value', curve: 'step-after', stroke: ORANGE, strokeWidth: 2 }),
        Plot.dot(complete, { x: ({ trial }: ScoredTrial) => trial.number, y: 'value', r: 3.5, fill: BLUE }),
        Plot.dot(others, {
          ...{ x: ({ trial }: ScoredTrial) => trial.number, y: 'value', r: 3.5 },
          ...{ stroke: BLUE, strokeWidth: 1.2, fill: 'white' },
        }),
      ],
    },
  );
}
