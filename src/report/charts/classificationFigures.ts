import type { TaskRecord } from '../../core/records/history.js';
import {
  type ClassPrediction,
  computeReliability,
  findPredictedLabel,
} from '../statistics/classificationScores.js';
import { formatPercent, truncateMiddle } from '../text/format.js';
import { MUTED_COLOR, sanitizeText, TEXT_COLOR } from '../text/svgText.js';
import { formatPercentTick } from '../text/tickFormat.js';
import {
  BLUE,
  computeLabelMargin,
  drawChart,
  formatIntegerTick,
  getPlot,
  type ReportFigure,
} from './chart.js';
import type { ChartTools } from './chartTools.js';

/**
 * Maximum number of rows in a confusion matrix. If a task has more labels, the least frequent labels are combined in one row and
 * one column.
 */
const MAX_LABELS = 16;
const OTHER_LABELS = 'all others';

/**
 * Draws the confusion matrix and the reliability diagram of a task. `pairs` must not be empty, and all probabilities must be
 * finite.
 */
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
  const Plot = getPlot(tools);
  const counts = labels.map(() => 0);
  for (const { truth } of pairs) counts[truth]!++;
  const shownLabels = labels
    .map((_, i) => i)
    .sort((a, b) => counts[b]! - counts[a]! || a - b)
    .slice(0, labels.length > MAX_LABELS ? MAX_LABELS - 1 : MAX_LABELS)
    .sort((a, b) => a - b);
  const rows = shownLabels.length < labels.length ? shownLabels.length + 1 : shownLabels.length;
  const rowsByLabel = new Map(shownLabels.map((label, row) => [label, row]));
  const getRow = (label: number) => rowsByLabel.get(label) ?? shownLabels.length;
  const cells = Array.from({ length: rows * rows }, (_, i) => ({
    truth: Math.floor(i / rows),
    predicted: i % rows,
    count: 0,
    share: 0,
  }));
  for (const pair of pairs) cells[getRow(pair.truth) * rows + getRow(findPredictedLabel(pair))]!.count++;
  for (let row = 0; row < rows; row++) {
    const rowCells = cells.slice(row * rows, (row + 1) * rows);
    const total = rowCells.reduce((sum, { count }) => sum + count, 0);
    for (const cell of rowCells) cell.share = total === 0 ? 0 : cell.count / total;
  }
  const rowTexts = Array.from({ length: rows }, (_, row) =>
    row < shownLabels.length
      ? truncateMiddle(sanitizeText(labels[shownLabels[row]!]!), rows > 6 ? 12 : 18)
      : OTHER_LABELS,
  );
  const formatRow = (row: number) => rowTexts[row]!;
  const marginLeft = computeLabelMargin(rowTexts) + 14;
  const isCrowded = rows > 4;
  const width = Math.max(420, marginLeft + 30 + rows * 34);
  const height = Math.max(300, 100 + rows * (rows > 8 ? 24 : 40));
  return drawChart(
    {
      name: `${name}-confusion`,
      title: 'Confusion matrix',
      note: 'Number of images by true and predicted label. Darker cells contain a larger share of their row.',
    },
    tools,
    {
      width,
      height,
      marginLeft,
      marginTop: 22,
      marginBottom: isCrowded ? computeLabelMargin(rowTexts) * 0.75 + 24 : 48,
      x: {
        type: 'band',
        domain: cells.slice(0, rows).map(({ predicted }) => predicted),
        label: 'predicted',
        tickFormat: formatRow,
        tickSize: 0,
        padding: 0.03,
        ...(isCrowded ? { tickRotate: -40 } : {}),
      },
      y: {
        type: 'band',
        domain: cells.slice(0, rows).map(({ predicted }) => predicted),
        label: 'true',
        tickFormat: formatRow,
        tickSize: 0,
        padding: 0.03,
      },
      color: { type: 'linear', domain: [0, 1], range: ['#f3f6fc', '#1f3a8a'], interpolate: 'rgb' },
      marks: [
        Plot.cell(cells, { x: 'predicted', y: 'truth', fill: 'share' }),
        Plot.text(cells, {
          x: 'predicted',
          y: 'truth',
          text: ({ count, share }: (typeof cells)[number]) =>
            rows <= 4 && count > 0
              ? `${formatIntegerTick(count)}\n${formatPercent(share)}`
              : count === 0 && rows > 4
                ? ''
                : formatIntegerTick(count),
          // `scale: null` because the color scale of the plot maps shares, and this channel contains colors.
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
  const Plot = getPlot(tools);
  const { bins, error } = computeReliability(pairs);
  const points = bins.map(({ count, meanProbability, accuracy }) => ({
    count,
    probability: meanProbability,
    ...accuracy,
  }));
  const subject =
    labels.length === 2 ? `"${truncateMiddle(sanitizeText(labels[1]!), 18)}"` : 'the predicted label';
  return drawChart(
    {
      name: `${name}-reliability`,
      title: 'Reliability of the probabilities',
      note: `How often ${subject} is correct, by its predicted probability, with 95 % intervals (Wilson). On the dashed line, the probabilities are calibrated. Expected calibration error: ${formatPercent(error)}.`,
    },
    tools,
    {
      marginRight: 28,
      x: { domain: [0, 1], label: `probability of ${subject}`, tickFormat: formatPercentTick },
      y: { domain: [0, 1], grid: true, label: 'proportion correct', tickFormat: formatPercentTick },
      marks: [
        Plot.line(
          [
            [0, 0],
            [1, 1],
          ],
          { stroke: MUTED_COLOR, strokeDasharray: '4,3' },
        ),
        Plot.ruleX(points, { x: 'probability', y1: 'low', y2: 'high', stroke: BLUE, strokeWidth: 2 }),
        Plot.dot(points, {
          x: 'probability',
          y: 'value',
          r: ({ count }: (typeof points)[number]) => Math.sqrt(count),
          fill: BLUE,
          stroke: 'white',
          sort: null,
        }),
      ],
      r: { range: [3, 9] },
    },
  );
}
