import type { TaskRecord } from '../../core/records/history.js';
import { MIN_INTERVAL_VALUES } from '../statistics/estimates.js';
import type { GroupScores } from '../statistics/groupScores.js';
import { addUnit, formatLargestGroups, truncateMiddle } from '../text/format.js';
import { MUTED_COLOR, sanitizeText } from '../text/svgText.js';
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

/** Draws the mean absolute error or the accuracy of each subgroup, with its confidence interval. */
export function drawGroupFigure(
  { name, labels, unit }: TaskRecord,
  { group, scores, omittedCount }: GroupScores,
  tools: ChartTools,
): ReportFigure {
  const Plot = getPlot(tools);
  const points = scores.map(({ name: subgroup, count, score }, row) => ({
    row,
    label: `${truncateMiddle(sanitizeText(subgroup), 18)} (${formatIntegerTick(count)})`,
    ...score,
  }));
  const rowTexts = points.map(({ label }) => label);
  const lowest = Math.min(...points.map(({ value, low = value }) => low));
  const highest = Math.max(...points.map(({ value, high = value }) => high));
  const subgroupCount = scores.length - 1; // The first row contains all images.
  return drawChart(
    {
      name: `${name}-by-${group}`,
      title: `${labels ? 'Accuracy' : 'Error'} by ${truncateMiddle(group, 24)}`,
      note: [
        'The number of images is in parentheses.',
        `Intervals: 95 % (${labels ? 'Wilson' : `bootstrap, for at least ${MIN_INTERVAL_VALUES} images`}).`,
        'Dotted line: all images.',
        ...(omittedCount > 0 ? [formatLargestGroups(subgroupCount, subgroupCount + omittedCount)] : []),
      ].join(' '),
    },
    tools,
    {
      height: 78 + 30 * points.length,
      marginLeft: computeLabelMargin(rowTexts),
      marginTop: 10,
      x: {
        domain: labels ? [Math.min(0.5, Math.floor(lowest * 10) / 10), 1] : [0, highest || 1],
        nice: !labels,
        grid: true,
        ticks: 6,
        label: labels ? 'accuracy' : sanitizeText(addUnit('mean absolute error', unit)),
        ...(labels ? { tickFormat: formatPercentTick } : {}),
      },
      y: {
        type: 'band',
        domain: points.map(({ row }) => row),
        tickFormat: (row: number) => rowTexts[row]!,
        tickSize: 0,
        label: null,
      },
      marks: [
        Plot.ruleX([points[0]!.value], { stroke: MUTED_COLOR, strokeDasharray: '2,3' }),
        Plot.ruleY(
          points.filter(({ high }) => high !== undefined),
          { y: 'row', x1: 'low', x2: 'high', stroke: BLUE, strokeWidth: 2 },
        ),
        Plot.dot(points, { x: 'value', y: 'row', r: 4.5, fill: BLUE }),
      ],
    },
  );
}
