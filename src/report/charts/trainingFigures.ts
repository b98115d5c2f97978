import type { HistoryRow } from '../../core/records/history.js';
import { formatDuration } from '../text/format.js';
import { MUTED_COLOR, TEXT_COLOR } from '../text/svgText.js';
import { BLUE, drawChart, getPlot, type ReportFigure } from './chart.js';
import type { ChartTools } from './chartTools.js';
import { getPoints } from './curvePoints.js';
import { createEpochAxis } from './epochAxis.js';

/**
 * Draws two figures: the learning rate and the duration of every epoch. A figure is omitted if the history
 * contains no values for it.
 */
export function drawTrainingFigures(rows: readonly HistoryRow[], tools: ChartTools): ReportFigure[] {
  const Plot = getPlot(tools);
  const x = createEpochAxis(rows);
  const hasDots = rows.length <= 25;
  const rates = getPoints(rows, 'learning_rate');
  const seconds = getPoints(rows, 'seconds');
  const total = seconds.reduce((sum, { value }) => sum + value, 0);
  return [
    ...(rates.length === 0
      ? []
      : [
          drawChart(
            {
              name: 'learning-rate',
              title: 'Learning rate',
              note: 'Learning rate of the last update of each epoch.',
            },
            tools,
            {
              height: 220,
              marginLeft: 64,
              x,
              y: { grid: true, zero: true, nice: true, label: 'learning rate' },
              marks: [
                Plot.lineY(rates, { x: 'epoch', y: 'value', stroke: BLUE, strokeWidth: 2 }),
                ...(hasDots ? [Plot.dot(rates, { x: 'epoch', y: 'value', r: 2.5, fill: BLUE })] : []),
                Plot.ruleY([0], { stroke: TEXT_COLOR }),
              ],
            },
          ),
        ]),
    ...(seconds.length === 0
      ? []
      : [
          drawChart(
            {
              name: 'seconds',
              title: 'Time per epoch',
              note: `Total: ${formatDuration(total)}, including validation.`,
            },
            tools,
            {
              height: 220,
              x,
              y: { grid: true, nice: true, label: 'seconds' },
              marks: [
                Plot.ruleX(seconds, {
                  x: 'epoch',
                  y: 'value',
                  stroke: seconds.length > 60 ? BLUE : MUTED_COLOR,
                  strokeWidth: Math.max(1, Math.min(8, 200 / seconds.length)),
                  strokeOpacity: 0.45,
                }),
                ...(seconds.length > 60
                  ? []
                  : [Plot.dot(seconds, { x: 'epoch', y: 'value', r: 3.5, fill: BLUE })]),
                Plot.ruleY([0], { stroke: TEXT_COLOR }),
              ],
            },
          ),
        ]),
  ];
}
