import * as checks from '../../core/errors/checks.js';
import type { ReportFigure } from '../charts/chart.js';
import type { ReportTools } from '../charts/chartTools.js';
import type { ReportedRun } from '../records/readRunRecord.js';
import { formatCount, truncateMiddle } from '../text/format.js';
import { renderComparisonSection } from './comparisonSection.js';
import { assignUniqueNames } from './figureNames.js';
import { html } from './html.js';
import { renderDocument } from './htmlDocument.js';
import {
  renderDataSection,
  renderImagesSection,
  renderLearningSection,
  renderNetworkSection,
  renderResultSection,
  renderSetupSection,
} from './runSections.js';
import type { Section } from './section.js';
import { renderTaskSection } from './taskSection.js';

/**
 * Options for {@link createReportPage}.
 *
 * @category Figures
 */
export interface ReportPageOptions {
  /** Interval in seconds at which the browser reloads the page while a run is in progress. Default: no reload. */
  readonly refresh?: number;
}

/**
 * HTML page of a report, together with its figures.
 *
 * @category Figures
 */
export interface Report {
  /** HTML document of the page. */
  readonly page: string;
  /** Figures in the order in which the page shows them. Their names are unique. */
  readonly figures: readonly ReportFigure[];
}

/**
 * Creates the HTML page of one or several runs. The page contains no scripts, needs no network connection, and can be printed.
 * Markup in the text of a record is escaped. The same records always result in the same page, byte for byte.
 *
 * @param runs - At least one run. The page of several runs starts with their comparison.
 * @param tools - Observable Plot, a document and Graphviz. `writeReport` of `tfjs-multitask/node` loads them itself.
 * @example
 * ```ts
 * import { Graphviz } from '@hpcc-js/wasm-graphviz';
 * import * as Plot from '@observablehq/plot';
 * import { parseHTML } from 'linkedom';
 * import { branch, flatten, imagesInMemory, multiTask, regression } from 'tfjs-multitask';
 * import { createReportPage, createRunRecord } from 'tfjs-multitask/report';
 *
 * const square = (value: number) => ({ data: new Uint8Array(4 * 4 * 3).fill(value), height: 4, width: 4, channels: 3 });
 * const train = imagesInMemory([10, 90].map((light) => ({ image: square(light), labels: { light } })));
 * const model = multiTask({ input: [4, 4, 3] })
 *   .task('light', regression({ unit: 'bytes' }), branch([flatten()]))
 *   .build();
 * const history = await model.fit(train, { epochs: 1, engine: 'wasm' });
 * const record = await createRunRecord(model, { name: 'squares', datasetName: 'gray squares', train, history });
 * const { document } = parseHTML('<html></html>');
 * const tools = { Plot, document, graphviz: await Graphviz.load() };
 * const page = createReportPage([{ ...record, images: new Map() }], tools);
 * console.log(page.slice(0, 15)); // <!doctype html>
 * ```
 * @category Figures
 */
export function createReportPage(
  runs: readonly [ReportedRun, ...ReportedRun[]],
  tools: ReportTools,
  options: ReportPageOptions = {},
): string {
  return createReport(runs, tools, options).page;
}

/**
 * Creates the same page as {@link createReportPage}, and returns it together with its figures, so that they can also be written to
 * files.
 *
 * @param runs - At least one run. The page of several runs starts with their comparison.
 * @param tools - Observable Plot, a document and Graphviz. `writeReport` of `tfjs-multitask/node` loads them itself.
 * @example
 * ```ts
 * import { createReport, type ReportedRun, type ReportTools } from 'tfjs-multitask/report';
 *
 * const getFigureNames = (run: ReportedRun, tools: ReportTools) =>
 *   createReport([run], tools).figures.map(({ name }) => name);
 * console.log(typeof getFigureNames); // function
 * ```
 * @category Figures
 */
export function createReport(
  runs: readonly [ReportedRun, ...ReportedRun[]],
  tools: ReportTools,
  options: ReportPageOptions = {},
): Report {
  const advice = 'Write createReport([await readRunRecord(store)], tools, { refresh: 5 }).';
  checks.list('createReport', runs, { minLength: 1, noun: 'an array with at least one run', advice });
  checks.options('createReport', options, { refresh: true }, { advice });
  const { refresh } = options;
  if (refresh !== undefined)
    checks.number('createReport.refresh', refresh, {
      noun: 'a number of seconds',
      above: 0,
      advice: 'Omit it for no reload.',
    });
  const isComparison = runs.length > 1;
  const sections = runs.map((run, i) => renderRunSection(run, isComparison ? `run${i + 1}-` : '', tools));
  const comparison = isComparison ? renderComparisonSection(runs, tools) : undefined;
  const title = isComparison ? `Comparison of ${runs.length} runs` : truncateMiddle(runs[0].name, 120);
  const links =
    comparison &&
    html`<nav aria-label="Runs">${runs.map((run, i) => html`<a href="#run${i + 1}-top">${i + 1}. ${truncateMiddle(run.name, 60)}</a>`)}</nav>`;
  const main = html`${comparison?.html}
${sections.map((section, i) => (isComparison ? html`<section id="run${i + 1}-top"><h2>Run ${i + 1}: ${runs[i]!.name}</h2>${section.html}</section>` : section.html))}`;
  const version = runs[0].versions['tfjs-multitask'];
  return {
    page: renderDocument({ title, links, main, version, refresh }, tools),
    figures: assignUniqueNames([
      ...(comparison?.figures ?? []),
      ...sections.flatMap((section) => section.figures),
    ]),
  };
}

/** Renders all sections of one run. `prefix` makes the ids and figure names of several runs unique. */
function renderRunSection(run: ReportedRun, prefix: string, tools: ReportTools): Section {
  const sections: { readonly id: string; readonly title: string; readonly section: Section }[] = [
    { id: 'result', title: 'Best epoch', section: renderResultSection(run) },
    { id: 'learning', title: 'Learning', section: renderLearningSection(run, tools) },
    ...(run.answers.length > 0
      ? run.tasks.map((task, i) => ({
          id: `task${i + 1}`,
          title: task.name,
          section: renderTaskSection(task, run, tools),
        }))
      : []),
    { id: 'images', title: 'Images', section: renderImagesSection(run) },
    { id: 'data', title: 'Data', section: renderDataSection(run, tools) },
    { id: 'network', title: 'Network', section: renderNetworkSection(run, tools) },
    { id: 'setup', title: 'Setup', section: renderSetupSection(run) },
  ].filter(({ section }) => section.html.html !== '');
  const heading = (id: string, title: string) =>
    prefix ? html`<h3 id="${prefix}${id}">${title}</h3>` : html`<h2 id="${id}">${title}</h2>`;
  return {
    figures: sections.flatMap(({ section }) =>
      section.figures.map((figure) => ({ ...figure, name: prefix + figure.name })),
    ),
    html: html`<p class="lead">${summarizeRun(run)}</p>
${run.remarks.map((remark) => html`<p class="remark">${remark}</p>`)}
<nav aria-label="Sections of ${run.name}">${sections.map(({ id, title }) => html`<a href="#${prefix}${id}">${truncateMiddle(title, 40)}</a>`)}</nav>
${sections.map(({ id, title, section }) => html`<section>${heading(id, title)}${section.html}</section>`)}`,
  };
}

function summarizeRun({ tasks, data, rows, engine, stopped }: ReportedRun): string {
  const taskList = tasks.length > 6 ? `${tasks.length} tasks` : tasks.map(({ name }) => name).join(', ');
  const [height, width] = data.shape;
  const images = `${formatCount(data.train.size, 'image')} (${width}×${height} pixels, ${data.name})`;
  const validation = data.validation ? `, validated on ${formatCount(data.validation.size, 'image')}` : '';
  const epochs = formatCount(rows.length, 'epoch');
  const end = stopped === undefined ? 'so far' : stopped === 'finished' ? '' : `(stopped: ${stopped})`;
  return `${taskList}, trained on ${images}${validation}. ${[epochs, end, engine ? `on ${engine.name}` : ''].filter(Boolean).join(' ')}.`;
}
