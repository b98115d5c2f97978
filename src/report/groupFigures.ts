import type { TaskRecord } from '../core/history.js';
import type { RunRecord } from '../core/runRecord.js';
import { BLUE, chart, type ReportFigure, roomFor, wholeTick } from './chart.js';
import { answerAt, type ClassPair } from './classFigures.js';
import { short } from './format.js';
import { own } from './own.js';
import type { NumberPair } from './regressionFigures.js';
import { FEWEST_VALUES, type Mean, meanOf, shareOf } from './statistics.js';
import { shareTick } from './ticks.js';
import { type ChartTools, FAINT, sayable } from './tools.js';

/** The answers of a task that have a label and a number. */
export function pairsOf(
  { name, labels }: TaskRecord,
  { answers }: Pick<RunRecord, 'answers'>,
): { readonly numbers: (NumberPair & Grouped)[]; readonly classes: (ClassPair & Grouped)[] } {
  const numbers: (NumberPair & Grouped)[] = [];
  const classes: (ClassPair & Grouped)[] = [];
  for (const { labels: truths, answers: given, groups } of answers) {
    const truth = own(truths, name);
    const answer = own(given, name);
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

export interface Grouped {
  readonly groups: { readonly [group: string]: string };
}

/** One group's images and how wrong the answers are there. */
export interface GroupScore {
  readonly name: string;
  readonly count: number;
  /** Mean absolute error, or the share of right answers. */
  readonly score: Mean;
  /** Of a regression: mean of predicted minus true. */
  readonly bias: Mean | undefined;
}

/** Groups that are told apart; those of fewest images are left out beyond it. */
const MOST_GROUPS = 12;

/** Scores by group, all images first, and how many names are left out; groups that do not divide the images have none. */
export function groupScores(
  task: TaskRecord,
  run: Pick<RunRecord, 'answers'>,
): { readonly group: string; readonly scores: GroupScore[]; readonly left: number }[] {
  const { numbers, classes } = pairsOf(task, run);
  const scored: (Grouped & { readonly score: number; readonly signed?: number })[] = task.labels
    ? classes.map((pair) => ({ groups: pair.groups, score: answerAt(pair) === pair.truth ? 1 : 0 }))
    : numbers.map(({ groups, truth, predicted }) => ({
        groups,
        score: Math.abs(predicted - truth),
        signed: predicted - truth,
      }));
  const names = [...new Set(scored.flatMap(({ groups }) => Object.keys(groups)))];
  return names.flatMap((group) => {
    const members = new Map<string, typeof scored>();
    for (const one of scored) {
      const name = own(one.groups, group);
      if (name === undefined) continue;
      const others = members.get(name) ?? [];
      others.push(one);
      members.set(name, others);
    }
    if (members.size < 2) return [];
    const kept = Array.from(members)
      .sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1))
      .slice(0, MOST_GROUPS);
    return [
      {
        group,
        left: members.size - kept.length,
        scores: [['all', scored] as const, ...kept].map(([name, images]) => ({
          name,
          count: images.length,
          score: task.labels
            ? shareOf(
                images.reduce((sum, { score }) => sum + score, 0),
                images.length,
              )!
            : meanOf(
                images.map(({ score }) => score),
                0,
              )!,
          bias: task.labels ? undefined : meanOf(images.map(({ signed }) => signed!)),
        })),
      },
    ];
  });
}

/** Error or accuracy of every group with its interval. */
export function groupFigure(
  { name, labels, unit }: TaskRecord,
  { group, scores, left }: ReturnType<typeof groupScores>[number],
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const drawn = scores.map(({ name: member, count, score }, row) => ({
    row,
    label: `${short(sayable(member), 18)} (${wholeTick(count)})`,
    ...score,
  }));
  const names = drawn.map(({ label }) => label);
  const lows = Math.min(...drawn.map(({ value, low = value }) => low));
  const highs = Math.max(...drawn.map(({ value, high = value }) => high));
  return chart(
    {
      name: `${name}-by-${group}`,
      title: `${labels ? 'Accuracy' : 'Error'} by ${short(group, 24)}`,
      note: `Number of images behind each name; intervals of 95 % (${labels ? 'Wilson' : `bootstrap, from ${FEWEST_VALUES} images on`}), all images dotted.${left > 0 ? ` The ${scores.length - 1} of most images, of ${scores.length - 1 + left}.` : ''}`,
    },
    tools,
    {
      height: 78 + 30 * drawn.length,
      marginLeft: roomFor(names),
      marginTop: 10,
      x: {
        domain: labels ? [Math.min(0.5, Math.floor(lows * 10) / 10), 1] : [0, highs || 1],
        nice: !labels,
        grid: true,
        ticks: 6,
        label: labels ? 'accuracy' : sayable(`mean absolute error${unit ? ` (${short(unit, 16)})` : ''}`),
        ...(labels ? { tickFormat: shareTick } : {}),
      },
      y: {
        type: 'band',
        domain: drawn.map(({ row }) => row),
        tickFormat: (row: number) => names[row]!,
        tickSize: 0,
        label: null,
      },
      marks: [
        Plot.ruleX([drawn[0]!.value], { stroke: FAINT, strokeDasharray: '2,3' }),
        Plot.ruleY(
          drawn.filter(({ high }) => high !== undefined),
          { y: 'row', x1: 'low', x2: 'high', stroke: BLUE, strokeWidth: 2 },
        ),
        Plot.dot(drawn, { x: 'value', y: 'row', r: 4.5, fill: BLUE }),
      ],
    },
  );
}
