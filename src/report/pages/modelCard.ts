import { getReportedEpoch, isReportedEpochBest } from '../../core/records/checkpointEpoch.js';
import type { RunRecord } from '../../core/records/runRecord.js';
import { findRunSeries } from '../charts/curveSeries.js';
import { findPredictedLabel } from '../statistics/classificationScores.js';
import { estimateMean, estimateProportion, MIN_INTERVAL_VALUES } from '../statistics/estimates.js';
import { collectPredictions, computeGroupScores } from '../statistics/groupScores.js';
import {
  formatArgument,
  formatCount,
  formatEstimate,
  formatMetric,
  formatNumber,
  truncateMiddle,
} from '../text/format.js';
import { sanitizeText } from '../text/svgText.js';

/** Whether a card has the comments between which its user writes. */
export const isGeneratedCard = (card: string): boolean => card.includes('<!-- yours: ');

/** Parts that the user writes, and what stands there until then. */
const USER_SECTIONS = {
  'intended use': 'To be filled in: for whom, for what decision, and what a person must check.',
  'not intended': 'To be filled in: uses that must not be made of it.',
  'known limits': 'To be filled in: what the data does not show, conditions it was not tried in.',
  'licence of the model': 'To be filled in.',
  'licence of the data': 'To be filled in.',
  contact: 'To be filled in.',
} as const;

/**
 * A model card (M. Mitchell and others 2019) in Markdown, from the record of a run: what is known is filled in; the use, limits and
 * licences are the user's to write, between comments that a new card keeps.
 *
 * @param previous - The card that was there, whose parts by the user are kept. Default none.
 * @example
 * ```ts
 * import { branch, flatten, imagesInMemory, multiTask, regression } from 'tfjs-multitask';
 * import { describeRun, modelCard } from 'tfjs-multitask/report';
 *
 * const grey = (value: number) => ({ data: new Uint8Array(4 * 4 * 3).fill(value), height: 4, width: 4, channels: 3 });
 * const train = imagesInMemory([10, 90].map((light) => ({ image: grey(light), labels: { light } })));
 * const model = multiTask({ input: [4, 4, 3] })
 *   .task('light', regression({ unit: 'bytes' }), branch([flatten()]))
 *   .build();
 * const card = modelCard(await describeRun(model, { name: 'squares', dataName: 'greys', train }));
 * console.log(card.split('\n')[0]); // # Model card: squares
 * const own = card.replace('To be filled in: for whom', 'For me; for whom');
 * console.log(modelCard(await describeRun(model, { name: 'squares', dataName: 'greys', train }), own) === own); // true
 * ```
 * @category Figures
 */
export function createModelCard(run: RunRecord, previous = ''): string {
  const yours = (part: keyof typeof USER_SECTIONS) => {
    const open = `<!-- yours: ${part} -->`;
    return `${open}\n${extractUserText(previous, open) ?? USER_SECTIONS[part]}\n${SECTION_END}`;
  };
  const { data, architecture } = run;
  const parts = [
    `# Model card: ${escapeMarkdown(run.name)}`,
    'What the run knows is filled in. Write between the comments: a new report keeps what stands there.',
    '## Intended use',
    yours('intended use'),
    '### Not intended',
    yours('not intended'),
    '## Model',
    renderList([
      [
        'Questions',
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
        data.validation ? `${formatCount(data.validation.size, 'image')}, given as not trained on` : 'none',
      ],
    ]),
    ...renderGroupCounts(run),
    '## Results',
    ...renderResults(run),
    '## Limits',
    renderLimits(run),
    yours('known limits'),
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
    '## Licences and contact',
    '### Licence of the model',
    yours('licence of the model'),
    '### Licence of the data',
    yours('licence of the data'),
    '### Contact',
    yours('contact'),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

const SECTION_END = '<!-- end -->';

/**
 * What stands in a card after a comment, up to its end; where the end was lost, up to what comes next, so that nothing a
 * user wrote is thrown away.
 */
function extractUserText(card: string, open: string): string | undefined {
  const from = card.indexOf(open);
  if (from < 0) return undefined;
  const rest = card.slice(from + open.length);
  const before = (text: string, mark: RegExp) => text.slice(0, text.search(mark) >>> 0); // of none, all of it
  const own = before(rest, /<!-- yours: /);
  const to = own.indexOf(SECTION_END);
  return (to < 0 ? before(own, /\n##/) : own.slice(0, to)).trim();
}

function renderResults(run: RunRecord): string[] {
  const best = getReportedEpoch(run);
  const row = best && run.rows.find(({ epoch }) => epoch === best.epoch);
  const epoch = best
    ? `At epoch ${best.epoch} of ${run.rows.at(-1)!.epoch}, which ${isReportedEpochBest(run) ? 'has the best' : 'was kept by'} ${escapeMarkdown(run.monitor)} (${formatMetric(run.monitor, best.value)}).`
    : 'No epoch has a value of the monitored column.';
  const judged = run.tasks.flatMap((task) => {
    const { numbers, classes } = collectPredictions(task, run);
    const right = classes.filter((pair) => findPredictedLabel(pair) === pair.truth).length;
    if (numbers.length + classes.length === 0) return [];
    const score = task.labels
      ? formatEstimate(estimateProportion(right, classes.length), 'share')
      : formatEstimate(
          estimateMean(
            numbers.map(({ truth, predicted }) => Math.abs(predicted - truth)),
            0,
          ),
        );
    return [[task.name, formatMeasure(task), formatNumber(numbers.length + classes.length), score]];
  });
  const kinds = findRunSeries(run);
  const logged = run.tasks.flatMap(({ name, metrics, unit }) =>
    metrics.map((metric) => [
      name,
      unit && ['mae', 'rmse'].includes(metric) ? `${metric} (${unit})` : metric,
      ...kinds.map(({ prefix }) => formatMetric(metric, row?.[`${prefix}${name}_${metric}`])),
    ]),
  );
  return [
    epoch,
    renderMarkdownTable(['task', 'metric', ...kinds.map(({ head }) => head)], logged),
    ...(judged.length > 0
      ? [
          `On validation images without augmentation, with 95 % intervals (Wilson for shares, bootstrap for means of ${MIN_INTERVAL_VALUES} or more):`,
          renderMarkdownTable(['task', 'measure', 'images', 'value'], judged),
        ]
      : []),
    ...run.tasks.flatMap((task) =>
      computeGroupScores(task, run).flatMap((group) => renderGroupTable(task, group)),
    ),
  ];
}

function renderGroupTable(
  task: RunRecord['tasks'][number],
  { group, scores, left }: ReturnType<typeof computeGroupScores>[number],
): string[] {
  const rows = scores.map(({ name, count, score, bias }) => [
    name,
    formatNumber(count),
    formatEstimate(score, task.labels ? 'share' : 'number'),
    ...(bias ? [formatEstimate(bias)] : []),
  ]);
  const heads = [`${task.name} by ${group}`, 'images', formatMeasure(task)];
  return [
    renderMarkdownTable(task.labels ? heads : [...heads, 'bias (predicted minus true)'], rows),
    left > 0 ? `The ${scores.length - 1} of most images, of ${scores.length - 1 + left}.` : '',
  ];
}

const formatMeasure = ({ labels, unit }: RunRecord['tasks'][number]) =>
  labels ? 'accuracy' : `mean absolute error${unit ? ` (${unit})` : ''}`;

/** Fewer images than this in a group say little. */
const SMALL_GROUP_SIZE = 30;

function renderLimits(run: RunRecord): string {
  const small = run.tasks.flatMap((task) =>
    computeGroupScores(task, run).flatMap(({ group, scores }) =>
      scores
        .filter(({ count }) => count < SMALL_GROUP_SIZE)
        .map(({ name, count }) => `${name} (${group}, ${count})`),
    ),
  );
  return [
    'The figures hold for images like those of the validation part, which come from the same source as the training images.',
    small.length > 0
      ? `Groups of fewer than ${SMALL_GROUP_SIZE} validation images, of which the figures say little: ${escapeMarkdown(truncateMiddle([...new Set(small)].join(', '), 400))}.`
      : '',
  ]
    .filter(Boolean)
    .join(' ');
}

function renderGroupCounts({ data }: RunRecord): string[] {
  return Object.entries(data.train.groups).flatMap(([group, counts]) => {
    const validation = new Map(
      data.validation && Object.hasOwn(data.validation.groups, group) ? data.validation.groups[group] : [],
    );
    const shown = [...counts].sort(([, a], [, b]) => b - a).slice(0, MAX_GROUP_ROWS);
    return [
      renderMarkdownTable(
        [group, 'training', ...(data.validation ? ['validation'] : [])],
        shown.map(([name, count]) => [
          name,
          formatNumber(count),
          ...(data.validation ? [formatNumber(validation.get(name) ?? 0)] : []),
        ]),
      ),
      shown.length < counts.length ? `The ${shown.length} of most images, of ${counts.length}.` : '',
    ];
  });
}

/** Names of a group in a table. */
const MAX_GROUP_ROWS = 20;

/** Text without what Markdown or HTML would make of it. */
const escapeMarkdown = (text: string) =>
  sanitizeText(text)
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]<>#!|~&]/g, (sign) => `\\${sign}`);

/** A paragraph, also of text that begins as a list does. */
const renderParagraph = (text: string) =>
  escapeMarkdown(text).replace(/^(?:[-+=]|\d+(?=[.)]))/, (mark) =>
    /\d/.test(mark) ? `${mark}\\` : `\\${mark}`,
  );

const renderList = (rows: readonly (readonly [name: string, value: string])[]) =>
  rows.map(([name, value]) => `- ${escapeMarkdown(name)}: ${escapeMarkdown(value)}`).join('\n');

function renderMarkdownTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
  return [line(heads), `| ${heads.map(() => '---').join(' | ')} |`, ...rows.map(line)].join('\n');
}
