import type { Json } from '../../core/json.js';
import { findBestTrialNumbers } from '../../tuner/results/bestTrials.js';
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

/** Columns of numbers that fit on paper whole; of more, numbers are broken rather than cut off. */
const MAX_UNBROKEN_COLUMNS = 13;
/** Trials of a front that the first lines name. */
const MAX_NAMED_TRIALS = 6;
/** The figure that needs the whole width. */
const WIDE_FIGURE_NAME = 'parallel';

/**
 * A search as a page of HTML that needs nothing else, as {@link createReportPage} makes of a run: what is best, every trial in a table, and the
 * figures of {@link studyFigures}.
 *
 * @param study - Its space, objectives and strategy.
 * @param trials - What `runStudy` or `askAndTell` has.
 * @param tools - Observable Plot, a document, and fonts; `studyResults` of `tfjs-multitask/node` brings its own.
 * @example
 * ```ts
 * import * as Plot from '@observablehq/plot';
 * import { parseHTML } from 'linkedom';
 * import { studyPage } from 'tfjs-multitask/report';
 * import { float, minimize, random, space } from 'tfjs-multitask/tuner';
 *
 * const searched = { space: space({ x: float({ min: -1, max: 1 }) }), objectives: minimize('y'), strategy: random() };
 * const { page } = studyPage(searched, [], { Plot, document: parseHTML('<html></html>').document });
 * console.log(page.includes('No trial has come to a number yet.')); // true
 * ```
 * @category Figures
 */
export function createStudyReport(
  study: SearchTarget & { readonly strategy: { readonly name: string } },
  trials: readonly TrialRecord[],
  tools: ChartTools & Pick<ReportTools, 'fonts'>,
): Report {
  const groups = drawFigureGroups(study, trials, tools);
  const metrics = toObjectiveList(study.objectives).map(({ metric }) => metric);
  const paths = study.space.dimensions.map(({ path }: Dimension) => path);
  const marked = findBestTrialNumbers(trials, study.objectives);
  const front = metrics.length > 1;
  const ends = sortByNumber(trials).filter(({ number }) => marked.has(number));
  const valuesOf = ({ number, params }: TrialRecord) => {
    const flat = flattenParams(study.space, params, `trial ${number}`);
    return paths.map((path: string) => formatParam(flat.get(path)));
  };
  const rowOf = (trial: TrialRecord): string[] => {
    const row = findBestRow(trial.rows, study.objectives);
    return [
      `${trial.number}${marked.has(trial.number) ? (front ? ' (front)' : ' (best)') : ''}`,
      trial.state,
      String(trial.rows.length),
      ...metrics.map((metric) => formatMetric(metric, row?.[metric])),
      ...valuesOf(trial),
    ];
  };
  const cameTo = ({ rows }: TrialRecord) =>
    metrics
      .map(
        (metric) =>
          `${truncateMiddle(metric, 30)} ${formatMetric(metric, findBestRow(rows, study.objectives)?.[metric])}`,
      )
      .join(', ');
  const bestWords = (best: TrialRecord) =>
    `Trial ${best.number} is the best: ${cameTo(best)} with ${paths
      .map((path: string, i: number) => [path, valuesOf(best)[i]!])
      .filter(([, value]: string[]) => value !== '')
      .map(([path, value]: string[]) => `${path} ${value}`)
      .join(', ')}.`;
  const frontWords = () => {
    const named = ends.slice(0, MAX_NAMED_TRIALS).map((trial) => `${trial.number} (${cameTo(trial)})`);
    const more =
      ends.length > MAX_NAMED_TRIALS
        ? `, and ${ends.length - MAX_NAMED_TRIALS} more that the table marks`
        : '';
    return `The front, of which no other trial is at least as good in all and better in one: ${ends.length === 1 ? 'trial' : 'trials'} ${named.join('; ')}${more}.`;
  };
  const none =
    groups.length > 0
      ? 'No trial is complete with all its numbers yet.'
      : 'No trial has come to a number yet.';
  const said = ends.length === 0 ? none : front ? frontWords() : bestWords(ends[0]!);
  const wrong = sortByNumber(trials).filter(({ reason }) => reason !== undefined);
  const title = truncateMiddle(`Search for ${metrics.join(', ')}`, 120);
  const main = html`<p class="lead">${formatCount(trials.length, 'trial')}, ${study.strategy.name}. ${said}</p>
<section><h2>Figures</h2>${groups.filter(({ figures }) => figures.length > 0).map((group) => renderFigureGroup(group, front))}</section>
<section class="${metrics.length + paths.length > MAX_UNBROKEN_COLUMNS ? 'trials many' : 'trials'}"><h2>Trials</h2>${renderTable('Each at its best epoch', ['trial', 'state', 'epochs', ...metrics, ...paths], sortByNumber(trials).map(rowOf))}
${
  wrong.length > 0 &&
  html`<h3>Why some ended early</h3>${renderTable(
    'Reasons',
    ['trial', 'state', 'reason'],
    wrong.map(({ number, state, reason }) => [String(number), state, truncateMiddle(reason!, 300)]),
    'words',
  )}`
}</section>`;
  return { page: renderDocument({ title, main }, tools), figures: groups.flatMap(({ figures }) => figures) };
}

/** What is of one objective under its name, where there are several. */
function renderFigureGroup({ metric, figures: drawn }: FigureGroup, several: boolean): Html {
  const wide = drawn.filter(({ name }) => name === WIDE_FIGURE_NAME);
  const others = drawn.filter(({ name }) => name !== WIDE_FIGURE_NAME);
  return html`${several && html`<h3>${metric === undefined ? 'All together' : truncateMiddle(metric, 60)}</h3>`}
${others.length > 0 && renderFigures(others)}
${wide.map(renderWideFigure)}`;
}

const formatParam = (value: Json | undefined): string =>
  value === undefined
    ? ''
    : typeof value === 'number'
      ? formatNumber(value)
      : truncateMiddle(String(value), 24);
