import type { RunRecord } from '../../core/records/runRecord.js';
import { isProportion, truncateMiddle } from '../text/format.js';
import { sanitizeText } from '../text/svgText.js';
import { formatPercentTick } from '../text/tickFormat.js';
import { drawChart, type ReportFigure, SERIES_COLORS } from './chart.js';
import type { ChartTools } from './chartTools.js';
import { createEpochAxis } from './epochAxis.js';

/** Dashes for the runs beyond the colours. */
const LINE_DASHES = ['none', '6,3', '2,3'];

/** The look of a run's line, by its place. */
export const getLineStyle = (place: number) => ({
  colour: SERIES_COLORS[place % SERIES_COLORS.length]!,
  dash: LINE_DASHES[Math.floor(place / SERIES_COLORS.length) % LINE_DASHES.length]!,
});

/** A panel for the loss and each metric of each task of any of the runs: a line a run, of validation where that run had one. */
export function drawComparisonFigures(runs: readonly RunRecord[], tools: ChartTools): ReportFigure[] {
  const panels = new Map<string, { task: string; metric: string; unit: string | undefined }>();
  for (const { tasks } of runs) {
    for (const { name, metrics, unit } of tasks) {
      for (const metric of ['loss', ...metrics]) {
        const key = JSON.stringify([name, metric]);
        if (!panels.has(key))
          panels.set(key, { task: name, metric, unit: ['mae', 'rmse'].includes(metric) ? unit : undefined });
      }
    }
  }
  return Array.from(panels.values(), ({ task, metric, unit }) => {
    const [validated, trained] = [`val_${task}_${metric}`, `${task}_${metric}`];
    const has = ({ rows }: RunRecord, name: string) => rows.some((row) => row[name] !== undefined);
    const columns = runs.map((run) => (has(run, validated) || !has(run, trained) ? validated : trained));
    return drawMetricComparison(runs, { task, metric, unit, columns }, tools);
  });
}

function drawMetricComparison(
  runs: readonly RunRecord[],
  {
    task,
    metric,
    unit,
    columns,
  }: {
    readonly task: string;
    readonly metric: string;
    readonly unit: string | undefined;
    readonly columns: readonly string[];
  },
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const lines = runs.map(({ rows }, place) => ({
    ...getLineStyle(place),
    points: rows.flatMap(({ epoch, [columns[place]!]: value }) =>
      value !== undefined && Number.isFinite(value) ? [{ epoch, value }] : [],
    ),
  }));
  const values = lines.flatMap(({ points }) => points.map(({ value }) => value));
  const share = isProportion(metric);
  const longest = runs.reduce(
    (most, { rows }) => ((rows.at(-1)?.epoch ?? 0) > (most.at(-1)?.epoch ?? 0) ? rows : most),
    runs[0]!.rows,
  );
  const label = sanitizeText(unit ? `${metric} (${truncateMiddle(unit, 16)})` : metric);
  const trained = columns.flatMap((column, place) => (column.startsWith('val_') ? [] : [place + 1]));
  const mixed = trained.length > 0 && trained.length < runs.length;
  return drawChart(
    {
      name: `compare-${task}-${metric}`,
      title: `${task}: ${trained.length < runs.length ? 'validation ' : 'training '}${metric}`,
      ...(mixed && {
        note: `Of training, not validated: ${trained.length === 1 ? 'run' : 'runs'} ${trained.join(', ')}.`,
      }),
    },
    tools,
    {
      height: 270,
      x: createEpochAxis(longest),
      y: {
        grid: true,
        nice: true,
        label,
        ...(share
          ? { domain: [Math.min(0.5, ...values), 1], tickFormat: formatPercentTick }
          : {
              domain: [
                Math.min(0, ...values),
                Math.max(...values, 0) || (values.some((value) => value < 0) ? 0 : 1),
              ],
            }),
      },
      marks: lines.flatMap(({ colour, dash, points }) => [
        Plot.lineY(points, { x: 'epoch', y: 'value', stroke: colour, strokeWidth: 2, strokeDasharray: dash }),
        ...(points.length <= 25 ? [Plot.dot(points, { x: 'epoch', y: 'value', r: 2.5, fill: colour })] : []),
      ]),
    },
  );
}
