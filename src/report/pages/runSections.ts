import { selectRandomAnswers } from '../../core/records/answerSelection.js';
import {
  explainReportedEpoch,
  getReportedEpoch,
  isReportedEpochBest,
} from '../../core/records/checkpointEpoch.js';
import type { BestEpoch, HistoryRow } from '../../core/records/history.js';
import { architectureDiagram } from '../charts/architectureDiagram.js';
import type { ReportTools } from '../charts/chartTools.js';
import type { LineStyle } from '../charts/comparisonFigures.js';
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

/** Renders an item of a legend: a short line with the style of a curve, and its label. */
export const renderLegendItem = ({ color, dash }: LineStyle, label: string): Html =>
  html`<span><svg width="24" height="8" aria-hidden="true"><line x1="0" x2="24" y1="4" y2="4" stroke="${color}" stroke-width="2.5" stroke-dasharray="${dash}"/></svg>${label}</span>`;

/** Epoch whose losses and metrics a report shows. */
export interface ReportedEpoch extends BestEpoch {
  /** History row of the epoch. */
  readonly row: HistoryRow;
  /** True if this is the epoch of the saved checkpoint, but not the epoch with the best value of `monitor`. */
  readonly isCheckpoint: boolean;
}

/**
 * Returns the epoch whose losses and metrics a report shows, or undefined if no epoch has a value in the
 * monitored column.
 */
export function findReportedEpoch(run: ReportedRun): ReportedEpoch | undefined {
  const best = getReportedEpoch(run);
  const row = best && run.rows.find(({ epoch }) => epoch === best.epoch);
  return row && best ? { ...best, row, isCheckpoint: !isReportedEpochBest(run) } : undefined;
}

/** Returns the label of the reported epoch in a legend. */
const formatEpochLabel = (run: ReportedRun, { epoch, isCheckpoint }: ReportedEpoch) =>
  isCheckpoint && run.isFinalModel
    ? `epoch ${epoch}, the end of the run`
    : `${isCheckpoint ? 'chosen' : 'best'} epoch ${epoch}, by ${run.monitor}`;

/** Renders the losses and metrics of the reported epoch. */
export function renderResultSection(run: ReportedRun): Section {
  if (run.rows.length === 0) return { html: html`<p>No epoch has ended yet.</p>`, figures: [] };
  const best = findReportedEpoch(run);
  const summary = best
    ? `Epoch ${best.epoch} of ${run.rows.at(-1)!.epoch} ${explainReportedEpoch(run)} ${run.monitor}, ${formatMetric(run.monitor, best.value)}.`
    : `No epoch has a numeric ${run.monitor}. The table shows the last epoch.`;
  const { heads, rows } = createMetricTable(run, best?.row ?? run.rows.at(-1));
  return {
    html: html`<p>${summary} Training values are means over the epoch, with dropout and augmentation.</p>
${renderTable('Losses and metrics', heads, rows)}`,
    figures: [],
  };
}

/** Renders the learning curves of every task, the learning rate, and the time per epoch. */
export function renderLearningSection(run: ReportedRun, tools: ReportTools): Section {
  if (run.rows.length === 0) return { html: html``, figures: [] };
  const best = findReportedEpoch(run);
  const curves = run.tasks.map((task) => ({
    task,
    panels: drawCurvePanels(run, { task: task.name, best: best?.epoch }, tools),
  }));
  const training = drawTrainingFigures(run.rows, tools);
  const seriesList = CURVE_SERIES.filter((series) =>
    run.tasks.some((task) => findTaskSeries(run, task).includes(series)),
  );
  return {
    figures: [...curves.flatMap(({ panels }) => panels), ...training],
    html: html`<p class="legend">${seriesList.map((series) => renderLegendItem(series, series.name))}${best && html`<span><svg width="12" height="12" aria-hidden="true"><circle cx="6" cy="6" r="4.5" fill="white" stroke="#1f2328" stroke-width="1.5"/></svg>${formatEpochLabel(run, best)}</span>`}</p>
${renderGapWarning(run)}${curves.map(({ task, panels }) => (panels.length > 0 ? renderFigures(panels) : html`<p>The history contains no values of ${task.name}.</p>`))}
${renderFigures(training)}`,
  };
}

/**
 * Renders a warning about NaN and infinite values in the history, because the curves cannot show such values.
 * Returns undefined if all values are finite.
 */
function renderGapWarning({ rows }: ReportedRun): Html | undefined {
  const nonFiniteRows = rows.filter((row) => Object.values(row).some((value) => !Number.isFinite(value)));
  if (nonFiniteRows.length === 0) return undefined;
  const [first, last] = [nonFiniteRows[0]!.epoch, nonFiniteRows.at(-1)!.epoch];
  const subject =
    first === last
      ? `Epoch ${first} contains`
      : `${nonFiniteRows.length} epochs from ${first} to ${last} contain`;
  return html`<p class="remark">${subject} NaN or infinite values, which the curves omit.</p>`;
}

/** Renders random samples with their predictions, and augmented training images. */
export function renderImagesSection(run: ReportedRun): Section {
  const files = new Map(run.pictures.map(({ id, file }) => [id, file]));
  const cells = selectRandomAnswers(run.answers).flatMap((record) => {
    const image = renderImage(run.images.get(files.get(record.id) ?? ''), record.id);
    const texts = run.tasks.slice(0, 4).map((task) => ({ task, ...formatAnswer(task, record) }));
    return image
      ? [
          html`<li>${image}${texts.map(({ task, prediction, truth }) => html`<span>${truncateMiddle(task.name, 14)}: <b>${prediction}</b>, true ${truth}</span><br>`)}<small>${truncateMiddle(record.id, 40)}</small></li>`,
        ]
      : [];
  });
  const rows = run.augmented.flatMap((row) => {
    const images = row.files.flatMap(
      (file, i) => renderImage(run.images.get(file), i === 0 ? row.id : `${row.id}, augmented`) ?? [],
    );
    return images.length > 0 ? [html`<div>${images}</div>`] : [];
  });
  return {
    html: html`${cells.length > 0 && html`<h3>Random samples</h3><ul class="pictures">${cells}</ul>`}${rows.length > 0 && html`<h3>Augmentation</h3><p>Training images, and their augmented versions in the first epochs.</p><div class="rows">${rows}</div>`}`,
    figures: [],
  };
}

/** Renders the number of images in each split, and the distribution of labels and groups. */
export function renderDataSection(run: ReportedRun, tools: ReportTools): Section {
  const figures = drawLabelDistributions(run, tools);
  const { data } = run;
  const entries: [string, string][] = [
    ['images', data.name],
    ['size', `${data.shape.join('×')} (height, width, channels)`],
    ['training', formatCount(data.train.size, 'image')],
    ['validation', data.validation ? formatCount(data.validation.size, 'image') : 'none'],
    ['skipped', formatCount(data.skipped, 'file')],
  ];
  return { figures, html: html`${renderDefinitionList(entries)}${renderFigures(figures)}` };
}

/** Renders the architecture diagram. */
export function renderNetworkSection({ architecture }: ReportedRun, { graphviz }: ReportTools): Section {
  const { layers, parameters, trainableParameters } = architecture;
  if (layers.length === 0) return { html: html``, figures: [] };
  const title = `${layers.length} layers, ${formatNumber(parameters)} parameters${trainableParameters < parameters ? `, ${formatNumber(trainableParameters)} of them trained` : ''}`;
  const figure = { name: 'architecture', title, svg: architectureDiagram(architecture, graphviz) };
  return { figures: [figure], html: renderWideFigure(figure) };
}

/** Renders the arguments of the run, its engine, and the package versions. */
export function renderSetupSection(run: ReportedRun): Section {
  const { versions, engine, stopped } = run;
  const entries: [string, string][] = [
    ...Object.entries(run.arguments).map(([name, value]): [string, string] => [name, formatArgument(value)]),
    ...(engine ? [['ran on', `${engine.name}: ${engine.reason}`] as [string, string]] : []),
    ...(stopped === undefined ? [] : [['ended', stopped] as [string, string]]),
    ...Object.entries(versions),
  ];
  return { html: entries.length > 0 ? renderDefinitionList(entries) : html``, figures: [] };
}
