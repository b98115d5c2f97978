import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { formatValue } from '../core/errors/formatValue.js';
import { huber } from '../losses/huber.js';
import type { Loss } from '../losses/loss.js';
import { type LossTable, resolveLoss } from '../losses/lossByName.js';
import { meanAbsoluteError, meanSquaredError } from '../losses/meanErrors.js';
import type { Metric, MetricColumn } from '../metrics/metric.js';
import { resolveMetrics } from '../metrics/metricByName.js';
import { mae, mse, rmse } from '../metrics/regression.js';
import type { Task } from './task.js';

/**
 * Name of a loss for a regression task, as in Keras.
 *
 * @category Losses and metrics
 */
export type RegressionLossName = 'mse' | 'mean_squared_error' | 'mae' | 'mean_absolute_error' | 'huber';

/**
 * Name of a metric for a regression task.
 *
 * @category Losses and metrics
 */
export type RegressionMetricName = 'mae' | 'mse' | 'rmse';

const LOSSES: LossTable & { readonly [name in RegressionLossName]: () => Loss } = {
  mse: meanSquaredError,
  mean_squared_error: meanSquaredError,
  mae: meanAbsoluteError,
  mean_absolute_error: meanAbsoluteError,
  huber,
};
const UNIT_ADVICE = 'Write regression({ unit: "years" }). Figures and tables show the unit.';
const METRICS: { readonly [name in RegressionMetricName]: () => Metric } = { mae, mse, rmse };

/**
 * Options for {@link regression}.
 *
 * @category Compose
 */
export interface RegressionOptions<M extends RegressionMetricName | Metric = RegressionMetricName | Metric> {
  /** Unit of the target, which figures and tables show, for example `years`. */
  readonly unit: string;
  /** Loss, or the name of a loss. Default `mse`, which is {@link meanSquaredError}. */
  readonly loss?: Loss | RegressionLossName;
  /** Metrics, or names of metrics. Default `['mae']`. */
  readonly metrics?: readonly M[];
}

/**
 * Creates a task that predicts a number. Its head is a dense layer with one unit and a linear activation. Labels and predictions are finite
 * numbers in `unit`.
 *
 * @param options - `unit` is required. `loss` is `mse`, `mae`, `huber` or a {@link Loss}. `metrics` lists `mae`, `mse`, `rmse` or metrics
 *   of type {@link Metric}.
 * @returns A task for `multiTask().task()`.
 * @throws An `argument` error for an empty unit, or an unknown loss or metric.
 * @example
 * ```ts
 * import { regression } from 'tfjs-multitask';
 *
 * const age = regression({ unit: 'years', loss: 'mae', metrics: ['mae', 'rmse'] });
 * console.log(age.loss.name, age.decode([31.4])); // mean_absolute_error 31.4
 * ```
 * @category Compose
 */
export function regression<const M extends RegressionMetricName | Metric = 'mae'>(
  options: RegressionOptions<M>,
): Task<'regression', number, number, MetricColumn<M>> {
  checks.options('regression', options, { unit: true, loss: true, metrics: true }, { advice: UNIT_ADVICE });
  const { unit, loss = 'mse', metrics = ['mae'] as readonly string[] as readonly M[] } = options;
  checks.string('regression.unit', unit, {
    noun: 'the unit of the target, such as "years"',
    advice: UNIT_ADVICE,
  });
  return {
    kind: 'regression',
    units: 1,
    activation: 'linear',
    loss: resolveLoss('regression.loss', loss, LOSSES),
    metrics: resolveMetrics('regression.metrics', metrics, METRICS),
    unit,
    targetWidth: 1,
    encode: (label, path) => {
      if (typeof label === 'number' && Math.abs(label) <= checks.MAX_FLOAT) return [label];
      throw createError({
        kind: 'data',
        path,
        expected: `a finite number (${unit})${Number.isFinite(label) ? ` of at most ${checks.MAX_FLOAT}` : ''}`,
        received: formatValue(label),
        advice: 'Fix the label, or leave it undefined to exclude the image from this task.',
      });
    },
    decode: (output) => output[0]!,
  };
}
