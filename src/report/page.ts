import { bestEpoch } from '../core/history.js';
import type { Json } from '../core/json.js';
import { architectureDiagram } from './architectureDiagram.js';
import { balanceFigures } from './balanceFigures.js';
import type { ReportFigure } from './chart.js';
import { comparisonFigures, lookOf } from './comparisonFigures.js';
import { duration, figure, metricValue, short } from './format.js';
import { facts, figures, type Html, html, picture, table } from './html.js';
import { curvePanels, drawnIn } from './learningCurves.js';
import { STYLE } from './pageStyle.js';
import type { ReportedRun } from './readRun.js';
import { randomAnswers } from './selection.js';
import { answerWords, metricRows, type Section, taskSection } from './taskSection.js';
import type { ReportTools } from './tools.js';
import { trainingFigures } from './trainingFigures.js';

/**
 * Options of {@link reportPage}.
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
export function reportPage(
  runs: readonly [ReportedRun, ...ReportedRun[]],
  tools: ReportTools,
  options: ReportPageOptions = {},
): string {
  return reportOf(runs, tools, options).page;
}

/**
 * The same page, with its figures one by one, for files beside it.
 *
 * @param runs - As in {@link reportPage}.
 * @param tools - As in {@link reportPage}.
 * @example
 * ```ts
 * import { reportOf, type ReportedRun, type ReportTools } from 'tfjs-multitask/report';
 *
 * const names = (run: ReportedRun, tools: ReportTools) => reportOf([run], tools).figures.map(({ name }) => name);
 * console.log(typeof names); // function
 * ```
 * @category Figures
 */
export function reportOf(
  runs: readonly [ReportedRun, ...ReportedRun[]],
  tools: ReportTools,
  { refresh }: ReportPageOptions = {},
): Report {
  const several = runs.length > 1;
  const parts = runs.map((run, i) => runSection(run, several ? `run${i + 1}-` : '', tools));
  const comparison = several ? comparisonSection(runs, tools) : undefined;
  const title = several ? `${runs.length} runs compared` : short(runs[0].name, 120);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="content-security-policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
${refresh !== undefined && html`<meta http-equiv="refresh" content="${refresh}">`}
<title>${title}</title>
<style>${{ html: STYLE }}</style>
</head>
<body>
<header><h1>${title}</h1>
${comparison && html`<nav aria-label="Runs">${runs.map((run, i) => html`<a href="#run${i + 1}-top">${short(run.name, 60)}</a>`)}</nav>`}</header>
<main>
${comparison?.html}
${parts.map(({ html: part }, i) => (several ? html`<section id="run${i + 1}-top"><h2>Run ${i + 1}: ${runs[i]!.name}</h2>${part}</section>` : part))}
</main>
<footer>Made by tfjs-multitask${runs[0].versions['tfjs-multitask'] && ` ${runs[0].versions['tfjs-multitask']}`}.</footer>
</body>
</html>
`;
  return {
    page: page.html,
    figures: distinct([...(comparison?.figures ?? []), ...parts.flatMap((part) => part.figures)]),
  };
}

/** Names that files can have, each once. */
function distinct(list: readonly ReportFigure[]): ReportFigure[] {
  const taken = new Set<string>();
  return list.map((one) => {
    const plain = short(one.name.replaceAll(/[^\p{L}\p{N}_-]+/gu, '_'), 80);
    let name = plain;
    for (let i = 2; taken.has(name.toLowerCase()); i++) name = `${plain}-${i}`;
    taken.add(name.toLowerCase());
    return { ...one, name };
  });
}

function comparisonSection(runs: readonly ReportedRun[], tools: ReportTools): Section {
  const drawn = comparisonFigures(runs, tools);
  const columns = [
    ...new Set(
      runs.flatMap(({ tasks }) =>
        tasks.flatMap(({ name, metrics }) => metrics.map((metric) => JSON.stringify([name, metric]))),
      ),
    ),
  ].map((key) => JSON.parse(key) as [string, string]);
  const rows = runs.map((run, i) => {
    const best = bestOf(run);
    return [
      `${i + 1}. ${run.name}`,
      best ? String(best.epoch) : 'n/a',
      figure(best?.row[run.monitor]),
      ...columns.map(([name, metric]) =>
        metricValue(metric, best?.row[`val_${name}_${metric}`] ?? best?.row[`${name}_${metric}`]),
      ),
      figure(run.architecture.parameters),
      duration(run.rows.reduce((sum, { seconds = 0 }) => sum + seconds, 0)),
    ];
  });
  const legend = runs.map((run, i) => legendItem(lookOf(i), `${i + 1}. ${run.name}`));
  return {
    figures: drawn,
    html: html`<p class="lead">Each run at its best epoch, on its own validation images.</p>
${table('Best epochs', ['', 'best epoch', 'monitored', ...columns.map(([name, metric]) => `${name} ${metric}`), 'parameters', 'time'], rows)}
<p class="legend">${legend}</p>
${figures(drawn)}`,
  };
}

const legendItem = (
  { colour, dash }: { readonly colour: string; readonly dash: string },
  words: string,
): Html =>
  html`<span><svg width="24" height="8" aria-hidden="true"><line x1="0" x2="24" y1="4" y2="4" stroke="${colour}" stroke-width="2.5" stroke-dasharray="${dash}"/></svg>${words}</span>`;

function bestOf(run: ReportedRun) {
  const best = bestEpoch(run, run.monitor);
  const row = best && run.rows.find(({ epoch }) => epoch === best.epoch);
  return row && best ? { ...best, row } : undefined;
}

function runSection(run: ReportedRun, prefix: string, tools: ReportTools): Section {
  const sections: { readonly id: string; readonly title: string; readonly section: Section }[] = [
    { id: 'result', title: 'Best epoch', section: resultSection(run) },
    { id: 'learning', title: 'Learning', section: learningSection(run, tools) },
    ...(run.answers.length > 0
      ? run.tasks.map((task, i) => ({
          id: `task${i + 1}`,
          title: task.name,
          section: taskSection(task, run, tools),
        }))
      : []),
    { id: 'images', title: 'Images', section: imagesSection(run) },
    { id: 'data', title: 'Data', section: dataSection(run, tools) },
    { id: 'network', title: 'Network', section: networkSection(run, tools) },
    { id: 'made', title: 'How it was made', section: madeSection(run) },
  ].filter(({ section }) => section.html.html !== '');
  const heading = (id: string, title: string) =>
    prefix ? html`<h3 id="${prefix}${id}">${title}</h3>` : html`<h2 id="${id}">${title}</h2>`;
  return {
    figures: sections.flatMap(({ section }) =>
      section.figures.map((one) => ({ ...one, name: prefix + one.name })),
    ),
    html: html`<p class="lead">${leadOf(run)}</p>
${run.remarks.map((remark) => html`<p class="remark">${remark}</p>`)}
<nav aria-label="Sections of ${run.name}">${sections.map(({ id, title }) => html`<a href="#${prefix}${id}">${short(title, 40)}</a>`)}</nav>
${sections.map(({ id, title, section }) => html`<section>${heading(id, title)}${section.html}</section>`)}`,
  };
}

function leadOf({ tasks, data, rows, engine, stopped }: ReportedRun): string {
  const names = tasks.length > 6 ? `${tasks.length} tasks` : tasks.map(({ name }) => name).join(', ');
  const [height, width] = data.shape;
  const images = `${figure(data.train.size)} images (${width}×${height} pixels, ${data.name})`;
  const judged = data.validation ? `, judged on ${figure(data.validation.size)} others` : '';
  const epochs = `${rows.length} epoch${rows.length === 1 ? '' : 's'}`;
  const end = stopped === undefined ? 'so far' : stopped === 'finished' ? '' : `(stopped: ${stopped})`;
  return `${names}, learnt from ${images}${judged}. ${[epochs, end, engine ? `on ${engine.name}` : ''].filter(Boolean).join(' ')}.`;
}

function resultSection(run: ReportedRun): Section {
  if (run.rows.length === 0) return { html: html`<p>No epoch has ended yet.</p>`, figures: [] };
  const best = bestOf(run);
  const words = best
    ? `Epoch ${best.epoch} of ${run.rows.at(-1)!.epoch} has the best ${run.monitor}, ${metricValue(run.monitor, best.value)}.`
    : `No epoch has a ${run.monitor} that is a number; these are the values of the last.`;
  return {
    html: html`<p>${words} Training columns are means over the epoch, with dropout and augmentation at work.</p>
${table('Losses and metrics', ['', 'training', 'validation', 'not augmented'], metricRows(run, best?.row ?? run.rows.at(-1)))}`,
    figures: [],
  };
}

function learningSection(run: ReportedRun, tools: ReportTools): Section {
  if (run.rows.length === 0) return { html: html``, figures: [] };
  const best = bestOf(run);
  const curves = run.tasks.map((task) => ({
    task,
    panels: curvePanels(run, { task: task.name, monitor: run.monitor }, tools),
  }));
  const training = trainingFigures(run.rows, tools);
  const series = run.tasks.length > 0 ? drawnIn(run, run.tasks[0]!) : [];
  return {
    figures: [...curves.flatMap(({ panels }) => panels), ...training],
    html: html`<p class="legend">${series.map((one) => legendItem(one, one.name))}${best && html`<span><svg width="12" height="12" aria-hidden="true"><circle cx="6" cy="6" r="4.5" fill="white" stroke="#1f2328" stroke-width="1.5"/></svg>best epoch ${best.epoch}, by ${run.monitor}</span>`}</p>
${curves.map(({ panels }) => figures(panels))}
${figures(training)}`,
  };
}

function imagesSection(run: ReportedRun): Section {
  const files = new Map(run.pictures.map(({ id, file }) => [id, file]));
  const cells = randomAnswers(run.answers).flatMap((one) => {
    const image = picture(run.images.get(files.get(one.id) ?? ''), one.id);
    const words = run.tasks.slice(0, 4).map((task) => ({ task, ...answerWords(task, one) }));
    return image
      ? [
          html`<li>${image}${words.map(({ task, answer, truth }) => html`<span>${short(task.name, 14)}: <b>${answer}</b>, true ${truth}</span><br>`)}<small>${short(one.id, 40)}</small></li>`,
        ]
      : [];
  });
  const rows = run.augmented.flatMap(({ id, files: names }) => {
    const images = names.flatMap(
      (name, i) => picture(run.images.get(name), i === 0 ? id : `${id}, augmented`) ?? [],
    );
    return images.length > 0 ? [html`<div>${images}</div>`] : [];
  });
  return {
    html: html`${cells.length > 0 && html`<h3>Random samples</h3><ul class="pictures">${cells}</ul>`}${rows.length > 0 && html`<h3>Augmentation</h3><p>Training images, and what the first epochs made of them.</p><div class="rows">${rows}</div>`}`,
    figures: [],
  };
}

function dataSection(run: ReportedRun, tools: ReportTools): Section {
  const drawn = balanceFigures(run, tools);
  const { data } = run;
  const all: [string, string][] = [
    ['images', data.name],
    ['size', `${data.shape.join('×')} (height, width, channels)`],
    ['training', `${figure(data.train.size)} images`],
    ['validation', data.validation ? `${figure(data.validation.size)} images` : 'none'],
    ['not usable', `${figure(data.skipped)} files`],
  ];
  return { figures: drawn, html: html`${facts(all)}${figures(drawn)}` };
}

function networkSection({ architecture }: ReportedRun, { graphviz }: ReportTools): Section {
  const { layers, parameters, trainableParameters } = architecture;
  if (layers.length === 0) return { html: html``, figures: [] };
  const title = `${layers.length} layers, ${figure(parameters)} parameters${trainableParameters < parameters ? `, ${figure(trainableParameters)} of them trained` : ''}`;
  const drawn = { name: 'architecture', title, svg: architectureDiagram(architecture, graphviz) };
  return {
    figures: [drawn],
    html: html`${{ html: figures([drawn]).html.replace('class="figures"', 'class="figures wide"') }}`,
  };
}

function madeSection({ arguments: said, versions, engine, stopped }: ReportedRun): Section {
  const words = (value: Json | undefined): string =>
    typeof value === 'string'
      ? value
      : value === null || value === undefined
        ? 'none'
        : typeof value === 'number'
          ? String(Number(value.toPrecision(6)))
          : short(JSON.stringify(value), 200);
  const list: [string, string][] = [
    ...Object.entries(said).map(([name, value]): [string, string] => [name, words(value)]),
    ...(engine ? [['engine', `${engine.name}: ${engine.reason}`] as [string, string]] : []),
    ...(stopped === undefined ? [] : [['ended', stopped] as [string, string]]),
    ...Object.entries(versions),
  ];
  return { html: list.length > 0 ? facts(list) : html``, figures: [] };
}
