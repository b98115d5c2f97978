import * as checks from '../../core/errors/checks.js';
import { explainReportedEpoch, getReportedEpoch } from '../../core/records/checkpointEpoch.js';
import type { RunRecord } from '../../core/records/runRecord.js';
import { findRunSeries } from '../charts/curveSeries.js';
import { estimateAccuracy } from '../statistics/classificationScores.js';
import { estimateMeanAbsoluteError } from '../statistics/errorBins.js';
import { MIN_INTERVAL_VALUES } from '../statistics/estimates.js';
import { collectPredictions, computeGroupScores, type GroupScores } from '../statistics/groupScores.js';
import {
  formatArgument,
  formatCount,
  formatEstimate,
  formatLargestGroups,
  formatMetric,
  formatNumber,
  hasTaskUnit,
  truncateMiddle,
} from '../text/format.js';
import { sanitizeText } from '../text/svgText.js';

/**
 * Returns whether this library generated a model card. A generated card contains comments that mark the sections for the user to
 * complete.
 */
export const isGeneratedCard = (card: string): boolean => card.includes('<!-- yours: ');

/** Initial text of each section that the user completes. */
const USER_SECTIONS = {
  'intended use': 'To be completed: users, decisions, and what a person must check.',
  'not intended': 'To be completed: uses that the model is not suitable for.',
  'known limits': 'To be completed: what the data does not cover, and conditions that were not tested.',
  'license of the model': 'To be completed.',
  'license of the data': 'To be completed.',
  contact: 'To be completed.',
} as const;

/**
 * Creates a model card (M. Mitchell et al., 2019) in Markdown from the record of a run. The user completes the sections on the
 * intended use, the limits and the licenses. Comments mark these sections, so that a new card can copy their text from the previous
 * card.
 *
 * @param previous - Previous card. Default: there is no previous card, and these sections contain their initial text.
 * @example
 * ```ts
 * import { branch, flatten, imagesInMemory, multiTask, regression } from 'tfjs-multitask';
 * import { createModelCard, createRunRecord } from 'tfjs-multitask/report';
 *
 * const square = (value: number) => ({ data: new Uint8Array(4 * 4 * 3).fill(value), height: 4, width: 4, channels: 3 });
 * const train = imagesInMemory([10, 90].map((light) => ({ image: square(light), labels: { light } })));
 * const model = multiTask({ input: [4, 4, 3] })
 *   .task('light', regression({ unit: 'bytes' }), branch([flatten()]))
 *   .build();
 * const record = await createRunRecord(model, { name: 'squares', datasetName: 'gray squares', train });
 * const card = createModelCard(record);
 * console.log(card.split('\n')[0]); // # Model card: squares
 * const editedCard = card.replace('To be completed: users', 'Students; users');
 * console.log(createModelCard(record, editedCard) === editedCard); // true
 * ```
 * @category Figures
 */
export function createModelCard(run: RunRecord, previous = ''): string {
  checks.noOptions('createModelCard', arguments[2]);
  checks.record('createModelCard.run', run, {
    noun: 'the record of a run',
    advice: 'Pass await readRunRecord(store).',
  });
  checks.text('createModelCard.previous', previous, {
    noun: 'the text of the previous card',
    advice: 'Omit it for a new card.',
  });
  const renderUserSection = (section: keyof typeof USER_SECTIONS) => {
    const start = `<!-- yours: ${section} -->`;
    return `${start}\n${extractUserText(previous, start) ?? USER_SECTIONS[section]}\n${SECTION_END}`;
  };
  const { data, architecture } = run;
  const blocks = [
    `# Model card: ${escapeMarkdown(run.name)}`,
    'This card is generated from a run. Write your text between the comments: a new report keeps it.',
    '## Intended use',
    renderUserSection('intended use'),
    '### Not intended',
    renderUserSection('not intended'),
    '## Model',
    renderList([
      [
        'Tasks',
        run.tasks
          .map(
            ({ name, kind, unit, labels }) =>
              `${name} (${kind}${unit ? `, ${unit}` : ''}${labels ? `: ${truncateMiddle(labels.join(', '), 120)}` : ''})`,
          )
          .join('; '),
      ],
      ['Input', `images of ${data.shape.join('×')} (height, width, channels)`],
      [
        'Parameters',
        `${formatNumber(architecture.parameters)}${architecture.trainableParameters < architecture.parameters ? `; ${formatNumber(architecture.trainableParameters)} of them trained` : ''}`,
      ],
    ]),
    ...run.remarks.map(renderParagraph),
    '## Data',
    renderList([
      ['Images', data.name],
      ['Training', formatCount(data.train.size, 'image')],
      [
        'Validation',
        data.validation
          ? `${formatCount(data.validation.size, 'image')}, declared as not trained on`
          : 'none',
      ],
    ]),
    ...renderGroupCounts(run),
    '## Results',
    ...renderResults(run),
    '## Limits',
    renderLimits(run),
    renderUserSection('known limits'),
    '## Training',
    renderList([
      ...Object.entries(run.arguments).map(([name, value]): [string, string] => [
        name,
        formatArgument(value),
      ]),
      ...(run.engine ? [['ran on', run.engine.name] as [string, string]] : []),
      ...(run.stopped === undefined ? [] : [['ended', run.stopped] as [string, string]]),
    ]),
    ...(Object.keys(run.versions).length > 0
      ? ['### Versions', renderList(Object.entries(run.versions))]
      : []),
    '## Licenses and contact',
    '### License of the model',
    renderUserSection('license of the model'),
    '### License of the data',
    renderUserSection('license of the data'),
    '### Contact',
    renderUserSection('contact'),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

const SECTION_END = '<!-- end -->';

/**
 * Returns the user's text of a section: the text between the section's start comment and its end comment. If the end comment is
 * missing, the text ends at the next heading or section, so that the user's text is never lost. Returns undefined if the start
 * comment is missing.
 */
function extractUserText(card: string, start: string): string | undefined {
  const startIndex = card.indexOf(start);
  if (startIndex < 0) return undefined;
  const rest = card.slice(startIndex + start.length);
  // `>>> 0` converts -1 (no match) to a large number, so that the whole text is returned.
  const cutBefore = (text: string, pattern: RegExp) => text.slice(0, text.search(pattern) >>> 0);
  const section = cutBefore(rest, /<!-- yours: /);
  const endIndex = section.indexOf(SECTION_END);
  return (endIndex < 0 ? cutBefore(section, /\n##/) : section.slice(0, endIndex)).trim();
}

function renderResults(run: RunRecord): string[] {
  const best = getReportedEpoch(run);
  const row = best && run.rows.find(({ epoch }) => epoch === best.epoch);
  const epochText = best
    ? `Results of epoch ${best.epoch} of ${run.rows.at(-1)!.epoch}, which ${explainReportedEpoch(run)} ${escapeMarkdown(run.monitor)} (${formatMetric(run.monitor, best.value)}).`
    : 'No epoch has a value of the monitored column.';
  const scoreRows = run.tasks.flatMap((task) => {
    const { numbers, classes } = collectPredictions(task, run);
    if (numbers.length + classes.length === 0) return [];
    const score = task.labels
      ? formatEstimate(estimateAccuracy(classes), 'proportion')
      : formatEstimate(estimateMeanAbsoluteError(numbers));
    return [[task.name, formatMeasure(task), formatNumber(numbers.length + classes.length), score]];
  });
  const seriesList = findRunSeries(run);
  const historyRows = run.tasks.flatMap(({ name, metrics, unit }) =>
    metrics.map((metric) => [
      name,
      unit && hasTaskUnit(metric) ? `${metric} (${unit})` : metric,
      ...seriesList.map(({ prefix }) => formatMetric(metric, row?.[`${prefix}${name}_${metric}`])),
    ]),
  );
  return [
    epochText,
    renderMarkdownTable(['task', 'metric', ...seriesList.map(({ head }) => head)], historyRows),
    ...(scoreRows.length > 0
      ? [
          `Scores on validation images without augmentation, with 95 % intervals (Wilson for proportions, bootstrap for means of at least ${MIN_INTERVAL_VALUES} images):`,
          renderMarkdownTable(['task', 'measure', 'images', 'value'], scoreRows),
        ]
      : []),
    ...run.tasks.flatMap((task) =>
      computeGroupScores(task, run).flatMap((group) => renderGroupTable(task, group)),
    ),
  ];
}

function renderGroupTable(
  task: RunRecord['tasks'][number],
  { group, scores, omittedCount }: GroupScores,
): string[] {
  const rows = scores.map(({ name, count, score, bias }) => [
    name,
    formatNumber(count),
    formatEstimate(score, task.labels ? 'proportion' : 'number'),
    ...(bias ? [formatEstimate(bias)] : []),
  ]);
  const heads = [`${task.name} by ${group}`, 'images', formatMeasure(task)];
  const subgroupCount = scores.length - 1; // The first row contains all images.
  return [
    renderMarkdownTable(task.labels ? heads : [...heads, 'bias (predicted minus true)'], rows),
    omittedCount > 0 ? formatLargestGroups(subgroupCount, subgroupCount + omittedCount) : '',
  ];
}

const formatMeasure = ({ labels, unit }: RunRecord['tasks'][number]) =>
  labels ? 'accuracy' : `mean absolute error${unit ? ` (${unit})` : ''}`;

/** Number of images in a group below which the card describes the scores of the group as uncertain. */
const SMALL_GROUP_SIZE = 30;

function renderLimits(run: RunRecord): string {
  const smallGroups = run.tasks.flatMap((task) =>
    computeGroupScores(task, run).flatMap(({ group, scores }) =>
      scores
        .filter(({ count }) => count < SMALL_GROUP_SIZE)
        .map(({ name, count }) => `${name} (${group}, ${count})`),
    ),
  );
  return [
    'The results apply to images like the validation images, which come from the same source as the training images.',
    smallGroups.length > 0
      ? `Groups with uncertain results, because they have fewer than ${SMALL_GROUP_SIZE} validation images: ${escapeMarkdown(truncateMiddle([...new Set(smallGroups)].join(', '), 400))}.`
      : '',
  ]
    .filter(Boolean)
    .join(' ');
}

function renderGroupCounts({ data }: RunRecord): string[] {
  return Object.entries(data.train.groups).flatMap(([group, counts]) => {
    const validationCounts = new Map(
      data.validation && Object.hasOwn(data.validation.groups, group) ? data.validation.groups[group] : [],
    );
    const largest = [...counts].sort(([, a], [, b]) => b - a).slice(0, MAX_GROUP_ROWS);
    return [
      renderMarkdownTable(
        [group, 'training', ...(data.validation ? ['validation'] : [])],
        largest.map(([name, count]) => [
          name,
          formatNumber(count),
          ...(data.validation ? [formatNumber(validationCounts.get(name) ?? 0)] : []),
        ]),
      ),
      largest.length < counts.length ? formatLargestGroups(largest.length, counts.length) : '',
    ];
  });
}

/** Maximum number of rows in a table of subgroups. */
const MAX_GROUP_ROWS = 20;

/** Escapes the characters that have a special meaning in Markdown or HTML. */
const escapeMarkdown = (text: string) =>
  sanitizeText(text)
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]<>#!|~&]/g, (character) => `\\${character}`);

/** Renders a paragraph, and escapes its first character if that character would start a list. */
const renderParagraph = (text: string) =>
  escapeMarkdown(text).replace(/^(?:[-+=]|\d+(?=[.)]))/, (start) =>
    /\d/.test(start) ? `${start}\\` : `\\${start}`,
  );

const renderList = (entries: readonly (readonly [name: string, value: string])[]) =>
  entries.map(([name, value]) => `- ${escapeMarkdown(name)}: ${escapeMarkdown(value)}`).join('\n');

function renderMarkdownTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const renderRow = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
  return [renderRow(heads), `| ${heads.map(() => '---').join(' | ')} |`, ...rows.map(renderRow)].join('\n');
}
