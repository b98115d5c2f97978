import { isBest, toldEpoch } from '../core/keptEpoch.js';
import type { RunRecord } from '../core/runRecord.js';
import { answerAt } from './classFigures.js';
import { argumentWords, counted, figure, metricValue, short, withInterval } from './format.js';
import { groupScores, pairsOf } from './groupFigures.js';
import { seriesIn } from './learningCurves.js';
import { FEWEST_VALUES, meanOf, shareOf } from './statistics.js';
import { sayable } from './tools.js';

/** Whether a card has the comments between which its user writes. */
export const isOurCard = (card: string): boolean => card.includes('<!-- yours: ');

/** Parts that the user writes, and what stands there until then. */
const YOURS = {
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
export function modelCard(run: RunRecord, previous = ''): string {
  const yours = (part: keyof typeof YOURS) => {
    const open = `<!-- yours: ${part} -->`;
    return `${open}\n${writtenIn(previous, open) ?? YOURS[part]}\n${CLOSE}`;
  };
  const { data, architecture } = run;
  const parts = [
    `# Model card: ${plain(run.name)}`,
    'What the run knows is filled in. Write between the comments: a new report keeps what stands there.',
    '## Intended use',
    yours('intended use'),
    '### Not intended',
    yours('not intended'),
    '## Model',
    list([
      [
        'Questions',
        run.tasks
          .map(
            ({ name, kind, unit, labels }) =>
              `${name} (${kind}${unit ? `, ${unit}` : ''}${labels ? `: ${short(labels.join(', '), 120)}` : ''})`,
          )
          .join('; '),
      ],
      ['Input', `images of ${data.shape.join('×')} (height, width, channels)`],
      [
        'Parameters',
        `${figure(architecture.parameters)}${architecture.trainableParameters < architecture.parameters ? `; ${figure(architecture.trainableParameters)} of them trained` : ''}`,
      ],
    ]),
    ...run.remarks.map(paragraph),
    '## Data',
    list([
      ['Images', data.name],
      ['Training', counted(data.train.size, 'image')],
      [
        'Validation',
        data.validation ? `${counted(data.validation.size, 'image')}, given as not trained on` : 'none',
      ],
    ]),
    ...groupCounts(run),
    '## Results',
    ...results(run),
    '## Limits',
    limitsOf(run),
    yours('known limits'),
    '## Training',
    list([
      ...Object.entries(run.arguments).map(([name, value]): [string, string] => [name, argumentWords(value)]),
      ...(run.engine ? [['ran on', run.engine.name] as [string, string]] : []),
      ...(run.stopped === undefined ? [] : [['ended', run.stopped] as [string, string]]),
    ]),
    ...(Object.keys(run.versions).length > 0 ? ['### Versions', list(Object.entries(run.versions))] : []),
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

const CLOSE = '<!-- end -->';

/**
 * What stands in a card after a comment, up to its end; where the end was lost, up to what comes next, so that nothing a
 * user wrote is thrown away.
 */
function writtenIn(card: string, open: string): string | undefined {
  const from = card.indexOf(open);
  if (from < 0) return undefined;
  const rest = card.slice(from + open.length);
  const before = (text: string, mark: RegExp) => text.slice(0, text.search(mark) >>> 0); // of none, all of it
  const own = before(rest, /<!-- yours: /);
  const to = own.indexOf(CLOSE);
  return (to < 0 ? before(own, /\n##/) : own.slice(0, to)).trim();
}

function results(run: RunRecord): string[] {
  const best = toldEpoch(run);
  const row = best && run.rows.find(({ epoch }) => epoch === best.epoch);
  const epoch = best
    ? `At epoch ${best.epoch} of ${run.rows.at(-1)!.epoch}, which ${isBest(run) ? 'has the best' : 'was kept by'} ${plain(run.monitor)} (${metricValue(run.monitor, best.value)}).`
    : 'No epoch has a value of the monitored column.';
  const judged = run.tasks.flatMap((task) => {
    const { numbers, classes } = pairsOf(task, run);
    const right = classes.filter((pair) => answerAt(pair) === pair.truth).length;
    if (numbers.length + classes.length === 0) return [];
    const score = task.labels
      ? withInterval(shareOf(right, classes.length), 'share')
      : withInterval(
          meanOf(
            numbers.map(({ truth, predicted }) => Math.abs(predicted - truth)),
            0,
          ),
        );
    return [[task.name, measureOf(task), figure(numbers.length + classes.length), score]];
  });
  const kinds = seriesIn(run);
  const logged = run.tasks.flatMap(({ name, metrics, unit }) =>
    metrics.map((metric) => [
      name,
      unit && ['mae', 'rmse'].includes(metric) ? `${metric} (${unit})` : metric,
      ...kinds.map(({ prefix }) => metricValue(metric, row?.[`${prefix}${name}_${metric}`])),
    ]),
  );
  return [
    epoch,
    table(['task', 'metric', ...kinds.map(({ head }) => head)], logged),
    ...(judged.length > 0
      ? [
          `On validation images without augmentation, with 95 % intervals (Wilson for shares, bootstrap for means of ${FEWEST_VALUES} or more):`,
          table(['task', 'measure', 'images', 'value'], judged),
        ]
      : []),
    ...run.tasks.flatMap((task) => groupScores(task, run).flatMap((group) => groupTable(task, group))),
  ];
}

function groupTable(
  task: RunRecord['tasks'][number],
  { group, scores, left }: ReturnType<typeof groupScores>[number],
): string[] {
  const rows = scores.map(({ name, count, score, bias }) => [
    name,
    figure(count),
    withInterval(score, task.labels ? 'share' : 'number'),
    ...(bias ? [withInterval(bias)] : []),
  ]);
  const heads = [`${task.name} by ${group}`, 'images', measureOf(task)];
  return [
    table(task.labels ? heads : [...heads, 'bias (predicted minus true)'], rows),
    left > 0 ? `The ${scores.length - 1} of most images, of ${scores.length - 1 + left}.` : '',
  ];
}

const measureOf = ({ labels, unit }: RunRecord['tasks'][number]) =>
  labels ? 'accuracy' : `mean absolute error${unit ? ` (${unit})` : ''}`;

/** Fewer images than this in a group say little. */
const FEW = 30;

function limitsOf(run: RunRecord): string {
  const small = run.tasks.flatMap((task) =>
    groupScores(task, run).flatMap(({ group, scores }) =>
      scores.filter(({ count }) => count < FEW).map(({ name, count }) => `${name} (${group}, ${count})`),
    ),
  );
  return [
    'The figures hold for images like those of the validation part, which come from the same source as the training images.',
    small.length > 0
      ? `Groups of fewer than ${FEW} validation images, of which the figures say little: ${plain(short([...new Set(small)].join(', '), 400))}.`
      : '',
  ]
    .filter(Boolean)
    .join(' ');
}

function groupCounts({ data }: RunRecord): string[] {
  return Object.entries(data.train.groups).flatMap(([group, counts]) => {
    const validation = new Map(
      data.validation && Object.hasOwn(data.validation.groups, group) ? data.validation.groups[group] : [],
    );
    const shown = [...counts].sort(([, a], [, b]) => b - a).slice(0, MOST_NAMES);
    return [
      table(
        [group, 'training', ...(data.validation ? ['validation'] : [])],
        shown.map(([name, count]) => [
          name,
          figure(count),
          ...(data.validation ? [figure(validation.get(name) ?? 0)] : []),
        ]),
      ),
      shown.length < counts.length ? `The ${shown.length} of most images, of ${counts.length}.` : '',
    ];
  });
}

/** Names of a group in a table. */
const MOST_NAMES = 20;

/** Text without what Markdown or HTML would make of it. */
const plain = (text: string) =>
  sayable(text)
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]<>#!|~&]/g, (sign) => `\\${sign}`);

/** A paragraph, also of text that begins as a list does. */
const paragraph = (text: string) =>
  plain(text).replace(/^(?:[-+=]|\d+(?=[.)]))/, (mark) => (/\d/.test(mark) ? `${mark}\\` : `\\${mark}`));

const list = (rows: readonly (readonly [name: string, value: string])[]) =>
  rows.map(([name, value]) => `- ${plain(name)}: ${plain(value)}`).join('\n');

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]) => `| ${cells.map(plain).join(' | ')} |`;
  return [line(heads), `| ${heads.map(() => '---').join(' | ')} |`, ...rows.map(line)].join('\n');
}
