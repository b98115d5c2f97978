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
 * Options of {@link createReportPage}.
 *
 * @category Figures
 */
export interface ReportPageOptions {
  /** Seconds after which a browser reads the page again: while a run goes on. Default: never. */
  readonly refresh?: number;
}

/**
 * A report: its page, and the figures that are in it.
 *
 * @category Figures
 */
export interface Report {
  /** The whole page. */
  readonly page: string;
  /** In the order of the page; every name is there once. */
  readonly figures: readonly ReportFigure[];
}

/**
 * One or several runs as a page of HTML that needs nothing else: no script, no network; it opens from a disk and prints. All
 * text of the records is shown as text, whatever it says. The same records give the same page to the byte.
 *
 * @param runs - At least one; several are compared first, then told one by one.
 * @param tools - Observable Plot, a document and Graphviz; `report` of `tfjs-multitask/node` brings its own.
 * @example
 * ```ts
 * import { Graphviz } from '@hpcc-js/wasm-graphviz';
 * import * as Plot from '@observablehq/plot';
 * import { parseHTML } from 'linkedom';
 * import { branch, flatten, imagesInMemory, multiTask, regression } from 'tfjs-multitask';
 * import { describeRun, reportPage } from 'tfjs-multitask/report';
 *
 * const grey = (value: number) => ({ data: new Uint8Array(4 * 4 * 3).fill(value), height: 4, width: 4, channels: 3 });
 * const train = imagesInMemory([10, 90].map((light) => ({ image: grey(light), labels: { light } })));
 * const model = multiTask({ input: [4, 4, 3] })
 *   .task('light', regression({ unit: 'bytes' }), branch([flatten()]))
 *   .build();
 * const history = await model.fit(train, { epochs: 1, engine: 'wasm' });
 * const record = await describeRun(model, { name: 'squares', dataName: 'greys', train, history });
 * const { document } = parseHTML('<html></html>');
 * const page = reportPage([{ ...record, images: new Map() }], { Plot, document, graphviz: await Graphviz.load() });
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
 * The same page, with its figures one by one, for files beside it.
 *
 * @param runs - As in {@link createReportPage}.
 * @param tools - As in {@link createReportPage}.
 * @example
 * ```ts
 * import { reportOf, type ReportedRun, type ReportTools } from 'tfjs-multitask/report';
 *
 * const names = (run: ReportedRun, tools: ReportTools) => reportOf([run], tools).figures.map(({ name }) => name);
 * console.log(typeof names); // function
 * ```
 * @category Figures
 */
export function createReport(
  runs: readonly [ReportedRun, ...ReportedRun[]],
  tools: ReportTools,
  { refresh }: ReportPageOptions = {},
): Report {
  const several = runs.length > 1;
  const parts = runs.map((run, i) => renderRunSection(run, several ? `run${i + 1}-` : '', tools));
  const comparison = several ? renderComparisonSection(runs, tools) : undefined;
  const title = several ? `${runs.length} runs compared` : truncateMiddle(runs[0].name, 120);
  const links =
    comparison &&
    html`<nav aria-label="Runs">${runs.map((run, i) => html`<a href="#run${i + 1}-top">${i + 1}. ${truncateMiddle(run.name, 60)}</a>`)}</nav>`;
  const main = html`${comparison?.html}
${parts.map(({ html: part }, i) => (several ? html`<section id="run${i + 1}-top"><h2>Run ${i + 1}: ${runs[i]!.name}</h2>${part}</section>` : part))}`;
  const version = runs[0].versions['tfjs-multitask'];
  return {
    page: renderDocument({ title, links, main, version, refresh }, tools),
    figures: assignUniqueNames([...(comparison?.figures ?? []), ...parts.flatMap((part) => part.figures)]),
  };
}

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
    { id: 'made', title: 'How it was made', section: renderSetupSection(run) },
  ].filter(({ section }) => section.html.html !== '');
  const heading = (id: string, title: string) =>
    prefix ? html`<h3 id="${prefix}${id}">${title}</h3>` : html`<h2 id="${id}">${title}</h2>`;
  return {
    figures: sections.flatMap(({ section }) =>
      section.figures.map((one) => ({ ...one, name: prefix + one.name })),
    ),
    html: html`<p class="lead">${summarizeRun(run)}</p>
${run.remarks.map((remark) => html`<p class="remark">${remark}</p>`)}
<nav aria-label="Sections of ${run.name}">${sections.map(({ id, title }) => html`<a href="#${prefix}${id}">${truncateMiddle(title, 40)}</a>`)}</nav>
${sections.map(({ id, title, section }) => html`<section>${heading(id, title)}${section.html}</section>`)}`,
  };
}

function summarizeRun({ tasks, data, rows, engine, stopped }: ReportedRun): string {
  const names = tasks.length > 6 ? `${tasks.length} tasks` : tasks.map(({ name }) => name).join(', ');
  const [height, width] = data.shape;
  const images = `${formatCount(data.train.size, 'image')} (${width}×${height} pixels, ${data.name})`;
  const judged = data.validation
    ? `, judged on ${formatCount(data.validation.size, 'validation image')}`
    : '';
  const epochs = formatCount(rows.length, 'epoch');
  const end = stopped === undefined ? 'so far' : stopped === 'finished' ? '' : `(stopped: ${stopped})`;
  return `${names}, learnt from ${images}${judged}. ${[epochs, end, engine ? `on ${engine.name}` : ''].filter(Boolean).join(' ')}.`;
}
