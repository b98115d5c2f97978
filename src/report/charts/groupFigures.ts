import { getOwnValue } from '../../core/lookup.js';
import type { TaskRecord } from '../../core/records/history.js';
import type { RunRecord } from '../../core/records/runRecord.js';
import {
  estimateMean,
  estimateProportion,
  type MeanEstimate,
  MIN_INTERVAL_VALUES,
} from '../statistics/estimates.js';
import { truncateMiddle } from '../text/format.js';
import { type ChartTools, MUTED_COLOR, sanitizeText } from '../text/svgText.js';
import { formatPercentTick } from '../text/tickFormat.js';
import { BLUE, computeLabelMargin, drawChart, formatIntegerTick, type ReportFigure } from './chart.js';
import { type ClassPrediction, findPredictedLabel } from './classificationFigures.js';
import type { NumberPrediction } from './regressionFigures.js';

/** The answers of a task that have a label and a number. */
export function collectPredictions(
  { name, labels }: TaskRecord,
  { answers }: Pick<RunRecord, 'answers'>,
): {
  readonly numbers: (NumberPrediction & GroupMembership)[];
  readonly classes: (ClassPrediction & GroupMembership)[];
} {
  const numbers: (NumberPrediction & GroupMembership)[] = [];
  const classes: (ClassPrediction & GroupMembership)[] = [];
  for (const { labels: truths, answers: given, groups } of answers) {
    const truth = getOwnValue(truths, name);
    const answer = getOwnValue(given, name);
    if (truth === undefined || answer === undefined) continue;
    if (labels) {
      const probabilities = answer as readonly number[];
      if (probabilities.every(Number.isFinite))
        classes.push({ truth: labels.indexOf(truth as string), probabilities, groups });
    } else if (Number.isFinite(answer) && Number.isFinite(truth)) {
      numbers.push({ truth: truth as number, predicted: answer as number, groups });
    }
  }
  return { numbers, classes };
}

export interface GroupMembership {
  readonly groups: { readonly [group: string]: string };
}

/** One group's images and how wrong the answers are there. */
export interface GroupScore {
  readonly name: string;
  readonly count: number;
  /** Mean absolute error, or the share of right answers. */
  readonly score: MeanEstimate;
  /** Of a regression: mean of predicted minus true. */
  readonly bias: MeanEstimate | undefined;
}

/** Groups that are told apart; those of fewest images are left out beyond it. */
const MAX_GROUPS = 12;

/** Scores by group, all images first, and how many names are left out; groups that do not divide the images have none. */
export function computeGroupScores(
  task: TaskRecord,
  run: Pick<RunRecord, 'answers'>,
): { readonly group: string; readonly scores: GroupScore[]; readonly left: number }[] {
  const { numbers, classes } = collectPredictions(task, run);
  const scored: (GroupMembership & { readonly score: number; readonly signed?: number })[] = task.labels
    ? classes.map((pair) => ({ groups: pair.groups, score: findPredictedLabel(pair) === pair.truth ? 1 : 0 }))
    : numbers.map(({ groups, truth, predicted }) => ({
        groups,
        score: Math.abs(predicted - truth),
        signed: predicted - truth,
      }));
  const names = [...new Set(scored.flatMap(({ groups }) => Object.keys(groups)))];
  return names.flatMap((group) => {
    const members = new Map<string, typeof scored>();
    for (const one of scored) {
      const name = getOwnValue(one.groups, group);
      if (name === undefined) continue;
      const others = members.get(name) ?? [];
      others.push(one);
      members.set(name, others);
    }
    if (members.size < 2) return [];
    const kept = Array.from(members)
      .sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1))
      .slice(0, MAX_GROUPS);
    return [
      {
        group,
        left: members.size - kept.length,
        scores: [['all', scored] as const, ...kept].map(([name, images]) => ({
          name,
          count: images.length,
          score: task.labels
            ? estimateProportion(
                images.reduce((sum, { score }) => sum + score, 0),
                images.length,
              )!
            : estimateMean(
                images.map(({ score }) => score),
                0,
              )!,
          bias: task.labels ? undefined : estimateMean(images.map(({ signed }) => signed!)),
        })),
      },
    ];
  });
}

/** Error or accuracy of every group with its interval. */
export function drawGroupFigure(
  { name, labels, unit }: TaskRecord,
  { group, scores, left }: ReturnType<typeof computeGroupScores>[number],
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const drawn = scores.map(({ name: member, count, score }, row) => ({
    row,
    label: `${truncateMiddle(sanitizeText(member), 18)} (${formatIntegerTick(count)})`,
    ...score,
  }));
  const names = drawn.map(({ label }) => label);
  const lows = Math.min(...drawn.map(({ value, low = value }) => low));
  const highs = Math.max(...drawn.map(({ value, high = value }) => high));
  return drawChart(
    {
      name: `${name}-by-${group}`,
      title: `${labels ? 'Accuracy' : 'Error'} by ${truncateMiddle(group, 24)}`,
      note: `Number of images behind each name; intervals of 95 % (${labels ? 'Wilson' : `bootstrap, from ${MIN_INTERVAL_VALUES} images on`}), all images dotted.${left > 0 ? ` The ${scores.length - 1} of most images, of ${scores.length - 1 + left}.` : ''}`,
    },
    tools,
    {
      height: 78 + 30 * drawn.length,
      marginLeft: computeLabelMargin(names),
      marginTop: 10,
      x: {
        domain: labels ? [Math.min(0.5, Math.floor(lows * 10) / 10), 1] : [0, highs || 1],
        nice: !labels,
        grid: true,
        ticks: 6,
        label: labels
          ? 'accuracy'
          : sanitizeText(`mean absolute error${unit ? ` (${truncateMiddle(unit, 16)})` : ''}`),
        ...(labels ? { tickFormat: formatPercentTick } : {}),
      },
      y: {
        type: 'band',
        domain: drawn.map(({ row }) => row),
        tickFormat: (row: number) => names[row]!,
        tickSize: 0,
        label: null,
      },
      marks: [
        Plot.ruleX([drawn[0]!.value], { stroke: MUTED_COLOR, strokeDasharray: '2,3' }),
        Plot.ruleY(
          drawn.filter(({ high }) => high !== undefined),
          { y: 'row', x1: 'low', x2: 'high', stroke: BLUE, strokeWidth: 2 },
        ),
        Plot.dot(drawn, { x: 'value', y: 'row', r: 4.5, fill: BLUE }),
      ],
    },
  );
}
