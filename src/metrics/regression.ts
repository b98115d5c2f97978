import { meanAbsoluteError, meanSquaredError } from '../losses/meanErrors.js';
import { createMetric, type Metric, type MetricName, type MetricOptions } from './metric.js';

/**
 * Creates the `mae` metric: the mean absolute error in the unit of the target. Equivalent to Keras 3 `MeanAbsoluteError`
 * (metrics/regression_metrics.py).
 *
 * @param options - `weighted`: whether to weight each example by its sample weight. Default false.
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
 * Creates the `mse` metric: the mean squared error in the squared unit of the target. Equivalent to Keras 3 `MeanSquaredError`
 * (metrics/regression_metrics.py).
 *
 * @param options - `weighted`: whether to weight each example by its sample weight. Default false.
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
 * Creates the `rmse` metric: the root mean squared error in the unit of the target. The root is computed from the mean over the whole
 * epoch, as in Keras 3 `RootMeanSquaredError` (metrics/regression_metrics.py).
 *
 * @param options - `weighted`: whether to weight each example by its sample weight. Default false.
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
