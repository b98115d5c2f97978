import type { TaskRecord } from '../../core/records/history.js';
import { MIN_INTERVAL_VALUES } from '../statistics/estimates.js';
import type { computeGroupScores } from '../statistics/groupScores.js';
import { truncateMiddle } from '../text/format.js';
import { MUTED_COLOR, sanitizeText } from '../text/svgText.js';
import { formatPercentTick } from '../text/tickFormat.js';
import { BLUE, computeLabelMargin, drawChart, formatIntegerTick, type ReportFigure } from './chart.js';
import type { ChartTools } from './chartTools.js';

/** Error or accuracy of every group with its interval. */
export function drawGroupFigure(
  { name, labels, unit }: TaskRecord,
  { group, scores, left }: ReturnType<typeof computeGroupScores>[number],
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const drawn = scores.map(({ name: member, count, score }, row) => ({
    row,
    label: `${truncateMiddle(sanitizeText(member), 18)} (${formatIntegerTick(count)})`,
    ...score,
  }));
  const names = drawn.map(({ label }) => label);
  const lows = Math.min(...drawn.map(({ value, low = value }) => low));
  const highs = Math.max(...drawn.map(({ value, high = value }) => high));
  return drawChart(
    {
      name: `${name}-by-${group}`,
      title: `${labels ? 'Accuracy' : 'Error'} by ${truncateMiddle(group, 24)}`,
      note: `Number of images behind each name; intervals of 95 % (${labels ? 'Wilson' : `bootstrap, from ${MIN_INTERVAL_VALUES} images on`}), all images dotted.${left > 0 ? ` The ${scores.length - 1} of most images, of ${scores.length - 1 + left}.` : ''}`,
    },
    tools,
    {
      height: 78 + 30 * drawn.length,
      marginLeft: computeLabelMargin(names),
      marginTop: 10,
      x: {
        domain: labels ? [Math.min(0.5, Math.floor(lows * 10) / 10), 1] : [0, highs || 1],
        nice: !labels,
        grid: true,
        ticks: 6,
        label: labels
          ? 'accuracy'
          : sanitizeText(`mean absolute error${unit ? ` (${truncateMiddle(unit, 16)})` : ''}`),
        ...(labels ? { tickFormat: formatPercentTick } : {}),
      },
      y: {
        type: 'band',
        domain: drawn.map(({ row }) => row),
        tickFormat: (row: number) => names[row]!,
        tickSize: 0,
        label: null,
      },
      marks: [
        Plot.ruleX([drawn[0]!.value], { stroke: MUTED_COLOR, strokeDasharray: '2,3' }),
        Plot.ruleY(
          drawn.filter(({ high }) => high !== undefined),
          { y: 'row', x1: 'low', x2: 'high', stroke: BLUE, strokeWidth: 2 },
        ),
        Plot.dot(drawn, { x: 'value', y: 'row', r: 4.5, fill: BLUE }),
      ],
    },
  );
}
