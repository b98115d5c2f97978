import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import * as checks from '../core/errors/checks.js';

/**
 * Metric that computes one value for each prediction in a batch. Its value for an epoch is the mean over all labeled examples, so it does
 * not depend on the batch size.
 *
 * @category Losses and metrics
 */
export interface Metric<Name extends string = string> {
  /** Name of the metric, which is the last part of the names of its history columns, for example `mae` in `val_age_mae`. */
  readonly name: Name;
  /**
   * Whether a lower (`min`) or a higher (`max`) value is better. Callbacks that monitor this metric use this value as their default mode.
   */
  readonly mode: 'min' | 'max';
  /**
   * Whether the metric is weighted by the sample weights `w`. If so, its value for an epoch is `Σ w·m / Σ w`, where `m` are the values of
   * the examples, instead of the plain mean.
   */
  readonly weighted: boolean;
  /**
   * Computes one value for each example. `prediction` and `target` have the shape `[batch, units]`, and the result has the shape `[batch]`,
   * as in {@link Loss.perExample}.
   */
  perExample(prediction: Tensor2D, target: Tensor2D): Tensor1D;
  /** Converts the mean over the examples to the value of the metric, for example with a square root. Default: the value is the mean. */
  readonly finalize?: (mean: number) => number;
}

/**
 * Options that all metrics have in common.
 *
 * @category Losses and metrics
 */
export interface MetricOptions<Weighted extends boolean = boolean> {
  /**
   * Whether to weight each example by its sample weight. The name of a weighted metric begins with `weighted_`. Default false, as in Keras.
   */
  readonly weighted?: Weighted;
}

/**
 * Name of a metric, for example `mae`, or `weighted_mae` if the metric is weighted.
 *
 * @category Losses and metrics
 */
export type MetricName<Name extends string, Weighted extends boolean> = Weighted extends true
  ? `weighted_${Name}`
  : Name;

/** Name that a metric has in the columns of the history. `M` is a {@link Metric} or the name of a metric. */
export type MetricColumn<M> = M extends Metric<infer Name> ? Name : M extends string ? M : never;

/** Creates a metric. If it is weighted, its name begins with `weighted_`. */
export function createMetric<Name extends string, Weighted extends boolean>(
  name: Name,
  options: MetricOptions<Weighted>,
  formula: Pick<Metric, 'mode' | 'perExample' | 'finalize'>,
): Metric<MetricName<Name, Weighted>> {
  checks.options(name, options, { weighted: true });
  const weighted = options.weighted ?? false;
  checks.boolean(`${name}.weighted`, weighted, { advice: 'Omit it to use the default, false.' });
  return {
    ...formula,
    name: (weighted ? `weighted_${name}` : name) as MetricName<Name, Weighted>,
    weighted,
  };
}
