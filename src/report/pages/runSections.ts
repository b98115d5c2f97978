import { selectRandomAnswers } from '../../core/records/answerSelection.js';
import { getReportedEpoch, isReportedEpochBest } from '../../core/records/checkpointEpoch.js';
import { architectureDiagram } from '../charts/architectureDiagram.js';
import type { ReportTools } from '../charts/chartTools.js';
import { CURVE_SERIES, findTaskSeries } from '../charts/curveSeries.js';
import { drawLabelDistributions } from '../charts/labelDistributionFigures.js';
import { drawCurvePanels } from '../charts/learningCurves.js';
import { drawTrainingFigures } from '../charts/trainingFigures.js';
import type { ReportedRun } from '../records/readRunRecord.js';
import { formatArgument, formatCount, formatMetric, formatNumber, truncateMiddle } from '../text/format.js';
import {
  type Html,
  html,
  renderDefinitionList,
  renderFigures,
  renderImage,
  renderTable,
  renderWideFigure,
} from './html.js';
import type { Section } from './section.js';
import { createMetricTable, formatAnswer } from './taskSection.js';

/** A line as it looks, and what it is. */
export const renderLegendItem = (
  { colour, dash }: { readonly colour: string; readonly dash: string },
  words: string,
): Html =>
  html`<span><svg width="24" height="8" aria-hidden="true"><line x1="0" x2="24" y1="4" y2="4" stroke="${colour}" stroke-width="2.5" stroke-dasharray="${dash}"/></svg>${words}</span>`;

/** The epoch that was kept, and its row. */
export function findReportedEpoch(run: ReportedRun) {
  const best = getReportedEpoch(run);
  const row = best && run.rows.find(({ epoch }) => epoch === best.epoch);
  return row && best ? { ...best, row, kept: !isReportedEpochBest(run) } : undefined;
}

/** Losses and metrics of the epoch that was kept. */
export function renderResultSection(run: ReportedRun): Section {
  if (run.rows.length === 0) return { html: html`<p>No epoch has ended yet.</p>`, figures: [] };
  const best = findReportedEpoch(run);
  const words = best
    ? `Epoch ${best.epoch} of ${run.rows.at(-1)!.epoch} ${best.kept ? 'was kept, by' : 'has the best'} ${run.monitor}, ${formatMetric(run.monitor, best.value)}.`
    : `No epoch has a ${run.monitor} that is a number; these are the values of the last.`;
  const { heads, rows } = createMetricTable(run, best?.row ?? run.rows.at(-1));
  return {
    html: html`<p>${words} Training columns are means over the epoch, with dropout and augmentation at work.</p>
${renderTable('Losses and metrics', heads, rows)}`,
    figures: [],
  };
}

/** Curves of every task, learning rate, time. */
export function renderLearningSection(run: ReportedRun, tools: ReportTools): Section {
  if (run.rows.length === 0) return { html: html``, figures: [] };
  const best = findReportedEpoch(run);
  const curves = run.tasks.map((task) => ({
    task,
    panels: drawCurvePanels(run, { task: task.name, best: best?.epoch }, tools),
  }));
  const training = drawTrainingFigures(run.rows, tools);
  const series = CURVE_SERIES.filter((one) =>
    run.tasks.some((task) => findTaskSeries(run, task).includes(one)),
  );
  return {
    figures: [...curves.flatMap(({ panels }) => panels), ...training],
    html: html`<p class="legend">${series.map((one) => renderLegendItem(one, one.name))}${best && html`<span><svg width="12" height="12" aria-hidden="true"><circle cx="6" cy="6" r="4.5" fill="white" stroke="#1f2328" stroke-width="1.5"/></svg>${best.kept ? 'kept' : 'best'} epoch ${best.epoch}, by ${run.monitor}</span>`}</p>
${renderGapWarning(run)}${curves.map(({ task, panels }) => (panels.length > 0 ? renderFigures(panels) : html`<p>The history has no number of ${task.name}.</p>`))}
${renderFigures(training)}`,
  };
}

/** Says that there were values which no curve can show. */
function renderGapWarning({ rows }: ReportedRun): Html | undefined {
  const broken = rows.filter((row) => Object.values(row).some((value) => !Number.isFinite(value)));
  if (broken.length === 0) return undefined;
  const [first, last] = [broken[0]!.epoch, broken.at(-1)!.epoch];
  const where =
    first === last ? `Epoch ${first} has` : `${broken.length} epochs from ${first} to ${last} have`;
  return html`<p class="remark">${where} values that are not numbers, or infinite; the curves leave them out.</p>`;
}

/** Random samples with their answers, and what augmentation made. */
export function renderImagesSection(run: ReportedRun): Section {
  const files = new Map(run.pictures.map(({ id, file }) => [id, file]));
  const cells = selectRandomAnswers(run.answers).flatMap((one) => {
    const image = renderImage(run.images.get(files.get(one.id) ?? ''), one.id);
    const words = run.tasks.slice(0, 4).map((task) => ({ task, ...formatAnswer(task, one) }));
    return image
      ? [
          html`<li>${image}${words.map(({ task, answer, truth }) => html`<span>${truncateMiddle(task.name, 14)}: <b>${answer}</b>, true ${truth}</span><br>`)}<small>${truncateMiddle(one.id, 40)}</small></li>`,
        ]
      : [];
  });
  const rows = run.augmented.flatMap(({ id, files: names }) => {
    const images = names.flatMap(
      (name, i) => renderImage(run.images.get(name), i === 0 ? id : `${id}, augmented`) ?? [],
    );
    return images.length > 0 ? [html`<div>${images}</div>`] : [];
  });
  return {
    html: html`${cells.length > 0 && html`<h3>Random samples</h3><ul class="pictures">${cells}</ul>`}${rows.length > 0 && html`<h3>Augmentation</h3><p>Training images, and what the first epochs made of them.</p><div class="rows">${rows}</div>`}`,
    figures: [],
  };
}

/** The images, and how labels and groups are spread. */
export function renderDataSection(run: ReportedRun, tools: ReportTools): Section {
  const drawn = drawLabelDistributions(run, tools);
  const { data } = run;
  const all: [string, string][] = [
    ['images', data.name],
    ['size', `${data.shape.join('×')} (height, width, channels)`],
    ['training', formatCount(data.train.size, 'image')],
    ['validation', data.validation ? formatCount(data.validation.size, 'image') : 'none'],
    ['not usable', formatCount(data.skipped, 'file')],
  ];
  return { figures: drawn, html: html`${renderDefinitionList(all)}${renderFigures(drawn)}` };
}

/** The layers. */
export function renderNetworkSection({ architecture }: ReportedRun, { graphviz }: ReportTools): Section {
  const { layers, parameters, trainableParameters } = architecture;
  if (layers.length === 0) return { html: html``, figures: [] };
  const title = `${layers.length} layers, ${formatNumber(parameters)} parameters${trainableParameters < parameters ? `, ${formatNumber(trainableParameters)} of them trained` : ''}`;
  const drawn = { name: 'architecture', title, svg: architectureDiagram(architecture, graphviz) };
  return {
    figures: [drawn],
    html: renderWideFigure(drawn),
  };
}

/** Arguments, engine and versions. */
export function renderSetupSection({ arguments: said, versions, engine, stopped }: ReportedRun): Section {
  const list: [string, string][] = [
    ...Object.entries(said).map(([name, value]): [string, string] => [name, formatArgument(value)]),
    ...(engine ? [['ran on', `${engine.name}: ${engine.reason}`] as [string, string]] : []),
    ...(stopped === undefined ? [] : [['ended', stopped] as [string, string]]),
    ...Object.entries(versions),
  ];
  return { html: list.length > 0 ? renderDefinitionList(list) : html``, figures: [] };
}
