import { getOwnValue } from '../../core/lookup.js';
import type { ReportTools } from '../charts/chartTools.js';
import { drawComparisonFigures, getLineStyle } from '../charts/comparisonFigures.js';
import type { ReportedRun } from '../records/readRunRecord.js';
import { formatArgument, formatDuration, formatMetric, formatNumber } from '../text/format.js';
import { html, renderFigures, renderTable } from './html.js';
import { findReportedEpoch, renderLegendItem } from './runSections.js';
import type { Section } from './section.js';

/** Renders the comparison of several runs: a table of their best epochs, the arguments that differ, and their curves. */
export function renderComparisonSection(runs: readonly ReportedRun[], tools: ReportTools): Section {
  const figures = drawComparisonFigures(runs, tools);
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
        const validationValue = best?.row[`val_${name}_${metric}`];
        const trainingValue = best?.row[`${name}_${metric}`];
        return validationValue === undefined && trainingValue !== undefined
          ? `${formatMetric(metric, trainingValue)} (training)`
          : formatMetric(metric, validationValue);
      }),
      formatNumber(run.architecture.parameters),
      formatDuration(run.rows.reduce((sum, { seconds = 0 }) => sum + seconds, 0)),
    ];
  });
  const differences = findDifferingArguments(runs);
  const runNumbers = runs.map((_, i) => `${i + 1}.`);
  // With many runs, the table is transposed, because a page has more space for rows than for columns.
  const [argumentHeads, argumentRows] =
    runs.length <= 4 || differences.length >= runs.length
      ? [runNumbers, differences]
      : [
          differences.map(([name]) => name!),
          runNumbers.map((number, i) => [number, ...differences.map((values) => values[i + 1]!)]),
        ];
  const legend = runs.map((run, i) => renderLegendItem(getLineStyle(i), `${i + 1}. ${run.name}`));
  return {
    figures,
    html: html`<p class="lead">Values of each run at its best epoch, on its validation images.</p>
${renderTable('Best epochs', ['', 'best epoch', 'monitored', ...columns.map(([name, metric]) => `${name} ${metric}`), 'parameters', 'time'], rows)}
${differences.length > 0 && renderTable('Arguments that differ', ['', ...argumentHeads], argumentRows)}
<p class="legend">${legend}</p>
${renderFigures(figures)}`,
  };
}

/**
 * Returns a row for each argument that differs between runs. A row contains the name of the argument and its value in each run.
 */
function findDifferingArguments(runs: readonly ReportedRun[]): string[][] {
  const argumentNames = [...new Set(runs.flatMap((run) => Object.keys(run.arguments)))];
  return argumentNames
    .map((name) => [name, ...runs.map((run) => formatArgument(getOwnValue(run.arguments, name)))])
    .filter(([, first, ...others]) => others.some((value) => value !== first));
}
