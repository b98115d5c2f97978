import type { TaskRecord } from '../core/history.js';
import type { AnswerRecord } from '../core/runRecord.js';
import type { ReportFigure } from './chart.js';
import { answerAt, classFigures, labelScores, reliability } from './classFigures.js';
import { counted, figure, metricValue, percent, short, withInterval } from './format.js';
import { type GroupScore, groupFigure, groupScores, pairsOf } from './groupFigures.js';
import { figureCells, grid, type Html, html, picture, table } from './html.js';
import { seriesIn } from './learningCurves.js';
import { own } from './own.js';
import type { ReportedRun } from './readRun.js';
import { errorBands, regressionFigures } from './regressionFigures.js';
import { picturedTasks, worstAnswers } from './selection.js';
import { meanOf, shareOf } from './statistics.js';
import { numberTick } from './ticks.js';
import type { ReportTools } from './tools.js';

/** A part of the page, and the figures that are in it. */
export interface Section {
  readonly html: Html;
  readonly figures: readonly ReportFigure[];
}

/** Rows of a table of labels. */
const MOST_ROWS = 40;

/** What the network answered in one task: figures and tables of its kind, groups, largest errors, where it looked. */
export function taskSection(task: TaskRecord, run: ReportedRun, tools: ReportTools): Section {
  const { numbers, classes } = pairsOf(task, run);
  const count = numbers.length + classes.length;
  if (count === 0) {
    return {
      html: html`<p>No validation image has both a label and an answer that is a number.</p>`,
      figures: [],
    };
  }
  const kind = task.labels ? classFigures(task, classes, tools) : regressionFigures(task, numbers, tools);
  const groups = groupScores(task, run);
  const drawn = groups.map((group) => groupFigure(task, group, tools));
  return {
    figures: [...kind, ...drawn],
    html: html`<p>${headline(task, run, count)}</p>
${grid([...figureCells(kind), task.labels ? html`<div class="whole">${labelTable(task, classes)}</div>` : bandTable(task, numbers)])}
${groups.length > 0 && html`<h3>By group</h3><p>Where two intervals do not overlap, chance alone hardly explains the difference; in a group of few images it easily does.</p>${groups.map(({ group, scores }, i) => grid([...figureCells([drawn[i]!]), groupTable(task, group, scores)]))}`}
${errorGrid(task, run)}
${camGrid(task, run)}`,
  };
}

const groupTable = (task: TaskRecord, group: string, scores: readonly GroupScore[]) =>
  table(
    `${task.name} by ${group}${task.labels ? '' : `, error and bias (predicted minus true)${unitOf(task)}`}`,
    ['', 'images', ...(task.labels ? ['accuracy (95 %)'] : ['error (95 %)', 'bias (95 %)'])],
    scores.map(({ name, count: images, score, bias }) => [
      name,
      figure(images),
      withInterval(score, task.labels ? 'share' : 'number'),
      ...(bias ? [withInterval(bias)] : []),
    ]),
  );

const unitOf = ({ unit }: TaskRecord) => (unit ? ` (${short(unit, 16)})` : '');

function headline(task: TaskRecord, run: ReportedRun, count: number): string {
  const { numbers, classes } = pairsOf(task, run);
  const images = `${counted(count, 'validation image')}, not augmented`;
  if (task.labels) {
    const right = classes.filter((pair) => answerAt(pair) === pair.truth).length;
    return `Accuracy ${withInterval(shareOf(right, count), 'share')} on ${images}; expected calibration error ${percent(reliability(classes).error)}.`;
  }
  const errors = numbers.map(({ truth, predicted }) => Math.abs(predicted - truth)).sort((a, b) => a - b);
  const within = (share: number) => figure(errors[Math.min(count - 1, Math.ceil(share * count) - 1)]);
  return `Mean absolute error ${withInterval(meanOf(errors, 0))}${task.unit ? ` ${short(task.unit, 16)}` : ''} on ${images}; half of the answers are within ${within(0.5)}, nine of ten within ${within(0.9)}.`;
}

function bandTable(task: TaskRecord, numbers: Parameters<typeof errorBands>[0]): Html {
  const bands = errorBands(numbers);
  const ends = [...bands.map(({ from }) => from), bands.at(-1)!.to];
  return table(
    `Mean absolute error by true value${unitOf(task)}, 95 % intervals by bootstrap`,
    ['true value', 'images', 'error (95 %)'],
    bands.map(({ from, to, count, error }) => [
      `${numberTick(from, 0, ends)} to ${numberTick(to, 0, ends)}`,
      figure(count),
      withInterval(error),
    ]),
  );
}

function labelTable(task: TaskRecord, classes: Parameters<typeof labelScores>[1]): Html {
  const scores = labelScores(task, classes);
  const shown =
    scores.length > MOST_ROWS ? [...scores].sort((a, b) => b.count - a.count).slice(0, MOST_ROWS) : scores;
  return table(
    `Precision and recall, 95 % intervals by Wilson${shown.length < scores.length ? `; the ${MOST_ROWS} most frequent of ${scores.length} labels` : ''}`,
    ['label', 'images', 'precision (95 %)', 'recall (95 %)'],
    shown.map(({ label, count, precision, recall }) => [
      label,
      figure(count),
      withInterval(precision, 'share'),
      withInterval(recall, 'share'),
    ]),
  );
}

/** What was answered and what is true, in a few words. */
export function answerWords(
  { name, labels }: TaskRecord,
  { labels: truths, answers }: AnswerRecord,
): { readonly answer: string; readonly truth: string } {
  const value = own(answers, name);
  const truth = own(truths, name);
  const said = () => {
    if (value === undefined) return 'n/a';
    if (!labels) return figure(value as number);
    const probabilities = value as readonly number[];
    const place = answerAt({ truth: 0, probabilities });
    return `${short(labels[place]!, 16)} ${percent(probabilities[place])}`;
  };
  return {
    answer: said(),
    truth: truth === undefined ? 'unknown' : typeof truth === 'number' ? figure(truth) : short(truth, 16),
  };
}

function errorGrid(task: TaskRecord, run: ReportedRun): Html | undefined {
  if (!picturedTasks(run).includes(task)) return undefined;
  const files = new Map(run.pictures.map(({ id, file }) => [id, file]));
  const cells = worstAnswers(task, run.answers).flatMap((one) => {
    const image = picture(run.images.get(files.get(one.id) ?? ''), one.id);
    const { answer, truth } = answerWords(task, one);
    return image
      ? [html`<li>${image}<b>${answer}</b><br>true: ${truth}<small>${short(one.id, 40)}</small></li>`]
      : [];
  });
  return cells.length === 0 ? undefined : html`<h3>Largest errors</h3><ul class="pictures">${cells}</ul>`;
}

function camGrid(task: TaskRecord, run: ReportedRun): Html | undefined {
  const answers = new Map(run.answers.map((answer) => [answer.id, answer]));
  const cells = run.gradCams.flatMap(({ id, task: name, toward, image: file }) => {
    const image =
      name === task.name ? picture(run.images.get(file), `what speaks for ${toward} in ${id}`) : undefined;
    const answer = answers.get(id);
    const words = answer && answerWords(task, answer);
    return image
      ? [
          html`<li>${image}${words && html`<b>${words.answer}</b><br>true: ${words.truth}`}<small>${short(id, 40)}</small></li>`,
        ]
      : [];
  });
  if (cells.length === 0) return undefined;
  return html`<h3>Where it looked</h3><p>Grad-CAM: the brighter a place, from violet to yellow, the more it speaks for ${task.labels ? 'the answer' : 'a lower number where the answer is below the mean of all answers, and for a higher one elsewhere'}. An image without any has nothing that does.</p><ul class="pictures">${cells}</ul>`;
}

/** Metrics of an epoch: a row a metric, a column for training and for each kind of judging that the run had. */
export function metricTable(
  run: ReportedRun,
  row: { readonly [column: string]: number } | undefined,
): { readonly heads: string[]; readonly rows: string[][] } {
  const judged = seriesIn(run);
  const columns = judged.map(({ prefix }) => prefix);
  const line = (name: string, metric: string, words: string) => [
    words,
    ...columns.map((prefix) => metricValue(metric, row?.[`${prefix}${name}`])),
  ];
  const rows = [
    line('loss', 'loss', 'loss, all tasks'),
    ...run.tasks.flatMap((task) =>
      ['loss', ...task.metrics.filter((metric) => metric !== 'loss')].map((metric) =>
        line(
          `${task.name}_${metric}`,
          metric,
          `${task.name}: ${metric}${['mae', 'rmse'].includes(metric) ? unitOf(task) : ''}`,
        ),
      ),
    ),
  ];
  return { heads: ['', ...judged.map(({ head }) => head)], rows };
}
