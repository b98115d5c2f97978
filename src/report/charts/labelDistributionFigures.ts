import type { TaskRecord } from '../../core/records/history.js';
import type { RunRecord, SplitRecord } from '../../core/records/runRecord.js';
import { computeBinEdges, findBin, findRange } from '../statistics/bins.js';
import { truncateMiddle } from '../text/format.js';
import { MUTED_COLOR, sanitizeText, TEXT_COLOR } from '../text/svgText.js';
import { formatPercentTick } from '../text/tickFormat.js';
import { BLUE, computeLabelMargin, drawChart, ORANGE, type ReportFigure } from './chart.js';
import type { ChartTools } from './chartTools.js';

type LabelCounts = readonly (readonly [label: number | string, count: number])[];

/** How the labels of every task, and every group, are spread over training and validation images. */
export function drawLabelDistributions(
  { tasks, data }: Pick<RunRecord, 'tasks' | 'data'>,
  tools: ChartTools,
): ReportFigure[] {
  const of = (kind: 'labels' | 'groups', name: string) => {
    const counts = (split: SplitRecord | undefined): LabelCounts =>
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
          ? drawClassDistribution(task.name, task.labels, { train, validation }, tools)
          : drawNumberDistribution(task, { train, validation }, tools),
      ];
    }),
    ...groups.map((group) => {
      const counts = of('groups', group);
      const own = [...counts.train].sort(([, a], [, b]) => b - a).map(([name]) => String(name));
      return drawClassDistribution(group, own, counts, tools);
    }),
  ];
}

const createNote = (validation: LabelCounts) =>
  validation.length > 0
    ? 'Share of the training images (blue) and of the validation images (orange).'
    : 'Share of the training images.';
const sumCounts = (counts: LabelCounts) => counts.reduce((total, [, count]) => total + count, 0) || 1;

function drawNumberDistribution(
  { name, unit }: TaskRecord,
  { train, validation }: { train: LabelCounts; validation: LabelCounts },
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const values = (counts: LabelCounts) =>
    counts.flatMap(([label, count]) => (Number.isFinite(label) ? [[label as number, count] as const] : []));
  const all = [...values(train), ...values(validation)].map(([value]) => value);
  const [low, high] = all.length === 0 ? [0, 1] : findRange(all);
  const ends = computeBinEdges(low, high, 20);
  const shares = (counts: LabelCounts) => {
    const bins = ends.slice(1).map(() => 0);
    for (const [value, count] of values(counts)) bins[findBin(ends, value)]! += count / sumCounts(counts);
    return bins.map((share, i) => ({ share, from: ends[i]!, to: ends[i + 1]! }));
  };
  const steps = shares(validation).flatMap(({ share, from, to }) => [
    { at: from, share },
    { at: to, share },
  ]);
  return drawChart(
    { name: `${name}-balance`, title: `Images by ${truncateMiddle(name, 24)}`, note: createNote(validation) },
    tools,
    {
      height: 240,
      x: {
        label: sanitizeText(
          unit ? `${truncateMiddle(name, 24)} (${truncateMiddle(unit, 16)})` : truncateMiddle(name, 40),
        ),
      },
      y: { grid: true, label: 'share of the images', tickFormat: formatPercentTick, nice: true },
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
        Plot.ruleY([0], { stroke: TEXT_COLOR }),
      ],
    },
  );
}

/** Names that are drawn, of more labels the first. */
const MAX_LABELS = 30;

function drawClassDistribution(
  name: string,
  labels: readonly string[],
  { train, validation }: { train: LabelCounts; validation: LabelCounts },
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const shown = labels.slice(0, MAX_LABELS);
  const texts = shown.map((label) => truncateMiddle(sanitizeText(label), 22));
  const shares = (counts: LabelCounts, colour: string, shift: number) => {
    const by = new Map(counts.map(([label, count]) => [String(label), count / sumCounts(counts)]));
    return shown.map((label, row) => ({ row, colour, shift, share: by.get(label) ?? 0 }));
  };
  const parts = [shares(train, BLUE, -5), ...(validation.length > 0 ? [shares(validation, ORANGE, 5)] : [])];
  const more = labels.length > shown.length ? ` The first ${shown.length} of ${labels.length}.` : '';
  return drawChart(
    {
      name: `${name}-balance`,
      title: `Images by ${truncateMiddle(name, 24)}`,
      note: createNote(validation) + more,
    },
    tools,
    {
      height: 80 + 34 * shown.length,
      marginLeft: computeLabelMargin(texts),
      marginTop: 8,
      marginRight: 24,
      x: { grid: true, nice: true, zero: true, label: 'share of the images', tickFormat: formatPercentTick },
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
        Plot.ruleX([0], { stroke: MUTED_COLOR }),
      ],
    },
  );
}
