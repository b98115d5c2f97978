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
  computeLabelScores,
  computeReliability,
  findPredictedLabel,
} from '../statistics/classificationScores.js';
import { computeErrorBins } from '../statistics/errorBins.js';
import { estimateMean, estimateProportion } from '../statistics/estimates.js';
import { collectPredictions, computeGroupScores, type GroupScore } from '../statistics/groupScores.js';
import {
  formatCount,
  formatEstimate,
  formatMetric,
  formatNumber,
  formatPercent,
  truncateMiddle,
} from '../text/format.js';
import { formatTick } from '../text/tickFormat.js';
import { type Html, html, renderFigureCells, renderFigureGrid, renderImage, renderTable } from './html.js';
import type { Section } from './section.js';

/** Rows of a table of labels. */
const MAX_LABEL_ROWS = 40;

/** What the network answered in one task: figures and tables of its kind, groups, largest errors, where it looked. */
export function renderTaskSection(task: TaskRecord, run: ReportedRun, tools: ReportTools): Section {
  const { numbers, classes } = collectPredictions(task, run);
  const count = numbers.length + classes.length;
  if (count === 0) {
    return {
      html: html`<p>No validation image has both a label and an answer that is a number.</p>`,
      figures: [],
    };
  }
  const kind = task.labels
    ? drawClassificationFigures(task, classes, tools)
    : drawRegressionFigures(task, numbers, tools);
  const groups = computeGroupScores(task, run);
  const drawn = groups.map((group) => drawGroupFigure(task, group, tools));
  return {
    figures: [...kind, ...drawn],
    html: html`<p>${summarizeTask(task, run, count)}</p>
${renderFigureGrid([...renderFigureCells(kind), task.labels ? html`<div class="whole">${renderLabelTable(task, classes)}</div>` : renderErrorBinTable(task, numbers)])}
${groups.length > 0 && html`<h3>By group</h3><p>Where two intervals do not overlap, chance alone hardly explains the difference; in a group of few images it easily does.</p>${groups.map(({ group, scores }, i) => renderFigureGrid([...renderFigureCells([drawn[i]!]), renderGroupTable(task, group, scores)]))}`}
${renderLargestErrors(task, run)}
${renderGradCams(task, run)}`,
  };
}

const renderGroupTable = (task: TaskRecord, group: string, scores: readonly GroupScore[]) =>
  renderTable(
    `${task.name} by ${group}${task.labels ? '' : `, error and bias (predicted minus true)${formatUnit(task)}`}`,
    ['', 'images', ...(task.labels ? ['accuracy (95 %)'] : ['error (95 %)', 'bias (95 %)'])],
    scores.map(({ name, count: images, score, bias }) => [
      name,
      formatNumber(images),
      formatEstimate(score, task.labels ? 'share' : 'number'),
      ...(bias ? [formatEstimate(bias)] : []),
    ]),
  );

const formatUnit = ({ unit }: TaskRecord) => (unit ? ` (${truncateMiddle(unit, 16)})` : '');

function summarizeTask(task: TaskRecord, run: ReportedRun, count: number): string {
  const { numbers, classes } = collectPredictions(task, run);
  const images = `${formatCount(count, 'validation image')}, not augmented`;
  if (task.labels) {
    const right = classes.filter((pair) => findPredictedLabel(pair) === pair.truth).length;
    return `Accuracy ${formatEstimate(estimateProportion(right, count), 'share')} on ${images}; expected calibration error ${formatPercent(computeReliability(classes).error)}.`;
  }
  const errors = numbers.map(({ truth, predicted }) => Math.abs(predicted - truth)).sort((a, b) => a - b);
  const within = (share: number) => formatNumber(errors[Math.min(count - 1, Math.ceil(share * count) - 1)]);
  return `Mean absolute error ${formatEstimate(estimateMean(errors, 0))}${task.unit ? ` ${truncateMiddle(task.unit, 16)}` : ''} on ${images}; half of the answers are within ${within(0.5)}, nine of ten within ${within(0.9)}.`;
}

function renderErrorBinTable(task: TaskRecord, numbers: Parameters<typeof computeErrorBins>[0]): Html {
  const bands = computeErrorBins(numbers);
  const ends = [...bands.map(({ from }) => from), bands.at(-1)!.to];
  return renderTable(
    `Mean absolute error by true value${formatUnit(task)}, 95 % intervals by bootstrap`,
    ['true value', 'images', 'error (95 %)'],
    bands.map(({ from, to, count, error }) => [
      `${formatTick(from, 0, ends)} to ${formatTick(to, 0, ends)}`,
      formatNumber(count),
      formatEstimate(error),
    ]),
  );
}

function renderLabelTable(task: TaskRecord, classes: Parameters<typeof computeLabelScores>[1]): Html {
  const scores = computeLabelScores(task, classes);
  const shown =
    scores.length > MAX_LABEL_ROWS
      ? [...scores].sort((a, b) => b.count - a.count).slice(0, MAX_LABEL_ROWS)
      : scores;
  return renderTable(
    `Precision and recall, 95 % intervals by Wilson${shown.length < scores.length ? `; the ${MAX_LABEL_ROWS} most frequent of ${scores.length} labels` : ''}`,
    ['label', 'images', 'precision (95 %)', 'recall (95 %)'],
    shown.map(({ label, count, precision, recall }) => [
      label,
      formatNumber(count),
      formatEstimate(precision, 'share'),
      formatEstimate(recall, 'share'),
    ]),
  );
}

/** What was answered and what is true, in a few words. */
export function formatAnswer(
  { name, labels }: TaskRecord,
  { labels: truths, answers }: PredictionRecord,
): { readonly answer: string; readonly truth: string } {
  const value = getOwnValue(answers, name);
  const truth = getOwnValue(truths, name);
  const said = () => {
    if (value === undefined) return 'n/a';
    if (!labels) return formatNumber(value as number);
    const probabilities = value as readonly number[];
    const place = findPredictedLabel({ truth: 0, probabilities });
    return `${truncateMiddle(labels[place]!, 16)} ${formatPercent(probabilities[place])}`;
  };
  return {
    answer: said(),
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
  const cells = selectWorstAnswers(task, run.answers).flatMap((one) => {
    const image = renderImage(run.images.get(files.get(one.id) ?? ''), one.id);
    const { answer, truth } = formatAnswer(task, one);
    return image
      ? [
          html`<li>${image}<b>${answer}</b><br>true: ${truth}<small>${truncateMiddle(one.id, 40)}</small></li>`,
        ]
      : [];
  });
  return cells.length === 0 ? undefined : html`<h3>Largest errors</h3><ul class="pictures">${cells}</ul>`;
}

function renderGradCams(task: TaskRecord, run: ReportedRun): Html | undefined {
  const answers = new Map(run.answers.map((answer) => [answer.id, answer]));
  const cells = run.gradCams.flatMap(({ id, task: name, toward, image: file }) => {
    const image =
      name === task.name
        ? renderImage(run.images.get(file), `what speaks for ${toward} in ${id}`)
        : undefined;
    const answer = answers.get(id);
    const words = answer && formatAnswer(task, answer);
    return image
      ? [
          html`<li>${image}${words && html`<b>${words.answer}</b><br>true: ${words.truth}`}<small>${truncateMiddle(id, 40)}</small></li>`,
        ]
      : [];
  });
  if (cells.length === 0) return undefined;
  return html`<h3>Where it looked</h3><p>Grad-CAM: the brighter a place, from violet to yellow, the more it speaks for ${task.labels ? 'the answer' : 'a lower number where the answer is below the mean of all answers, and for a higher one elsewhere'}. An image without any has nothing that does.</p><ul class="pictures">${cells}</ul>`;
}

/** Metrics of an epoch: a row a metric, a column for training and for each kind of judging that the run had. */
export function createMetricTable(
  run: ReportedRun,
  row: { readonly [column: string]: number } | undefined,
): { readonly heads: string[]; readonly rows: string[][] } {
  const judged = findRunSeries(run);
  const columns = judged.map(({ prefix }) => prefix);
  const line = (name: string, metric: string, words: string) => [
    words,
    ...columns.map((prefix) => formatMetric(metric, row?.[`${prefix}${name}`])),
  ];
  const rows = [
    line('loss', 'loss', 'loss, all tasks'),
    ...run.tasks.flatMap((task) =>
      ['loss', ...task.metrics.filter((metric) => metric !== 'loss')].map((metric) =>
        line(
          `${task.name}_${metric}`,
          metric,
          `${task.name}: ${metric}${['mae', 'rmse'].includes(metric) ? formatUnit(task) : ''}`,
        ),
      ),
    ),
  ];
  return { heads: ['', ...judged.map(({ head }) => head)], rows };
}
