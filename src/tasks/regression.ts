import { createError, formatValue } from '../core/errors/errors.js';
import type { Loss } from '../losses/loss.js';
import { meanSquaredError } from '../losses/meanErrors.js';
import type { Metric } from '../metrics/metric.js';
import { mae } from '../metrics/regression.js';
import type { Task } from './task.js';

/**
 * Options of {@link regression}.
 *
 * @category Compose
 */
export interface RegressionOptions<M extends string = string> {
  /** Unit of the target, for axes and tables: `years`. */
  readonly unit: string;
  /** Default {@link meanSquaredError}. */
  readonly loss?: Loss;
  /** Default `[mae()]`. */
  readonly metrics?: readonly Metric<M>[];
}

/**
 * A question whose answer is a number. The head is a dense layer of one unit, linear; labels are finite numbers in
 * `unit`, and so is the prediction.
 *
 * @throws `argument` fault for an empty unit.
 * @example
 * ```ts
 * import { regression } from 'tfjs-multitask';
 *
 * const age = regression({ unit: 'years' });
 * console.log(age.loss.name, age.decode([31.4])); // mean_squared_error 31.4
 * ```
 * @category Compose
 */
export function regression<const M extends string = 'mae'>(
  options: RegressionOptions<M>,
): Task<'regression', number, number, M> {
  const {
    unit,
    loss = meanSquaredError(),
    metrics = [mae()] as readonly Metric[] as readonly Metric<M>[],
  } = options;
  if (typeof unit !== 'string' || unit.trim() === '') {
    throw createError({
      kind: 'argument',
      path: 'regression.unit',
      expected: 'the unit of the target, such as "years"',
      received: JSON.stringify(unit) ?? String(unit),
      advice: 'Figures and tables print it; give "points" or "share" when nothing better fits.',
    });
  }
  return {
    kind: 'regression',
    units: 1,
    activation: 'linear',
    loss,
    metrics,
    unit,
    targetWidth: 1,
    encode: (label, path) => {
      if (typeof label === 'number' && Number.isFinite(label)) return [label];
      throw createError({
        kind: 'data',
        path,
        expected: `a finite number (${unit})`,
        received: formatValue(label),
        advice: 'Mend the label, or leave it undefined: a missing label is masked and never counted.',
      });
    },
    decode: (output) => output[0]!,
  };
}
