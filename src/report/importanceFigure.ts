import type { importances } from '../tuner/importance.js';
import type { Objective } from '../tuner/objectives.js';
import { BLUE, chart, type ReportFigure, roomFor } from './chart.js';
import { short } from './format.js';
import { shareTick } from './ticks.js';
import { type ChartTools, FAINT, INK, sayable } from './tools.js';

/** How much each parameter mattered, as bars. */
export function importanceFigure(
  mattered: ReturnType<typeof importances>,
  { metric }: Objective,
  tools: ChartTools,
): ReportFigure {
  const { Plot } = tools;
  const bars = [...mattered]
    .sort((a, b) => b.share - a.share)
    .map(({ path, share, tooFew }) => ({
      ...{ name: sayable(short(path, 30)), share },
      said: tooFew ? 'too few trials' : `${Math.round(100 * share)} %`,
    }));
  return chart(
    {
      name: 'importance',
      title: 'What mattered',
      note: `What set the best quarter of the trials apart, by ${short(metric, 30)} (PED-ANOVA). Of few trials it says little.`,
    },
    tools,
    {
      height: 70 + 26 * bars.length,
      marginLeft: roomFor(bars.map(({ name }) => name)),
      marginRight: 48,
      x: {
        grid: true,
        label: 'share',
        tickFormat: shareTick,
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
        Plot.ruleX([0], { stroke: INK }),
        Plot.text(bars, {
          x: 'share',
          y: 'name',
          text: 'said',
          dx: 6,
          textAnchor: 'start',
          fill: FAINT,
        }),
      ],
    },
  );
}
