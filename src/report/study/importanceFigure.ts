import type { Objective } from '../../tuner/results/objectives.js';
import type { ParamImportance } from '../../tuner/results/paramImportances.js';
import { BLUE, computeLabelMargin, drawChart, getPlot, type ReportFigure } from '../charts/chart.js';
import type { ChartTools } from '../charts/chartTools.js';
import { truncateMiddle } from '../text/format.js';
import { MUTED_COLOR, sanitizeText, TEXT_COLOR } from '../text/svgText.js';
import { formatPercentTick } from '../text/tickFormat.js';

/** Draws a bar chart that shows the importance of each parameter. */
export function drawImportance(
  importances: readonly ParamImportance[],
  { metric }: Objective,
  tools: ChartTools,
): ReportFigure {
  const Plot = getPlot(tools);
  const bars = [...importances]
    .sort((a, b) => b.share - a.share)
    .map(({ path, share, hasTooFewTrials }) => ({
      ...{ name: sanitizeText(truncateMiddle(path, 30)), share },
      text: hasTooFewTrials ? 'too few trials' : `${Math.round(100 * share)} %`,
    }));
  return drawChart(
    {
      name: 'importance',
      title: 'Parameter importance',
      note: `How much each parameter distinguishes the best quarter of the trials, by ${truncateMiddle(metric, 30)} (PED-ANOVA). With few trials, the importance is uncertain.`,
    },
    tools,
    {
      height: 70 + 26 * bars.length,
      marginLeft: computeLabelMargin(bars.map(({ name }) => name)),
      marginRight: 48,
      x: {
        grid: true,
        label: 'share',
        tickFormat: formatPercentTick,
        domain: [0, Math.max(...bars.map(({ share }) => share))],
        nice: true,
      },
      y: {
        label: null,
        tickFormat: String,
        domain: bars.map(({ name }) => name),
        type: 'band',
        padding: 0.4,
      },
      marks: [
        Plot.barX(bars, { x: 'share', y: 'name', fill: BLUE, fillOpacity: 0.85 }),
        Plot.ruleX([0], { stroke: TEXT_COLOR }),
        Plot.text(bars, {
          x: 'share',
          y: 'name',
          text: 'text',
          dx: 6,
          textAnchor: 'start',
          fill: MUTED_COLOR,
        }),
      ],
    },
  );
}
