import type { ReportTools } from '../charts/chartTools.js';
import { drawComparisonFigures, getLineStyle } from '../charts/comparisonFigures.js';
import type { ReportedRun } from '../records/readRunRecord.js';
import { formatArgument, formatDuration, formatMetric, formatNumber } from '../text/format.js';
import { html, renderFigures, renderTable } from './html.js';
import { findReportedEpoch, renderLegendItem } from './runSections.js';
import type { Section } from './section.js';

/** Best epochs of several runs in a table, and their curves over each other. */
export function renderComparisonSection(runs: readonly ReportedRun[], tools: ReportTools): Section {
  const drawn = drawComparisonFigures(runs, tools);
  const columns = [
    ...new Set(
      runs.flatMap(({ tasks }) =>
        tasks.flatMap(({ name, metrics }) => metrics.map((metric) => JSON.stringify([name, metric]))),
      ),
    ),
  ].map((key) => JSON.parse(key) as [string, string]);
  const rows = runs.map((run, i) => {
    const best = findReportedEpoch(run);
    return [
      `${i + 1}. ${run.name}`,
      best ? String(best.epoch) : 'n/a',
      formatNumber(best?.row[run.monitor]),
      ...columns.map(([name, metric]) => {
        const validated = best?.row[`val_${name}_${metric}`];
        const trained = best?.row[`${name}_${metric}`];
        return validated === undefined && trained !== undefined
          ? `${formatMetric(metric, trained)} (training)`
          : formatMetric(metric, validated);
      }),
      formatNumber(run.architecture.parameters),
      formatDuration(run.rows.reduce((sum, { seconds = 0 }) => sum + seconds, 0)),
    ];
  });
  const differing = findDifferingArguments(runs);
  const places = runs.map((_, i) => `${i + 1}.`);
  // Many runs go down the page, where there is room.
  const [heads, lines] =
    runs.length <= 4 || differing.length >= runs.length
      ? [places, differing]
      : [
          differing.map(([name]) => name!),
          places.map((place, i) => [place, ...differing.map((values) => values[i + 1]!)]),
        ];
  const legend = runs.map((run, i) => renderLegendItem(getLineStyle(i), `${i + 1}. ${run.name}`));
  return {
    figures: drawn,
    html: html`<p class="lead">Each run at its best epoch, on its own validation images.</p>
${renderTable('Best epochs', ['', 'best epoch', 'monitored', ...columns.map(([name, metric]) => `${name} ${metric}`), 'parameters', 'time'], rows)}
${differing.length > 0 && renderTable('Where their arguments differ', ['', ...heads], lines)}
<p class="legend">${legend}</p>
${renderFigures(drawn)}`,
  };
}

/** Arguments that are not the same in all runs: a row each. */
function findDifferingArguments(runs: readonly ReportedRun[]): string[][] {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.arguments)))];
  return names
    .map((name) => [
      name,
      ...runs.map(({ arguments: said }) =>
        formatArgument(Object.hasOwn(said, name) ? said[name] : undefined),
      ),
    ])
    .filter(([, first, ...others]) => others.some((value) => value !== first));
}
