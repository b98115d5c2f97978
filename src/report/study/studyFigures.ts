import * as checks from '../../core/errors/checks.js';
import { findBestTrialNumbers } from '../../tuner/results/bestTrials.js';
import { checkResultsArguments } from '../../tuner/results/checkResults.js';
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
import { BLUE, drawChart, formatIntegerTick, getPlot, ORANGE, type ReportFigure } from '../charts/chart.js';
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
 * Draws the figures of a study:
 *
 * - `history`: the objective of each trial, and the best value so far;
 * - `slice-PARAMETER`: the objective against each parameter;
 * - `importance`: the importance of the parameters;
 * - `parallel`: parallel coordinates of all parameters and objectives;
 * - `front` (only with several objectives): each additional objective against the first one, with the Pareto front.
 *
 * For each additional objective, the figure names end with the metric of the objective, for example
 * `history-val_accuracy`.
 *
 * @param study - Search space and objectives.
 * @param trials - Trials from `runStudy` or `askAndTell`.
 * @param tools - Observable Plot and a document. `writeStudyResults` of `tfjs-multitask/node` loads them itself.
 * @example
 * ```ts
 * import * as Plot from '@observablehq/plot';
 * import { parseHTML } from 'linkedom';
 * import { studyFigures } from 'tfjs-multitask/report';
 * import { float, minimize, space } from 'tfjs-multitask/tuner';
 *
 * const study = { space: space({ x: float({ min: -1, max: 1 }) }), objectives: minimize('y') };
 * const trials = [0.5, -0.2].map((x, i) => ({
 *   ...({ number: i + 1, params: { x }, state: 'complete', after: [] } as const),
 *   rows: [{ epoch: 1, y: x ** 2 }],
 * }));
 * const figures = studyFigures(study, trials, { Plot, document: parseHTML('<html></html>').document });
 * console.log(figures.map(({ name }) => name)); // [ 'history', 'slice-x', 'parallel' ]
 * ```
 * @category Figures
 */
export function studyFigures(
  study: SearchTarget,
  trials: readonly TrialRecord[],
  tools: ChartTools,
): ReportFigure[] {
  checks.noOptions('studyFigures', arguments[3]);
  checkResultsArguments('studyFigures', study, trials);
  return drawFigureGroups(study, trials, tools).flatMap(({ figures }) => figures);
}

/** Figures of one objective, or of all objectives together. */
export interface FigureGroup {
  /** Metric of the objective. Absent for the figures of all objectives. */
  readonly metric?: string;
  readonly figures: readonly ReportFigure[];
}

/**
 * Draws the figures of a study in groups. With several objectives, the first group contains the figures of all objectives
 * together. Returns an empty list if no trial has a value for the first objective.
 */
export function drawFigureGroups(
  study: SearchTarget,
  trials: readonly TrialRecord[],
  tools: ChartTools,
): FigureGroup[] {
  const objectives = toObjectiveList(study.objectives) as readonly [Objective, ...Objective[]];
  const [first, ...others] = objectives;
  const evaluatedTrials = findEvaluatedTrials(study, trials);
  const scoredTrials = findScoredTrials(first, evaluatedTrials);
  if (scoredTrials.length === 0) return [];
  const bestNumbers = findBestTrialNumbers(trials, study.objectives);
  const fullyScored = scoredTrials.filter(({ row }) =>
    objectives.every(({ metric }) => Number.isFinite(row[metric])),
  );
  const hasComplete = fullyScored.some(({ trial }) => trial.state === 'complete');
  const fronts = (hasComplete ? others : []).map((other) => ({
    ...drawParetoFront(evaluatedTrials, bestNumbers, [first, other], tools),
    name: other === others[0] ? 'front' : `front-${other.metric}`,
  }));
  const parallelOptions = {
    front: others.length > 0 ? bestNumbers : undefined,
    omittedCount: scoredTrials.length - fullyScored.length,
  };
  const parallelCoordinates =
    fullyScored.length > 0 &&
    drawParallelCoordinates(study.space.dimensions, fullyScored, objectives, parallelOptions, tools);
  const sharedGroup = { figures: [...fronts, ...(parallelCoordinates ? [parallelCoordinates] : [])] };
  const objectiveGroups = objectives.map((objective) => ({
    metric: objective.metric,
    figures: drawObjectiveFigures(objective, study, { trials, evaluatedTrials, bestNumbers }, tools).map(
      (figure) => (objective === first ? figure : { ...figure, name: `${figure.name}-${objective.metric}` }),
    ),
  }));
  const groups: readonly FigureGroup[] =
    others.length > 0 ? [sharedGroup, ...objectiveGroups] : [...objectiveGroups, sharedGroup];
  const figures = assignUniqueNames(groups.flatMap((group) => group.figures));
  let end = 0;
  return groups.map((group) => {
    const start = end;
    end += group.figures.length;
    return { ...group, figures: figures.slice(start, end) };
  });
}

/** Trials of a study, and the results that the figures of all objectives share. */
interface EvaluatedStudy {
  readonly trials: readonly TrialRecord[];
  readonly evaluatedTrials: readonly EvaluatedTrial[];
  /** Numbers of the trials on the Pareto front, or the number of the best trial if there is a single objective. */
  readonly bestNumbers: ReadonlySet<number>;
}

/** Draws the history, the slices and the parameter importances of one objective. */
function drawObjectiveFigures(
  objective: Objective,
  { space, objectives }: SearchTarget,
  { trials, evaluatedTrials, bestNumbers }: EvaluatedStudy,
  tools: ChartTools,
): ReportFigure[] {
  const scoredTrials = findScoredTrials(objective, evaluatedTrials);
  if (scoredTrials.length === 0) return [];
  const [first, ...others] = toObjectiveList(objectives);
  const isFront = others.length > 0;
  const epochNote =
    objective === first ? '' : `Values at the best epoch by ${truncateMiddle(first!.metric, 30)}.`;
  // getParamImportances() selects the best epoch of each trial for this objective alone. If all rows of a trial contain the same
  // values, it uses the same values as the other figures.
  const trialsWithEqualRows = scoredTrials.map(({ trial, row }) => ({
    ...trial,
    rows: trial.rows.map(({ epoch }) => ({ ...row, epoch })),
  }));
  const importances = getParamImportances(space, trialsWithEqualRows, objective);
  return [
    drawTrialHistory(
      scoredTrials,
      trials,
      epochNote || 'Values at the best epoch of each trial.',
      objective,
      tools,
    ),
    ...space.dimensions.map((dimension: Dimension) =>
      drawSlice(dimension, scoredTrials, { highlighted: bestNumbers, isFront, epochNote }, objective, tools),
    ),
    ...(importances.some(({ share }) => share > 0) ? [drawImportance(importances, objective, tools)] : []),
  ];
}

function drawTrialHistory(
  scoredTrials: readonly ScoredTrial[],
  trials: readonly TrialRecord[],
  epochNote: string,
  { metric, direction }: Objective,
  tools: ChartTools,
): ReportFigure {
  const Plot = getPlot(tools);
  const selectBest = direction === 'minimize' ? Math.min : Math.max;
  const complete = scoredTrials.filter(({ trial }) => trial.state === 'complete');
  const bestSoFar = complete.map(({ trial }, i) => ({
    number: trial.number,
    value: selectBest(...complete.slice(0, i + 1).map(({ value }) => value)),
  }));
  const lastNumber = Math.max(...trials.map(({ number }) => number));
  const steps = bestSoFar.length > 0 ? [...bestSoFar, { ...bestSoFar.at(-1)!, number: lastNumber }] : [];
  const incomplete = scoredTrials.filter(({ trial }) => trial.state !== 'complete');
  return drawChart(
    {
      name: 'history',
      title: `${truncateMiddle(metric, 40)} by trial`,
      note: [
        epochNote,
        ...(bestSoFar.length > 0 ? ['The line is the best value so far.'] : []),
        ...(incomplete.length > 0 ? ['Hollow: pruned or running trials.'] : []),
      ].join(' '),
    },
    tools,
    {
      x: { label: 'trial', domain: [0.5, lastNumber + 0.5], tickFormat: formatIntegerTick },
      y: {
        grid: true,
        nice: true,
        label: sanitizeText(truncateMiddle(metric, 40)),
        tickFormat: getTickFormat(metric),
      },
      marks: [
        Plot.line(steps, { x: 'number', y: 'value', curve: 'step-after', stroke: ORANGE, strokeWidth: 2 }),
        Plot.dot(complete, { x: ({ trial }: ScoredTrial) => trial.number, y: 'value', r: 3.5, fill: BLUE }),
        Plot.dot(incomplete, {
          ...{ x: ({ trial }: ScoredTrial) => trial.number, y: 'value', r: 3.5 },
          ...{ stroke: BLUE, strokeWidth: 1.2, fill: 'white' },
        }),
      ],
    },
  );
}
