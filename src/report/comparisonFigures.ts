import type { RunRecord } from '../core/runRecord.js';
import { COLOURS, chart, type ReportFigure } from './chart.js';
import { epochAxis } from './epochAxis.js';
import { short } from './format.js';
import { shareTick } from './ticks.js';
import { type ChartTools, sayable } from './tools.js';

/** Dashes for the runs beyond the colours. */
const DASHES = ['none', '6,3', '2,3'];

/** The look of a run's line, by its place. */
export const lookOf = (place: number) => ({
  colour: COLOURS[place % COLOURS.length]!,
  dash: DASHES[Math.floor(place / COLOURS.length) % DASHES.length]!,
});

/** A panel for the loss and each metric of each task of any of the runs: a line a run, of validation where there was one. */
export function comparisonFigures(runs: readonly RunRecord[], tools: ChartTools): ReportFigure[] {
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
    const columns = [`val_${task}_${metric}`, `${task}_${metric}`];
    const column =
      columns.find((name) => runs.some(({ rows }) => rows.some((row) => row[name] !== undefined))) ??
      columns[0]!;
    return overlay(runs, { task, metric, unit, column }, tools);
  });
}

function overlay(
  runs: readonly RunRecord[],
  {
    task,
    metric,
    unit,
    column,
  }: {
    readonly task: string;
    readonly metric: string;
    readonly unit: string | undefined;
    readonly column: string;
  },
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const lines = runs.map(({ rows }, place) => ({
    ...lookOf(place),
    points: rows.flatMap(({ epoch, [column]: value }) =>
      value !== undefined && Number.isFinite(value) ? [{ epoch, value }] : [],
    ),
  }));
  const values = lines.flatMap(({ points }) => points.map(({ value }) => value));
  const share = metric.endsWith('accuracy');
  const longest = runs.reduce(
    (most, { rows }) => ((rows.at(-1)?.epoch ?? 0) > (most.at(-1)?.epoch ?? 0) ? rows : most),
    runs[0]!.rows,
  );
  const label = sayable(unit ? `${metric} (${short(unit, 16)})` : metric);
  return chart(
    {
      name: `compare-${task}-${metric}`,
      title: `${task}: ${column.startsWith('val_') ? 'validation ' : 'training '}${metric}`,
    },
    tools,
    {
      height: 270,
      x: epochAxis(longest),
      y: {
        grid: true,
        nice: true,
        label,
        ...(share
          ? { domain: [Math.min(0.5, ...values), 1], tickFormat: shareTick }
          : { domain: [0, Math.max(...values, 0) || 1] }),
      },
      marks: lines.flatMap(({ colour, dash, points }) => [
        Plot.lineY(points, { x: 'epoch', y: 'value', stroke: colour, strokeWidth: 2, strokeDasharray: dash }),
        ...(points.length <= 25 ? [Plot.dot(points, { x: 'epoch', y: 'value', r: 2.5, fill: colour })] : []),
      ]),
    },
  );
}
