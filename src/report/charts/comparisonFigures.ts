import type { RunRecord } from '../../core/records/runRecord.js';
import { addUnit, hasTaskUnit, isProportion } from '../text/format.js';
import { sanitizeText } from '../text/svgText.js';
import { formatPercentTick } from '../text/tickFormat.js';
import { drawChart, getPlot, type ReportFigure, SERIES_COLORS } from './chart.js';
import type { ChartTools } from './chartTools.js';
import { getPoints } from './curvePoints.js';
import { createEpochAxis } from './epochAxis.js';

/**
 * Dash patterns of the curves. The first runs in a comparison use the first pattern. If there are more runs than colors,
 * the colors are used again with the next pattern.
 */
const LINE_DASHES = ['none', '6,3', '2,3'];

/** Color and dash pattern of the curve of a run. */
export interface LineStyle {
  readonly color: string;
  readonly dash: string;
}

/** Returns the line style of the run at `index` in a comparison. */
export const getLineStyle = (index: number): LineStyle => ({
  color: SERIES_COLORS[index % SERIES_COLORS.length]!,
  dash: LINE_DASHES[Math.floor(index / SERIES_COLORS.length) % LINE_DASHES.length]!,
});

/** Metric of a task, shown as one figure of the comparison. */
interface ComparedMetric {
  readonly task: string;
  readonly metric: string;
  readonly unit: string | undefined;
}

/**
 * Draws the curves of several runs: one figure for the loss and one for each metric of each task, with a line for each run.
 * A line shows validation values, or training values if the run has no validation data.
 */
export function drawComparisonFigures(runs: readonly RunRecord[], tools: ChartTools): ReportFigure[] {
  const panels = new Map<string, ComparedMetric>();
  for (const { tasks } of runs) {
    for (const { name, metrics, unit } of tasks) {
      for (const metric of ['loss', ...metrics]) {
        const key = JSON.stringify([name, metric]);
        if (!panels.has(key))
          panels.set(key, { task: name, metric, unit: hasTaskUnit(metric) ? unit : undefined });
      }
    }
  }
  return Array.from(panels.values(), (panel) => {
    const trainingColumn = `${panel.task}_${panel.metric}`;
    const validationColumn = `val_${trainingColumn}`;
    const hasColumn = ({ rows }: RunRecord, column: string) => rows.some((row) => row[column] !== undefined);
    const columns = runs.map((run) =>
      hasColumn(run, validationColumn) || !hasColumn(run, trainingColumn) ? validationColumn : trainingColumn,
    );
    return drawMetricComparison(runs, panel, columns, tools);
  });
}

/** Draws the figure of one metric. `columns` contains the history column to draw for each run. */
function drawMetricComparison(
  runs: readonly RunRecord[],
  { task, metric, unit }: ComparedMetric,
  columns: readonly string[],
  tools: ChartTools,
): ReportFigure {
  const Plot = getPlot(tools);
  const lines = runs.map(({ rows }, i) => ({
    ...getLineStyle(i),
    points: getPoints(rows, columns[i]!),
  }));
  const values = lines.flatMap(({ points }) => points.map(({ value }) => value));
  const longestRows = runs.reduce(
    (longest, { rows }) => ((rows.at(-1)?.epoch ?? 0) > (longest.at(-1)?.epoch ?? 0) ? rows : longest),
    runs[0]!.rows,
  );
  const trainingRuns = columns.flatMap((column, i) => (column.startsWith('val_') ? [] : [i + 1]));
  const isMixed = trainingRuns.length > 0 && trainingRuns.length < runs.length;
  return drawChart(
    {
      name: `compare-${task}-${metric}`,
      title: `${task}: ${trainingRuns.length < runs.length ? 'validation ' : 'training '}${metric}`,
      ...(isMixed && {
        note: `Training values instead of validation values: ${trainingRuns.length === 1 ? 'run' : 'runs'} ${trainingRuns.join(', ')}.`,
      }),
    },
    tools,
    {
      height: 270,
      x: createEpochAxis(longestRows),
      y: {
        grid: true,
        nice: true,
        label: sanitizeText(addUnit(metric, unit)),
        ...(isProportion(metric)
          ? { domain: [Math.min(0.5, ...values), 1], tickFormat: formatPercentTick }
          : {
              domain: [
                Math.min(0, ...values),
                Math.max(...values, 0) || (values.some((value) => value < 0) ? 0 : 1),
              ],
            }),
      },
      marks: lines.flatMap(({ color, dash, points }) => [
        Plot.lineY(points, { x: 'epoch', y: 'value', stroke: color, strokeWidth: 2, strokeDasharray: dash }),
        ...(points.length <= 25 ? [Plot.dot(points, { x: 'epoch', y: 'value', r: 2.5, fill: color })] : []),
      ]),
    },
  );
}
