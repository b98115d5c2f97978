import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { describeType, formatValue } from '../core/errors/formatValue.js';
import { didYouMean } from '../core/errors/suggestions.js';
import type { Metric, MetricColumn } from './metric.js';

/** Functions that create metrics, keyed by the name of the metric. */
export type MetricTable = { readonly [name: string]: () => Metric };

/**
 * Returns the metrics for the `metrics` option of a task, which is an array of metrics and of metric names from `table`.
 *
 * @throws An `argument` error for a value that is not an array, or for an element that is an unknown name or not
 *   a metric, and for two metrics with the same name.
 */
export function resolveMetrics<M extends Metric | string>(
  path: string,
  metrics: readonly M[],
  table: MetricTable,
): readonly Metric<MetricColumn<M>>[] {
  const names = Object.keys(table);
  checks.list(path, metrics, { noun: 'an array of metrics', advice: `Write metrics: ['${names[0]}'].` });
  const resolved = metrics.map((metric: unknown, i) => {
    if (typeof metric === 'string' && Object.hasOwn(table, metric)) return table[metric]!();
    if (typeof (metric as Partial<Metric> | null)?.perExample === 'function') return metric as Metric;
    throw createError({
      kind: 'argument',
      path: `${path}[${i}]`,
      expected: `a metric object, or the name ${checks.formatOptions(names)}`,
      received: typeof metric === 'string' ? formatValue(metric) : describeType(metric),
      advice:
        typeof metric === 'function'
          ? `Call the function: ${names[0]}(), not ${names[0]}.`
          : (didYouMean(String(metric), names) ?? 'Pass a metric that supports this kind of task.'),
    });
  }) as readonly Metric[] as readonly Metric<MetricColumn<M>>[];
  const columns = resolved.map((metric) => metric.name);
  checks.distinct(path, columns, {
    noun: 'metrics with different names',
    advice: 'Remove one of the two metrics, because each has a column of this name.',
  });
  return resolved;
}
