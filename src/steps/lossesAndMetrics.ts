import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import type { Network } from '../network/network.js';
import { tf } from '../tensor/tf.js';
import { withScope } from '../tensor/trace/tracer.js';

/** The targets of one task for a batch of `n`, as tensors. */
export interface TaskTargets {
  /** `[n, targetWidth]`; zeros where the label is missing. */
  readonly target: Tensor2D;
  /** `[n]`: 1 where there is a label, 0 where it is missing. */
  readonly present: Tensor1D;
  /** `[n]`: sample weight times class weight. */
  readonly weight: Tensor1D;
}

/**
 * The sums of one batch, as one vector so that a step is read back once:
 * `[total, penalty, (Σ w·loss, n) a task, (Σ metric, Σ weight) a metric]`, tasks and metrics in order.
 */
export interface BatchLosses {
  /** What is minimised: `Σ weight(task) · mean loss(task) + penalty`. A scalar. */
  readonly total: Tensor;
  readonly sums: Tensor1D;
}

/** How many numbers the sums of a batch are. */
export function getSumsLength({ tasks }: Network): number {
  return 2 + 2 * Object.values(tasks).reduce((count, { metrics }) => count + 1 + metrics.length, 0);
}

/** Judges a batch's predictions. Pure; differentiable in `predictions` and in `penalty`. */
export function computeLosses(
  network: Network,
  weights: { readonly [task: string]: number },
  predictions: readonly Tensor[],
  targets: readonly TaskTargets[],
  penalty: Tensor,
): BatchLosses {
  const entries = Object.entries(network.tasks);
  const parts: Tensor[] = [];
  const measures: Tensor[] = [];
  let total = penalty;
  entries.forEach(([name, task], i) => {
    const prediction = predictions[i] as Tensor2D;
    const { target, present, weight } = targets[i]!;
    const counted = tf.mul(present, weight);
    const count = tf.sum(present);
    const losses = withScope(`loss of ${name}`, () => task.loss.perExample(prediction, target));
    const sum = sumLabeled(losses, counted, present);
    // A batch without a label of this task says nothing: 0 / 1.
    total = tf.add(total, tf.mul(tf.div(sum, tf.maximum(count, 1)), weights[name]!));
    parts.push(sum, count);
    for (const metric of task.metrics) {
      const by = metric.weighted ? counted : present;
      const values = withScope(`metric ${name}_${metric.name}`, () => metric.perExample(prediction, target));
      measures.push(sumLabeled(values, by, present), tf.sum(by));
    }
  });
  return { total, sums: tf.stack([total, penalty, ...parts, ...measures]) as Tensor1D };
}

/** `Σ by·value` over the examples that have a label: what a loss makes of a missing label's zeros may be anything. */
function sumLabeled(values: Tensor1D, by: Tensor, present: Tensor): Tensor {
  return tf.sum(tf.mul(tf.where(tf.greater(present, 0), values, tf.zerosLike(values)), by));
}
