import type { Tensor1D } from '@tensorflow/tfjs';
import { tf } from '../tensor/tf.js';
import { createMetric, type Metric, type MetricName, type MetricOptions } from './metric.js';

/**
 * Creates the `accuracy` metric: the fraction of examples whose predicted label is correct, 0 to 1. With one output, a probability above
 * 0.5 predicts the second label. With several outputs, the label with the largest output is predicted. If several labels have the largest
 * output, the first of them is predicted. If an output is NaN, the accuracy is NaN. Equivalent to Keras 3 `accuracy` (metrics/accuracy_metrics.py, `BinaryAccuracy` and
 * `CategoricalAccuracy`).
 *
 * @param options - `weighted`: whether to weight each example by its sample weight. Default false.
 * @returns A metric for {@link binary} and {@link categorical}.
 * @example
 * ```ts
 * import { accuracy, binary } from 'tfjs-multitask';
 *
 * const gender = binary(['male', 'female'], { metrics: [accuracy()] });
 * console.log(gender.metrics.map((metric) => metric.name)); // ['accuracy']
 * ```
 * @category Losses and metrics
 */
export function accuracy<const Weighted extends boolean = false>(
  options: MetricOptions<Weighted> = {},
): Metric<MetricName<'accuracy', Weighted>> {
  return createMetric('accuracy', options, {
    mode: 'max',
    perExample: (prediction, target) => {
      const hit =
        prediction.shape[1] === 1
          ? tf.reshape(tf.equal(tf.cast(tf.greater(prediction, 0.5), 'float32'), target), [-1])
          : tf.equal(tf.argMax(prediction, 1), tf.argMax(target, 1));
      // The product is 0, or NaN if an output is NaN. Comparisons with NaN would count as incorrect, or as the first label.
      return tf.add(tf.cast(hit, 'float32'), tf.mul(tf.sum(prediction, 1), 0)) as Tensor1D;
    },
  });
}
