import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs';

/**
 * A metric as a pure function of a batch; its value for an epoch is the mean over all labelled examples, however they
 * were batched.
 *
 * @category Losses and metrics
 */
export interface Metric<Name extends string = string> {
  /** The last part of the column's name: `mae` in `val_age_mae`. */
  readonly name: Name;
  /** Whether less or more is better: what a monitor's mode is inferred from. */
  readonly mode: 'min' | 'max';
  /** Whether sample weights count: `Σ w·m / Σ w` instead of the plain mean. */
  readonly weighted: boolean;
  /** `prediction`, `target`: `[batch, units]`, as for a loss. Returns `[batch]`. */
  perExample(prediction: Tensor2D, target: Tensor2D): Tensor1D;
  /** From the mean over the examples to the metric's value (a square root, say); the mean itself when absent. */
  readonly finalize?: (mean: number) => number;
}

/**
 * Options that every metric takes.
 *
 * @category Losses and metrics
 */
export interface MetricOptions<Weighted extends boolean = boolean> {
  /** Count examples by their sample weights; the name then begins with `weighted_`. Default false, as in Keras. */
  readonly weighted?: Weighted;
}

/**
 * `mae`, or `weighted_mae`.
 *
 * @category Losses and metrics
 */
export type MetricName<Name extends string, Weighted extends boolean> = Weighted extends true
  ? `weighted_${Name}`
  : Name;

/** A metric from its parts, named by whether it is weighted. */
export function createMetric<Name extends string, Weighted extends boolean>(
  name: Name,
  options: MetricOptions<Weighted>,
  rest: Pick<Metric, 'mode' | 'perExample' | 'finalize'>,
): Metric<MetricName<Name, Weighted>> {
  const weighted = options.weighted ?? false;
  return {
    ...rest,
    name: (weighted ? `weighted_${name}` : name) as MetricName<Name, Weighted>,
    weighted,
  };
}
