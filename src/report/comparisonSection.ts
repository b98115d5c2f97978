import { comparisonFigures, lookOf } from './comparisonFigures.js';
import { argumentWords, duration, figure, metricValue } from './format.js';
import { figures, html, table } from './html.js';
import type { ReportedRun } from './readRun.js';
import { bestOf, legendItem } from './runSections.js';
import type { Section } from './taskSection.js';
import type { ReportTools } from './tools.js';

/** Best epochs of several runs in a table, and their curves over each other. */
export function comparisonSection(runs: readonly ReportedRun[], tools: ReportTools): Section {
  const drawn = comparisonFigures(runs, tools);
  const columns = [
    ...new Set(
      runs.flatMap(({ tasks }) =>
        tasks.flatMap(({ name, metrics }) => metrics.map((metric) => JSON.stringify([name, metric]))),
      ),
    ),
  ].map((key) => JSON.parse(key) as [string, string]);
  const rows = runs.map((run, i) => {
    const best = bestOf(run);
    return [
      `${i + 1}. ${run.name}`,
      best ? String(best.epoch) : 'n/a',
      figure(best?.row[run.monitor]),
      ...columns.map(([name, metric]) => {
        const validated = best?.row[`val_${name}_${metric}`];
        const trained = best?.row[`${name}_${metric}`];
        return validated === undefined && trained !== undefined
          ? `${metricValue(metric, trained)} (training)`
          : metricValue(metric, validated);
      }),
      figure(run.architecture.parameters),
      duration(run.rows.reduce((sum, { seconds = 0 }) => sum + seconds, 0)),
    ];
  });
  const differing = differences(runs);
  const places = runs.map((_, i) => `${i + 1}.`);
  // Many runs go down the page, where there is room.
  const [heads, lines] =
    runs.length <= 4 || differing.length >= runs.length
      ? [places, differing]
      : [
          differing.map(([name]) => name!),
          places.map((place, i) => [place, ...differing.map((values) => values[i + 1]!)]),
        ];
  const legend = runs.map((run, i) => legendItem(lookOf(i), `${i + 1}. ${run.name}`));
  return {
    figures: drawn,
    html: html`<p class="lead">Each run at its best epoch, on its own validation images.</p>
${table('Best epochs', ['', 'best epoch', 'monitored', ...columns.map(([name, metric]) => `${name} ${metric}`), 'parameters', 'time'], rows)}
${differing.length > 0 && table('Where their arguments differ', ['', ...heads], lines)}
<p class="legend">${legend}</p>
${figures(drawn)}`,
  };
}

/** Arguments that are not the same in all runs: a row each. */
function differences(runs: readonly ReportedRun[]): string[][] {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.arguments)))];
  return names
    .map((name) => [
      name,
      ...runs.map(({ arguments: said }) => argumentWords(Object.hasOwn(said, name) ? said[name] : undefined)),
    ])
    .filter(([, first, ...others]) => others.some((value) => value !== first));
}
