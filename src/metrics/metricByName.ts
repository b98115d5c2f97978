import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { describeType, formatValue } from '../core/errors/formatValue.js';
import { didYouMean } from '../core/errors/suggestions.js';
import type { Metric, MetricColumn } from './metric.js';

/** Functions that create metrics, keyed by the names of the metrics. */
export type MetricTable = { readonly [name: string]: () => Metric };

/**
 * Returns the metrics of a task's `metrics` option, which is an array of metrics and names in `table`.
 *
 * @throws `argument` error for a value that is not an array, an unknown name, and a value that is not a metric.
 */
export function resolveMetrics<M extends Metric | string>(
  path: string,
  metrics: readonly M[],
  table: MetricTable,
): readonly Metric<MetricColumn<M>>[] {
  const names = Object.keys(table);
  checks.list(path, metrics, { noun: 'an array of metrics', advice: `Write metrics: ['${names[0]}'].` });
  return metrics.map((metric: unknown, i) => {
    if (typeof metric === 'string' && Object.hasOwn(table, metric)) return table[metric]!();
    if (typeof (metric as Partial<Metric> | null)?.perExample === 'function') return metric as Metric;
    throw createError({
      kind: 'argument',
      path: `${path}[${i}]`,
      expected: `a metric, or ${checks.formatOptions(names)}`,
      received: typeof metric === 'string' ? formatValue(metric) : describeType(metric),
      advice:
        typeof metric === 'function'
          ? `Call the function: ${names[0]}(), not ${names[0]}.`
          : (didYouMean(String(metric), names) ?? 'Use a metric of this kind of task.'),
    });
  }) as readonly Metric[] as readonly Metric<MetricColumn<M>>[];
}
