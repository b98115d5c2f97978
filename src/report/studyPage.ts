import type { Json } from '../core/json.js';
import { bestRow, objectivesOf } from '../tuner/objectives.js';
import { inOrder, leaders, type TrialRecord } from '../tuner/records.js';
import { flattened } from '../tuner/settings.js';
import type { Dimension } from '../tuner/space.js';
import type { Study } from '../tuner/study.js';
import { documentOf } from './documentOf.js';
import { counted, figure, metricValue, short } from './format.js';
import { figures, type Html, html, table, wideFigure } from './html.js';
import type { Report } from './page.js';
import { type FigureGroup, figureGroups } from './studyFigures.js';
import type { ChartTools, ReportTools } from './tools.js';

/** Columns of numbers that fit on paper whole; of more, numbers are broken rather than cut off. */
const MANY = 13;
/** Trials of a front that the first lines name. */
const NAMED = 6;
/** The figure that needs the whole width. */
const WIDE = 'parallel';

/**
 * A search as a page of HTML that needs nothing else, as {@link reportPage} makes of a run: what is best, every trial in a table, and the
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
export function studyPage(
  study: Pick<Study, 'space' | 'objectives' | 'strategy'>,
  trials: readonly TrialRecord[],
  tools: ChartTools & Pick<ReportTools, 'fonts'>,
): Report {
  const groups = figureGroups(study, trials, tools);
  const metrics = objectivesOf(study.objectives).map(({ metric }) => metric);
  const paths = study.space.dimensions.map(({ path }: Dimension) => path);
  const marked = leaders(trials, study.objectives);
  const front = metrics.length > 1;
  const ends = inOrder(trials).filter(({ number }) => marked.has(number));
  const valuesOf = ({ number, values }: TrialRecord) => {
    const flat = flattened(study.space, values, `trial ${number}`);
    return paths.map((path: string) => valueWords(flat.get(path)));
  };
  const rowOf = (trial: TrialRecord): string[] => {
    const row = bestRow(trial.rows, study.objectives);
    return [
      `${trial.number}${marked.has(trial.number) ? (front ? ' (front)' : ' (best)') : ''}`,
      trial.state,
      String(trial.rows.length),
      ...metrics.map((metric) => metricValue(metric, row?.[metric])),
      ...valuesOf(trial),
    ];
  };
  const cameTo = ({ rows }: TrialRecord) =>
    metrics
      .map(
        (metric) => `${short(metric, 30)} ${metricValue(metric, bestRow(rows, study.objectives)?.[metric])}`,
      )
      .join(', ');
  const bestWords = (best: TrialRecord) =>
    `Trial ${best.number} is the best: ${cameTo(best)} with ${paths
      .map((path: string, i: number) => [path, valuesOf(best)[i]!])
      .filter(([, value]: string[]) => value !== '')
      .map(([path, value]: string[]) => `${path} ${value}`)
      .join(', ')}.`;
  const frontWords = () => {
    const named = ends.slice(0, NAMED).map((trial) => `${trial.number} (${cameTo(trial)})`);
    const more = ends.length > NAMED ? `, and ${ends.length - NAMED} more that the table marks` : '';
    return `The front, of which no other trial is at least as good in all and better in one: ${ends.length === 1 ? 'trial' : 'trials'} ${named.join('; ')}${more}.`;
  };
  const none =
    groups.length > 0
      ? 'No trial is complete with all its numbers yet.'
      : 'No trial has come to a number yet.';
  const said = ends.length === 0 ? none : front ? frontWords() : bestWords(ends[0]!);
  const wrong = inOrder(trials).filter(({ reason }) => reason !== undefined);
  const title = short(`Search for ${metrics.join(', ')}`, 120);
  const main = html`<p class="lead">${counted(trials.length, 'trial')}, ${study.strategy.name}. ${said}</p>
<section><h2>Figures</h2>${groups.filter(({ figures }) => figures.length > 0).map((group) => groupWords(group, front))}</section>
<section class="${metrics.length + paths.length > MANY ? 'trials many' : 'trials'}"><h2>Trials</h2>${table('Each at its best epoch', ['trial', 'state', 'epochs', ...metrics, ...paths], inOrder(trials).map(rowOf))}
${
  wrong.length > 0 &&
  html`<h3>Why some ended early</h3>${table(
    'Reasons',
    ['trial', 'state', 'reason'],
    wrong.map(({ number, state, reason }) => [String(number), state, short(reason!, 300)]),
    'words',
  )}`
}</section>`;
  return { page: documentOf({ title, main }, tools), figures: groups.flatMap(({ figures }) => figures) };
}

/** What is of one objective under its name, where there are several. */
function groupWords({ metric, figures: drawn }: FigureGroup, several: boolean): Html {
  const wide = drawn.filter(({ name }) => name === WIDE);
  const others = drawn.filter(({ name }) => name !== WIDE);
  return html`${several && html`<h3>${metric === undefined ? 'All together' : short(metric, 60)}</h3>`}
${others.length > 0 && figures(others)}
${wide.map(wideFigure)}`;
}

const valueWords = (value: Json | undefined): string =>
  value === undefined ? '' : typeof value === 'number' ? figure(value) : short(String(value), 24);
