import type { TaskRecord } from '../../core/records/history.js';
import {
  type ClassPrediction,
  computeReliability,
  findPredictedLabel,
} from '../statistics/classificationScores.js';
import { formatPercent, truncateMiddle } from '../text/format.js';
import { MUTED_COLOR, sanitizeText, TEXT_COLOR } from '../text/svgText.js';
import { formatPercentTick } from '../text/tickFormat.js';
import { BLUE, computeLabelMargin, drawChart, formatIntegerTick, type ReportFigure } from './chart.js';
import type { ChartTools } from './chartTools.js';

/** Labels that a matrix shows by name; the others are one row and one column. */
const MAX_LABELS = 16;
const OTHER_LABELS = 'all others';

/** Confusion matrix and reliability of the probabilities. `pairs` is not empty, and all probabilities are numbers. */
export function drawClassificationFigures(
  task: TaskRecord,
  pairs: readonly ClassPrediction[],
  tools: ChartTools,
): ReportFigure[] {
  return [drawConfusionMatrix(task, pairs, tools), drawReliabilityDiagram(task, pairs, tools)];
}

function drawConfusionMatrix(
  { name, labels = [] }: TaskRecord,
  pairs: readonly ClassPrediction[],
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const counts = labels.map(() => 0);
  for (const { truth } of pairs) counts[truth]!++;
  const kept = labels
    .map((_, i) => i)
    .sort((a, b) => counts[b]! - counts[a]! || a - b)
    .slice(0, labels.length > MAX_LABELS ? MAX_LABELS - 1 : MAX_LABELS)
    .sort((a, b) => a - b);
  const rows = kept.length < labels.length ? kept.length + 1 : kept.length;
  const rowOf = new Map(kept.map((label, row) => [label, row]));
  const at = (label: number) => rowOf.get(label) ?? kept.length;
  const cells = Array.from({ length: rows * rows }, (_, i) => ({
    truth: Math.floor(i / rows),
    said: i % rows,
    count: 0,
    share: 0,
  }));
  for (const pair of pairs) cells[at(pair.truth) * rows + at(findPredictedLabel(pair))]!.count++;
  for (let row = 0; row < rows; row++) {
    const own = cells.slice(row * rows, (row + 1) * rows);
    const all = own.reduce((sum, { count }) => sum + count, 0);
    for (const cell of own) cell.share = all === 0 ? 0 : cell.count / all;
  }
  const names = Array.from({ length: rows }, (_, row) =>
    row < kept.length ? truncateMiddle(sanitizeText(labels[kept[row]!]!), rows > 6 ? 12 : 18) : OTHER_LABELS,
  );
  const words = (place: number) => names[place]!;
  const left = computeLabelMargin(names) + 14;
  const crowded = rows > 4;
  const width = Math.max(420, left + 30 + rows * 34);
  const height = Math.max(300, 100 + rows * (rows > 8 ? 24 : 40));
  return drawChart(
    {
      name: `${name}-confusion`,
      title: 'Confusion matrix',
      note: 'Images of each true label by the answer given; darker is a larger share of the row.',
    },
    tools,
    {
      width,
      height,
      marginLeft: left,
      marginTop: 22,
      marginBottom: crowded ? computeLabelMargin(names) * 0.75 + 24 : 48,
      x: {
        type: 'band',
        domain: cells.slice(0, rows).map(({ said }) => said),
        label: 'answer',
        tickFormat: words,
        tickSize: 0,
        padding: 0.03,
        ...(crowded ? { tickRotate: -40 } : {}),
      },
      y: {
        type: 'band',
        domain: cells.slice(0, rows).map(({ said }) => said),
        label: 'true',
        tickFormat: words,
        tickSize: 0,
        padding: 0.03,
      },
      color: { type: 'linear', domain: [0, 1], range: ['#f3f6fc', '#1f3a8a'], interpolate: 'rgb' },
      marks: [
        Plot.cell(cells, { x: 'said', y: 'truth', fill: 'share' }),
        Plot.text(cells, {
          x: 'said',
          y: 'truth',
          text: ({ count, share }: (typeof cells)[number]) =>
            rows <= 4 && count > 0
              ? `${formatIntegerTick(count)}\n${formatPercent(share)}`
              : count === 0 && rows > 4
                ? ''
                : formatIntegerTick(count),
          // A colour as it is, where those of the cells are shares.
          fill: {
            value: ({ share }: (typeof cells)[number]) => (share > 0.45 ? 'white' : TEXT_COLOR),
            scale: null,
          } as never,
          fontSize: rows > 8 ? 10 : 12,
        }),
      ],
    },
  );
}

function drawReliabilityDiagram(
  { name, labels = [] }: TaskRecord,
  pairs: readonly ClassPrediction[],
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const { bins, error } = computeReliability(pairs);
  const two = labels.length === 2;
  const drawn = bins.map(({ count, meanProbability, accuracy }) => ({
    count,
    promised: meanProbability,
    ...accuracy,
  }));
  const subject = two ? `"${truncateMiddle(sanitizeText(labels[1]!), 18)}"` : 'the answer';
  return drawChart(
    {
      name: `${name}-reliability`,
      title: 'Reliability of the probabilities',
      note: `How often ${subject} was right when it was given this probability, with 95 % intervals (Wilson); on the line the probabilities can be taken at their word. Expected calibration error ${formatPercent(error)}.`,
    },
    tools,
    {
      marginRight: 28,
      x: { domain: [0, 1], label: `probability of ${subject}`, tickFormat: formatPercentTick },
      y: { domain: [0, 1], grid: true, label: 'share that is right', tickFormat: formatPercentTick },
      marks: [
        Plot.line(
          [
            [0, 0],
            [1, 1],
          ],
          { stroke: MUTED_COLOR, strokeDasharray: '4,3' },
        ),
        Plot.ruleX(drawn, { x: 'promised', y1: 'low', y2: 'high', stroke: BLUE, strokeWidth: 2 }),
        Plot.dot(drawn, {
          x: 'promised',
          y: 'value',
          r: ({ count }: (typeof drawn)[number]) => Math.sqrt(count),
          fill: BLUE,
          stroke: 'white',
          sort: null,
        }),
      ],
      r: { range: [3, 9] },
    },
  );
}
