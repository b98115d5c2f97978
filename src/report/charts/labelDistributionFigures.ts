import type { TaskRecord } from '../../core/records/history.js';
import type { RunRecord, SplitRecord } from '../../core/records/runRecord.js';
import { computeBinEdges, findBin, findRange } from '../statistics/bins.js';
import { addUnit, truncateMiddle } from '../text/format.js';
import { MUTED_COLOR, sanitizeText, TEXT_COLOR } from '../text/svgText.js';
import { formatPercentTick } from '../text/tickFormat.js';
import { BLUE, computeLabelMargin, drawChart, getPlot, ORANGE, type ReportFigure } from './chart.js';
import type { ChartTools } from './chartTools.js';

/** Number of images with each label in one split. */
type LabelCounts = readonly (readonly [label: number | string, count: number])[];

/** Label counts of the training and the validation split. */
interface SplitCounts {
  readonly train: LabelCounts;
  readonly validation: LabelCounts;
}

/**
 * Draws the distributions of labels and groups in the training and validation images: one figure for each task, and one for each
 * group.
 */
export function drawLabelDistributions(
  { tasks, data }: Pick<RunRecord, 'tasks' | 'data'>,
  tools: ChartTools,
): ReportFigure[] {
  const getCounts = (kind: 'labels' | 'groups', name: string): SplitCounts => {
    const getSplitCounts = (split: SplitRecord | undefined): LabelCounts =>
      split && Object.hasOwn(split[kind], name) ? split[kind][name]! : [];
    return { train: getSplitCounts(data.train), validation: getSplitCounts(data.validation) };
  };
  const groups = Object.keys(data.train.groups).filter((group) => {
    const { train } = getCounts('groups', group);
    // A group that equals the labels of a task would repeat the figure of that task.
    return (
      train.length > 1 &&
      !tasks.some(({ name }) => JSON.stringify(getCounts('labels', name).train) === JSON.stringify(train))
    );
  });
  return [
    ...tasks.flatMap((task) => {
      const counts = getCounts('labels', task.name);
      if (counts.train.length === 0 && counts.validation.length === 0) return [];
      return [
        task.labels
          ? drawClassDistribution(task.name, task.labels, counts, tools)
          : drawNumberDistribution(task, counts, tools),
      ];
    }),
    ...groups.map((group) => {
      const counts = getCounts('groups', group);
      const subgroups = [...counts.train].sort(([, a], [, b]) => b - a).map(([name]) => String(name));
      return drawClassDistribution(group, subgroups, counts, tools);
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
  { train, validation }: SplitCounts,
  tools: ChartTools,
): ReportFigure {
  const Plot = getPlot(tools);
  const getFiniteCounts = (counts: LabelCounts) =>
    counts.flatMap(([label, count]) => (Number.isFinite(label) ? [[label as number, count] as const] : []));
  const values = [...getFiniteCounts(train), ...getFiniteCounts(validation)].map(([value]) => value);
  const [low, high] = values.length === 0 ? [0, 1] : findRange(values);
  const edges = computeBinEdges(low, high, 20);
  const computeShares = (counts: LabelCounts) => {
    const shares = edges.slice(1).map(() => 0);
    for (const [value, count] of getFiniteCounts(counts))
      shares[findBin(edges, value)]! += count / sumCounts(counts);
    return shares.map((share, i) => ({ share, from: edges[i]!, to: edges[i + 1]! }));
  };
  const validationSteps = computeShares(validation).flatMap(({ share, from, to }) => [
    { edge: from, share },
    { edge: to, share },
  ]);
  return drawChart(
    { name: `${name}-balance`, title: `Images by ${truncateMiddle(name, 24)}`, note: createNote(validation) },
    tools,
    {
      height: 240,
      x: {
        label: sanitizeText(unit ? addUnit(truncateMiddle(name, 24), unit) : truncateMiddle(name, 40)),
      },
      y: { grid: true, label: 'share of the images', tickFormat: formatPercentTick, nice: true },
      marks: [
        Plot.rectY(computeShares(train), {
          x1: 'from',
          x2: 'to',
          y: 'share',
          fill: BLUE,
          fillOpacity: 0.45,
          insetLeft: 0.5,
          insetRight: 0.5,
        }),
        ...(validation.length > 0
          ? [Plot.line(validationSteps, { x: 'edge', y: 'share', stroke: ORANGE, strokeWidth: 2 })]
          : []),
        Plot.ruleY([0], { stroke: TEXT_COLOR }),
      ],
    },
  );
}

/** Maximum number of labels in a figure. If there are more labels, only the first labels are drawn. */
const MAX_LABELS = 30;

function drawClassDistribution(
  name: string,
  labels: readonly string[],
  { train, validation }: SplitCounts,
  tools: ChartTools,
): ReportFigure {
  const Plot = getPlot(tools);
  const shownLabels = labels.slice(0, MAX_LABELS);
  const rowTexts = shownLabels.map((label) => truncateMiddle(sanitizeText(label), 22));
  const computeShares = (counts: LabelCounts, color: string, shift: number) => {
    const shares = new Map(counts.map(([label, count]) => [String(label), count / sumCounts(counts)]));
    return shownLabels.map((label, row) => ({ row, color, shift, share: shares.get(label) ?? 0 }));
  };
  const splits = [
    computeShares(train, BLUE, -5),
    ...(validation.length > 0 ? [computeShares(validation, ORANGE, 5)] : []),
  ];
  const omission =
    labels.length > shownLabels.length
      ? ` Only the first ${shownLabels.length} of ${labels.length} labels are shown.`
      : '';
  return drawChart(
    {
      name: `${name}-balance`,
      title: `Images by ${truncateMiddle(name, 24)}`,
      note: createNote(validation) + omission,
    },
    tools,
    {
      height: 80 + 34 * shownLabels.length,
      marginLeft: computeLabelMargin(rowTexts),
      marginTop: 8,
      marginRight: 24,
      x: { grid: true, nice: true, zero: true, label: 'share of the images', tickFormat: formatPercentTick },
      y: {
        type: 'band',
        domain: shownLabels.map((_, row) => row),
        tickFormat: (row: number) => rowTexts[row]!,
        tickSize: 0,
        label: null,
      },
      marks: [
        ...splits.flatMap((split) => [
          Plot.ruleY(split, {
            y: 'row',
            x: 'share',
            stroke: 'color',
            strokeWidth: 8,
            strokeOpacity: 0.45,
            dy: split[0]?.shift ?? 0,
          }),
          Plot.dot(split, { y: 'row', x: 'share', fill: 'color', r: 4, dy: split[0]?.shift ?? 0 }),
        ]),
        Plot.ruleX([0], { stroke: MUTED_COLOR }),
      ],
    },
  );
}
