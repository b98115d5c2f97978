import type { TaskRecord } from '../core/history.js';
import type { RunRecord, SplitRecord } from '../core/runRecord.js';
import { BLUE, chart, ORANGE, type ReportFigure, roomFor } from './chart.js';
import { short } from './format.js';
import { extremes } from './regressionFigures.js';
import { bandAt, bandsOf } from './statistics.js';
import { shareTick } from './ticks.js';
import { type ChartTools, FAINT, INK, sayable } from './tools.js';

type Counts = readonly (readonly [label: number | string, count: number])[];

/** How the labels of every task, and every group, are spread over training and validation images. */
export function balanceFigures(
  { tasks, data }: Pick<RunRecord, 'tasks' | 'data'>,
  tools: ChartTools,
): ReportFigure[] {
  const of = (kind: 'labels' | 'groups', name: string) => {
    const counts = (split: SplitRecord | undefined): Counts =>
      split && Object.hasOwn(split[kind], name) ? split[kind][name]! : [];
    return { train: counts(data.train), validation: counts(data.validation) };
  };
  const groups = Object.keys(data.train.groups).filter((group) => {
    const { train } = of('groups', group);
    // A group that is a task by another name says nothing new.
    return (
      train.length > 1 &&
      !tasks.some(({ name }) => JSON.stringify(of('labels', name).train) === JSON.stringify(train))
    );
  });
  return [
    ...tasks.flatMap((task) => {
      const { train, validation } = of('labels', task.name);
      if (train.length === 0 && validation.length === 0) return [];
      return [
        task.labels
          ? names(task.name, task.labels, { train, validation }, tools)
          : numbers(task, { train, validation }, tools),
      ];
    }),
    ...groups.map((group) => {
      const counts = of('groups', group);
      const own = [...counts.train].sort(([, a], [, b]) => b - a).map(([name]) => String(name));
      return names(group, own, counts, tools);
    }),
  ];
}

const noteOf = (validation: Counts) =>
  validation.length > 0
    ? 'Share of the training images (blue) and of the validation images (orange).'
    : 'Share of the training images.';
const sum = (counts: Counts) => counts.reduce((total, [, count]) => total + count, 0) || 1;

function numbers(
  { name, unit }: TaskRecord,
  { train, validation }: { train: Counts; validation: Counts },
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const values = (counts: Counts) =>
    counts.flatMap(([label, count]) => (Number.isFinite(label) ? [[label as number, count] as const] : []));
  const all = [...values(train), ...values(validation)].map(([value]) => value);
  const [low, high] = all.length === 0 ? [0, 1] : extremes(all);
  const ends = bandsOf(low, high, 20);
  const shares = (counts: Counts) => {
    const bins = ends.slice(1).map(() => 0);
    for (const [value, count] of values(counts)) bins[bandAt(ends, value)]! += count / sum(counts);
    return bins.map((share, i) => ({ share, from: ends[i]!, to: ends[i + 1]! }));
  };
  const steps = shares(validation).flatMap(({ share, from, to }) => [
    { at: from, share },
    { at: to, share },
  ]);
  return chart(
    { name: `${name}-balance`, title: `Images by ${short(name, 24)}`, note: noteOf(validation) },
    tools,
    {
      height: 240,
      x: { label: sayable(unit ? `${short(name, 24)} (${short(unit, 16)})` : short(name, 40)) },
      y: { grid: true, label: 'share of the images', tickFormat: shareTick, nice: true },
      marks: [
        Plot.rectY(shares(train), {
          x1: 'from',
          x2: 'to',
          y: 'share',
          fill: BLUE,
          fillOpacity: 0.45,
          insetLeft: 0.5,
          insetRight: 0.5,
        }),
        ...(validation.length > 0
          ? [Plot.line(steps, { x: 'at', y: 'share', stroke: ORANGE, strokeWidth: 2 })]
          : []),
        Plot.ruleY([0], { stroke: INK }),
      ],
    },
  );
}

/** Names that are drawn, of more labels the first. */
const MOST_NAMES = 30;

function names(
  name: string,
  labels: readonly string[],
  { train, validation }: { train: Counts; validation: Counts },
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const shown = labels.slice(0, MOST_NAMES);
  const texts = shown.map((label) => short(sayable(label), 22));
  const shares = (counts: Counts, colour: string, shift: number) => {
    const by = new Map(counts.map(([label, count]) => [String(label), count / sum(counts)]));
    return shown.map((label, row) => ({ row, colour, shift, share: by.get(label) ?? 0 }));
  };
  const parts = [shares(train, BLUE, -5), ...(validation.length > 0 ? [shares(validation, ORANGE, 5)] : [])];
  const more = labels.length > shown.length ? ` The first ${shown.length} of ${labels.length}.` : '';
  return chart(
    { name: `${name}-balance`, title: `Images by ${short(name, 24)}`, note: noteOf(validation) + more },
    tools,
    {
      height: 80 + 34 * shown.length,
      marginLeft: roomFor(texts),
      marginTop: 8,
      marginRight: 24,
      x: { grid: true, nice: true, zero: true, label: 'share of the images', tickFormat: shareTick },
      y: {
        type: 'band',
        domain: shown.map((_, row) => row),
        tickFormat: (row: number) => texts[row]!,
        tickSize: 0,
        label: null,
      },
      marks: [
        ...parts.flatMap((part) => [
          Plot.ruleY(part, {
            y: 'row',
            x: 'share',
            stroke: 'colour',
            strokeWidth: 8,
            strokeOpacity: 0.45,
            dy: part[0]?.shift ?? 0,
          }),
          Plot.dot(part, { y: 'row', x: 'share', fill: 'colour', r: 4, dy: part[0]?.shift ?? 0 }),
        ]),
        Plot.ruleX([0], { stroke: FAINT }),
      ],
    },
  );
}
