import { getOwnValue } from '../../core/lookup.js';
import { selectTasksWithImages, selectWorstAnswers } from '../../core/records/answerSelection.js';
import type { TaskRecord } from '../../core/records/history.js';
import type { PredictionRecord } from '../../core/records/runRecord.js';
import type { ReportTools } from '../charts/chartTools.js';
import { drawClassificationFigures } from '../charts/classificationFigures.js';
import { findRunSeries } from '../charts/curveSeries.js';
import { drawGroupFigure } from '../charts/groupFigures.js';
import { drawRegressionFigures } from '../charts/regressionFigures.js';
import type { ReportedRun } from '../records/readRunRecord.js';
import {
  type ClassPrediction,
  computeLabelScores,
  computeReliability,
  estimateAccuracy,
  findPredictedLabel,
} from '../statistics/classificationScores.js';
import {
  computeErrorBins,
  estimateMeanAbsoluteError,
  type NumberPrediction,
} from '../statistics/errorBins.js';
import {
  collectPredictions,
  computeGroupScores,
  type GroupScores,
  type TaskPredictions,
} from '../statistics/groupScores.js';
import {
  addUnit,
  formatCount,
  formatEstimate,
  formatMetric,
  formatNumber,
  formatPercent,
  hasTaskUnit,
  truncateMiddle,
} from '../text/format.js';
import { formatTick } from '../text/tickFormat.js';
import { type Html, html, renderFigureCells, renderFigureGrid, renderImage, renderTable } from './html.js';
import type { Section } from './section.js';

/** Maximum number of rows in a table of labels. */
const MAX_LABEL_ROWS = 40;

/** Renders the predictions of one task: figures and tables, scores by group, largest errors, and Grad-CAM images. */
export function renderTaskSection(task: TaskRecord, run: ReportedRun, tools: ReportTools): Section {
  const predictions = collectPredictions(task, run);
  const { numbers, classes } = predictions;
  if (numbers.length + classes.length === 0) {
    return {
      html: html`<p>No validation image has both a label and a finite prediction.</p>`,
      figures: [],
    };
  }
  const taskFigures = task.labels
    ? drawClassificationFigures(task, classes, tools)
    : drawRegressionFigures(task, numbers, tools);
  const groups = computeGroupScores(task, run);
  const groupFigures = groups.map((group) => drawGroupFigure(task, group, tools));
  return {
    figures: [...taskFigures, ...groupFigures],
    html: html`<p>${summarizeTask(task, predictions)}</p>
${renderFigureGrid([...renderFigureCells(taskFigures), task.labels ? html`<div class="whole">${renderLabelTable(task, classes)}</div>` : renderErrorBinTable(task, numbers)])}
${groups.length > 0 && html`<h3>By group</h3><p>If two intervals do not overlap, the difference is unlikely to be due to chance. In groups of few images, large differences are often due to chance.</p>${groups.map((group, i) => renderFigureGrid([...renderFigureCells([groupFigures[i]!]), renderGroupTable(task, group)]))}`}
${renderLargestErrors(task, run)}
${renderGradCams(task, run)}`,
  };
}

const renderGroupTable = (task: TaskRecord, { group, scores }: GroupScores) =>
  renderTable(
    `${task.name} by ${group}${task.labels ? '' : addUnit(', error and bias (predicted minus true)', task.unit)}`,
    ['', 'images', ...(task.labels ? ['accuracy (95 %)'] : ['error (95 %)', 'bias (95 %)'])],
    scores.map(({ name, count, score, bias }) => [
      name,
      formatNumber(count),
      formatEstimate(score, task.labels ? 'proportion' : 'number'),
      ...(bias ? [formatEstimate(bias)] : []),
    ]),
  );

function summarizeTask(task: TaskRecord, { numbers, classes }: TaskPredictions): string {
  const count = numbers.length + classes.length;
  const images = `${formatCount(count, 'validation image')} without augmentation`;
  if (task.labels) {
    return `Accuracy ${formatEstimate(estimateAccuracy(classes), 'proportion')} on ${images}; expected calibration error ${formatPercent(computeReliability(classes).error)}.`;
  }
  const errors = numbers.map(({ truth, predicted }) => Math.abs(predicted - truth)).sort((a, b) => a - b);
  const formatErrorQuantile = (proportion: number) =>
    formatNumber(errors[Math.min(count - 1, Math.ceil(proportion * count) - 1)]);
  return `Mean absolute error ${formatEstimate(estimateMeanAbsoluteError(numbers))}${task.unit ? ` ${truncateMiddle(task.unit, 16)}` : ''} on ${images}; half of the errors are at most ${formatErrorQuantile(0.5)}, and 90 % at most ${formatErrorQuantile(0.9)}.`;
}

function renderErrorBinTable(task: TaskRecord, numbers: readonly NumberPrediction[]): Html {
  const bins = computeErrorBins(numbers);
  const edges = [...bins.map(({ from }) => from), bins.at(-1)!.to];
  return renderTable(
    `${addUnit('Mean absolute error by true value', task.unit)}, with 95 % intervals (bootstrap)`,
    ['true value', 'images', 'error (95 %)'],
    bins.map(({ from, to, count, error }) => [
      `${formatTick(from, 0, edges)} to ${formatTick(to, 0, edges)}`,
      formatNumber(count),
      formatEstimate(error),
    ]),
  );
}

function renderLabelTable(task: TaskRecord, classes: readonly ClassPrediction[]): Html {
  const scores = computeLabelScores(task, classes);
  const shownScores =
    scores.length > MAX_LABEL_ROWS
      ? [...scores].sort((a, b) => b.count - a.count).slice(0, MAX_LABEL_ROWS)
      : scores;
  return renderTable(
    `Precision and recall, with 95 % intervals (Wilson)${shownScores.length < scores.length ? `; the ${MAX_LABEL_ROWS} most frequent of ${scores.length} labels` : ''}`,
    ['label', 'images', 'precision (95 %)', 'recall (95 %)'],
    shownScores.map(({ label, count, precision, recall }) => [
      label,
      formatNumber(count),
      formatEstimate(precision, 'proportion'),
      formatEstimate(recall, 'proportion'),
    ]),
  );
}

/** Prediction and true label of an image, as text. */
export interface AnswerText {
  readonly prediction: string;
  readonly truth: string;
}

/** Formats the prediction and the true label of an image, for example as `male 60.0 %` and `female`. */
export function formatAnswer(
  { name, labels }: TaskRecord,
  { labels: trueLabels, answers }: PredictionRecord,
): AnswerText {
  const value = getOwnValue(answers, name);
  const truth = getOwnValue(trueLabels, name);
  const formatPrediction = () => {
    if (value === undefined) return 'n/a';
    if (!labels) return formatNumber(value as number);
    const probabilities = value as readonly number[];
    const label = findPredictedLabel({ truth: 0, probabilities });
    return `${truncateMiddle(labels[label]!, 16)} ${formatPercent(probabilities[label])}`;
  };
  return {
    prediction: formatPrediction(),
    truth:
      truth === undefined
        ? 'unknown'
        : typeof truth === 'number'
          ? formatNumber(truth)
          : truncateMiddle(truth, 16),
  };
}

function renderLargestErrors(task: TaskRecord, run: ReportedRun): Html | undefined {
  if (!selectTasksWithImages(run).includes(task)) return undefined;
  const files = new Map(run.pictures.map(({ id, file }) => [id, file]));
  const cells = selectWorstAnswers(task, run.answers).flatMap((record) => {
    const image = renderImage(run.images.get(files.get(record.id) ?? ''), record.id);
    const { prediction, truth } = formatAnswer(task, record);
    return image
      ? [
          html`<li>${image}<b>${prediction}</b><br>true: ${truth}<small>${truncateMiddle(record.id, 40)}</small></li>`,
        ]
      : [];
  });
  return cells.length === 0 ? undefined : html`<h3>Largest errors</h3><ul class="pictures">${cells}</ul>`;
}

function renderGradCams(task: TaskRecord, run: ReportedRun): Html | undefined {
  const answers = new Map(run.answers.map((answer) => [answer.id, answer]));
  const cells = run.gradCams.flatMap(({ id, task: name, toward, image: file }) => {
    const image =
      name === task.name ? renderImage(run.images.get(file), `Grad-CAM of ${id} for ${toward}`) : undefined;
    const answer = answers.get(id);
    const text = answer && formatAnswer(task, answer);
    return image
      ? [
          html`<li>${image}${text && html`<b>${text.prediction}</b><br>true: ${text.truth}`}<small>${truncateMiddle(id, 40)}</small></li>`,
        ]
      : [];
  });
  if (cells.length === 0) return undefined;
  return html`<h3>Grad-CAM</h3><p>Brighter regions, from violet to yellow, contribute more to ${task.labels ? 'the predicted label' : 'a lower value if the prediction is below the mean of all predictions, and to a higher value otherwise'}. An image without bright regions contains no such contribution.</p><ul class="pictures">${cells}</ul>`;
}

/**
 * Creates the table of the losses and metrics of one epoch: a row for each metric, and a column for training and for each kind of
 * validation in the run.
 */
export function createMetricTable(
  run: ReportedRun,
  row: { readonly [column: string]: number } | undefined,
): { readonly heads: string[]; readonly rows: string[][] } {
  const seriesList = findRunSeries(run);
  const createRow = (column: string, metric: string, label: string) => [
    label,
    ...seriesList.map(({ prefix }) => formatMetric(metric, row?.[`${prefix}${column}`])),
  ];
  const rows = [
    createRow('loss', 'loss', 'loss, all tasks'),
    ...run.tasks.flatMap((task) =>
      ['loss', ...task.metrics.filter((metric) => metric !== 'loss')].map((metric) =>
        createRow(
          `${task.name}_${metric}`,
          metric,
          addUnit(`${task.name}: ${metric}`, hasTaskUnit(metric) ? task.unit : undefined),
        ),
      ),
    ),
  ];
  return { heads: ['', ...seriesList.map(({ head }) => head)], rows };
}
