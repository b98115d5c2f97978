import * as checks from '../../core/errors/checks.js';
import type { Json } from '../../core/json.js';
import { shortenPaths } from '../../core/shortenPaths.js';
import { findBestTrialNumbers } from '../../tuner/results/bestTrials.js';
import { checkResultsArguments } from '../../tuner/results/checkResults.js';
import { findBestRow, toObjectiveList } from '../../tuner/results/objectives.js';
import type { SearchTarget } from '../../tuner/results/searchTarget.js';
import { sortByNumber, type TrialRecord } from '../../tuner/results/trialRecord.js';
import { flattenParams } from '../../tuner/space/flatParams.js';
import type { Dimension } from '../../tuner/space/space.js';
import type { ChartTools, ReportTools } from '../charts/chartTools.js';
import type { Report } from '../pages/createReport.js';
import { type Html, html, renderFigures, renderTable, renderWideFigure } from '../pages/html.js';
import { renderDocument } from '../pages/htmlDocument.js';
import { formatCount, formatMetric, formatNumber, truncateMiddle } from '../text/format.js';
import { drawFigureGroups, type FigureGroup } from './studyFigures.js';

/** Maximum number of numeric columns that fit on a printed page. In a table with more columns, numbers can break across lines. */
const MAX_UNBROKEN_COLUMNS = 13;
/** Maximum number of trials on the Pareto front that the first paragraph of the page lists. */
const MAX_LISTED_TRIALS = 6;
/** Name of the only figure that is drawn as wide as the page. */
const WIDE_FIGURE_NAME = 'parallel';

/**
 * Creates the HTML page of a study: the best trial or the Pareto front, the figures of {@link studyFigures}, and a table of all
 * trials. Like the page of {@link createReportPage}, this page contains no scripts and needs no network connection.
 *
 * @param study - Search space, objectives and strategy.
 * @param trials - Trials from `runStudy` or `askAndTell`.
 * @param tools - Observable Plot, a document, and optional fonts. `writeStudyResults` of `tfjs-multitask/node` loads them itself.
 * @example
 * ```ts
 * import * as Plot from '@observablehq/plot';
 * import { parseHTML } from 'linkedom';
 * import { createStudyReport } from 'tfjs-multitask/report';
 * import { float, minimize, random, space } from 'tfjs-multitask/tuner';
 *
 * const study = { space: space({ x: float({ min: -1, max: 1 }) }), objectives: minimize('y'), strategy: random() };
 * const { page } = createStudyReport(study, [], { Plot, document: parseHTML('<html></html>').document });
 * console.log(page.includes('No trial has a result yet.')); // true
 * ```
 * @category Figures
 */
export function createStudyReport(
  study: SearchTarget & { readonly strategy: { readonly name: string } },
  trials: readonly TrialRecord[],
  tools: ChartTools & Pick<ReportTools, 'fonts'>,
): Report {
  checks.noOptions('createStudyReport', arguments[3]);
  checkResultsArguments('createStudyReport', study, trials);
  const groups = drawFigureGroups(study, trials, tools);
  const metrics = toObjectiveList(study.objectives).map(({ metric }) => metric);
  const paths = study.space.dimensions.map(({ path }: Dimension) => path);
  const bestNumbers = findBestTrialNumbers(trials, study.objectives);
  const isMultiObjective = metrics.length > 1;
  const bestTrials = sortByNumber(trials).filter(({ number }) => bestNumbers.has(number));
  const formatParams = ({ number, params }: TrialRecord) => {
    const flatParams = flattenParams(study.space, params, `trial ${number}`);
    return paths.map((path: string) => formatParam(flatParams.get(path)));
  };
  const createRow = (trial: TrialRecord): string[] => {
    const row = findBestRow(trial.rows, study.objectives);
    return [
      `${trial.number}${bestNumbers.has(trial.number) ? (isMultiObjective ? ' (front)' : ' (best)') : ''}`,
      trial.state,
      String(trial.rows.length),
      ...metrics.map((metric) => formatMetric(metric, row?.[metric])),
      ...formatParams(trial),
    ];
  };
  const formatResults = ({ rows }: TrialRecord) =>
    metrics
      .map(
        (metric) =>
          `${truncateMiddle(metric, 30)} ${formatMetric(metric, findBestRow(rows, study.objectives)?.[metric])}`,
      )
      .join(', ');
  const summarizeBest = (best: TrialRecord) =>
    `Trial ${best.number} is the best: ${formatResults(best)} with ${paths
      .map((path: string, i: number) => [path, formatParams(best)[i]!])
      .filter(([, value]: string[]) => value !== '')
      .map(([path, value]: string[]) => `${path} ${value}`)
      .join(', ')}.`;
  const summarizeFront = () => {
    const listed = bestTrials
      .slice(0, MAX_LISTED_TRIALS)
      .map((trial) => `${trial.number} (${formatResults(trial)})`);
    const rest =
      bestTrials.length > MAX_LISTED_TRIALS
        ? `, and ${bestTrials.length - MAX_LISTED_TRIALS} more, which are marked in the table`
        : '';
    return `The Pareto front (no other trial is at least as good in all objectives and better in one) consists of ${bestTrials.length === 1 ? 'trial' : 'trials'} ${listed.join('; ')}${rest}.`;
  };
  const noBestTrial =
    groups.length > 0 ? 'No complete trial has values of all objectives yet.' : 'No trial has a result yet.';
  const summary =
    bestTrials.length === 0
      ? noBestTrial
      : isMultiObjective
        ? summarizeFront()
        : summarizeBest(bestTrials[0]!);
  const endedEarly = sortByNumber(trials).filter(({ reason }) => reason !== undefined);
  const title = truncateMiddle(`Search for ${metrics.join(', ')}`, 120);
  const main = html`<p class="lead">${formatCount(trials.length, 'trial')}, ${study.strategy.name}. ${summary}</p>
<section><h2>Figures</h2>${groups.filter(({ figures }) => figures.length > 0).map((group) => renderFigureGroup(group, isMultiObjective))}</section>
<section class="${metrics.length + paths.length > MAX_UNBROKEN_COLUMNS ? 'trials many' : 'trials'}"><h2>Trials</h2>${renderTable('Values at the best epoch of each trial', ['trial', 'state', 'epochs', ...metrics, ...paths], sortByNumber(trials).map(createRow))}
${
  endedEarly.length > 0 &&
  html`<h3>Trials that ended early</h3>${renderTable(
    'Reasons',
    ['trial', 'state', 'reason'],
    endedEarly.map(({ number, state, reason }) => [
      String(number),
      state,
      truncateMiddle(shortenPaths(reason!), 300),
    ]),
    'words',
  )}`
}</section>`;
  return { page: renderDocument({ title, main }, tools), figures: groups.flatMap(({ figures }) => figures) };
}

/** Renders a group of figures. If the study has several objectives, each group belongs to one of them, and its metric is the heading. */
function renderFigureGroup({ metric, figures }: FigureGroup, isMultiObjective: boolean): Html {
  const wideFigures = figures.filter(({ name }) => name === WIDE_FIGURE_NAME);
  const otherFigures = figures.filter(({ name }) => name !== WIDE_FIGURE_NAME);
  return html`${isMultiObjective && html`<h3>${metric === undefined ? 'All objectives' : truncateMiddle(metric, 60)}</h3>`}
${otherFigures.length > 0 && renderFigures(otherFigures)}
${wideFigures.map(renderWideFigure)}`;
}

const formatParam = (value: Json | undefined): string =>
  value === undefined
    ? ''
    : typeof value === 'number'
      ? formatNumber(value)
      : truncateMiddle(String(value), 24);
