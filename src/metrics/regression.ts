import { meanAbsoluteError, meanSquaredError } from '../losses/meanErrors.js';
import { createMetric, type Metric, type MetricName, type MetricOptions } from './metric.js';

/**
 * Mean absolute error in the unit of the target. The name of its history column is `mae`. Same as Keras 3 `MeanAbsoluteError`
 * (metrics/regression_metrics.py).
 *
 * @param options - `weighted`: whether the metric is weighted by sample weights. Default false.
 * @returns A metric for {@link regression}.
 * @example
 * ```ts
 * import { mae, regression } from 'tfjs-multitask';
 *
 * console.log(regression({ unit: 'years', metrics: [mae()] }).metrics.map((metric) => metric.name)); // ['mae']
 * ```
 * @category Losses and metrics
 */
export function mae<const Weighted extends boolean = false>(
  options: MetricOptions<Weighted> = {},
): Metric<MetricName<'mae', Weighted>> {
  return createMetric('mae', options, { mode: 'min', perExample: meanAbsoluteError().perExample });
}

/**
 * Mean squared error in the squared unit of the target. The name of its history column is `mse`. Same as Keras 3 `MeanSquaredError`
 * (metrics/regression_metrics.py).
 *
 * @param options - `weighted`: whether the metric is weighted by sample weights. Default false.
 * @returns A metric for {@link regression}.
 * @example
 * ```ts
 * import { mse, regression } from 'tfjs-multitask';
 *
 * console.log(regression({ unit: 'years', metrics: [mse()] }).metrics.map((metric) => metric.name)); // ['mse']
 * ```
 * @category Losses and metrics
 */
export function mse<const Weighted extends boolean = false>(
  options: MetricOptions<Weighted> = {},
): Metric<MetricName<'mse', Weighted>> {
  return createMetric('mse', options, { mode: 'min', perExample: meanSquaredError().perExample });
}

/**
 * Root mean squared error in the unit of the target. The name of its history column is `rmse`. The root is computed once, from the mean
 * over the whole epoch, as in Keras 3 `RootMeanSquaredError` (metrics/regression_metrics.py).
 *
 * @param options - `weighted`: whether the metric is weighted by sample weights. Default false.
 * @returns A metric for {@link regression}.
 * @example
 * ```ts
 * import { rmse, regression } from 'tfjs-multitask';
 *
 * console.log(regression({ unit: 'years', metrics: [rmse()] }).metrics.map((metric) => metric.name)); // ['rmse']
 * ```
 * @category Losses and metrics
 */
export function rmse<const Weighted extends boolean = false>(
  options: MetricOptions<Weighted> = {},
): Metric<MetricName<'rmse', Weighted>> {
  return createMetric('rmse', options, {
    mode: 'min',
    perExample: meanSquaredError().perExample,
    finalize: Math.sqrt,
  });
}
