import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import type { Network } from '../network/network.js';
import { tf } from '../tensor/tf.js';
import { withScope } from '../tensor/trace/tracer.js';

/** Targets of one task for a batch of `n` images, as tensors. */
export interface TaskTargets {
  /** Encoded labels, shape `[n, targetWidth]`. A missing label is all zeros. */
  readonly target: Tensor2D;
  /** Shape `[n]`: 1 for a label, 0 for a missing label. */
  readonly present: Tensor1D;
  /** Shape `[n]`: sample weight times class weight. */
  readonly weight: Tensor1D;
}

/** Losses and metrics of one batch. */
export interface BatchLosses {
  /** Loss that the step minimizes, a scalar: `Σ weight(task) · mean loss(task) + penalty`. */
  readonly total: Tensor;
  /**
   * All sums of the batch, as one vector, so that a step reads back one tensor:
   *
   * - the total and the penalty,
   * - for each task, in order: `Σ weight · loss` and the number of labels,
   * - for each metric of each task, in order: `Σ weight · metric` and `Σ weight`.
   */
  readonly sums: Tensor1D;
}

/** Returns the length of {@link BatchLosses.sums}. */
export function getSumsLength({ tasks }: Network): number {
  return 2 + 2 * Object.values(tasks).reduce((count, { metrics }) => count + 1 + metrics.length, 0);
}

/**
 * Computes the losses and metrics of a batch. A pure function, differentiable in `predictions` and `penalty`.
 *
 * @param weights - Weight of the loss of each task.
 * @param predictions - Outputs of the network, in the order of the tasks.
 * @param targets - Targets, in the order of the tasks.
 * @param penalty - Sum of the L1 and L2 penalties, a scalar.
 */
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
    // The loss of a batch without a label of this task is 0 / 1.
    total = tf.add(total, tf.mul(tf.div(sum, tf.maximum(count, 1)), weights[name]!));
    parts.push(sum, count);
    for (const metric of task.metrics) {
      const factor = metric.weighted ? counted : present;
      const values = withScope(`metric ${name}_${metric.name}`, () => metric.perExample(prediction, target));
      measures.push(sumLabeled(values, factor, present), tf.sum(factor));
    }
  });
  return { total, sums: tf.stack([total, penalty, ...parts, ...measures]) as Tensor1D };
}

/**
 * Returns `Σ factor · value` over the examples with a label. The values of missing labels are replaced by 0 first: a loss of
 * their zeros may be NaN, which a factor of 0 would not remove.
 */
function sumLabeled(values: Tensor1D, factor: Tensor, present: Tensor): Tensor {
  return tf.sum(tf.mul(tf.where(tf.greater(present, 0), values, tf.zerosLike(values)), factor));
}
