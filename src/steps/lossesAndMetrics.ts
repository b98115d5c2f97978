import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import { formatShape } from '../core/arrays.js';
import { createArgumentError } from '../core/errors/errors.js';
import { describeType } from '../core/errors/formatValue.js';
import type { LogitActivation } from '../losses/loss.js';
import type { LayerGraph } from '../network/layerGraph.js';
import type { Network } from '../network/network.js';
import { tf } from '../tensor/tf.js';
import { withScope } from '../tensor/trace/tracer.js';

/** Tensors with the labels of one task for a batch of `n` images. */
export interface TaskTargets {
  /** Encoded labels, shape `[n, targetWidth]`. The row of an image without a label is all zeros. */
  readonly target: Tensor2D;
  /** Mask of shape `[n]`: 1 for an image with a label, 0 for an image without one. */
  readonly present: Tensor1D;
  /** Weights of the images, shape `[n]`: sample weight times class weight. */
  readonly weight: Tensor1D;
}

/** Losses and metrics of one batch, as tensors. */
export interface BatchLosses {
  /**
   * Loss that the step minimizes, as a scalar: `Σ weight(task) · mean loss(task) + penalty`, where `penalty` is the sum of the L1 and L2
   * penalties of the layers.
   */
  readonly total: Tensor;
  /**
   * Sums over the batch from which losses and metrics are computed. All sums are in one vector, so that only one tensor is read back after
   * a step:
   *
   * - the total loss and the regularization penalty,
   * - for each task, in order: `Σ weight · loss` and the number of labels,
   * - for each metric of each task, in order: `Σ weight · metric` and `Σ weight`.
   */
  readonly sums: Tensor1D;
}

/** Returns the length of {@link BatchLosses.sums}, which depends on the number of tasks and metrics. */
export function getSumsLength({ tasks }: Network): number {
  return 2 + 2 * Object.values(tasks).reduce((count, { metrics }) => count + 1 + metrics.length, 0);
}

/**
 * Computes the losses and metrics of a batch. This is a pure function of tensors, and differentiable with respect to `predictions` and
 * `penalty`.
 *
 * @param graph - Graph that computed `predictions`. Its outputs are predictions or logits, in the order of the tasks.
 * @param weights - Loss weights, keyed by task name.
 * @param predictions - Outputs of `graph` for the batch, in the order of the tasks.
 * @param targets - Labels, in the order of the tasks.
 * @param penalty - Sum of the L1 and L2 penalties of all layers, as a scalar.
 */
export function computeLosses(
  network: Network,
  { outputs }: Pick<LayerGraph, 'outputs'>,
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
    const { omittedActivation } = outputs[i]!;
    const output = predictions[i] as Tensor2D;
    const prediction = omittedActivation
      ? withScope(`prediction of ${name}`, () => applyActivation(omittedActivation, output))
      : output;
    const { target, present, weight } = targets[i]!;
    const counted = tf.mul(present, weight);
    const count = tf.sum(present);
    const loss = omittedActivation ? task.loss.fromLogits! : task.loss;
    const losses = withScope(`loss of ${name}`, () =>
      checkPerExample(`loss ${task.loss.name} of ${name}`, loss.perExample(output, target), output),
    );
    const sum = sumLabeled(losses, counted, present);
    // If no image of the batch has a label for this task, its loss is 0 / 1 instead of 0 / 0.
    total = tf.add(total, tf.mul(tf.div(sum, tf.maximum(count, 1)), weights[name]!));
    parts.push(sum, count);
    for (const metric of task.metrics) {
      const factor = metric.weighted ? counted : present;
      const values = withScope(`metric ${name}_${metric.name}`, () =>
        checkPerExample(`metric ${metric.name} of ${name}`, metric.perExample(prediction, target), output),
      );
      measures.push(sumLabeled(values, factor, present), tf.sum(factor));
    }
  });
  return { total, sums: tf.stack([total, penalty, ...parts, ...measures]) as Tensor1D };
}

/** Converts logits, shape `[batch, units]`, to probabilities. */
const applyActivation = (activation: LogitActivation, logits: Tensor2D): Tensor2D =>
  activation === 'sigmoid' ? tf.sigmoid(logits) : tf.softmax(logits);

/**
 * Returns `Σ factor · value` over the examples that have a label. Values of all other examples are replaced with 0 first, because they may
 * be NaN, and NaN times a factor of 0 would still be NaN.
 */
function sumLabeled(values: Tensor1D, factor: Tensor, present: Tensor): Tensor {
  return tf.sum(tf.mul(tf.where(tf.greater(present, 0), values, tf.zerosLike(values)), factor));
}

/**
 * Throws an `argument` error unless a loss or a metric, which a user may have written, returned one number per example: a tensor of shape
 * `[batch]`. Otherwise, a mean over the batch would be broadcast to all examples.
 */
function checkPerExample(path: string, values: unknown, { shape: [count] }: Tensor2D): Tensor1D {
  const { dataId, shape } = (values ?? {}) as Partial<Tensor>;
  const isTensor = dataId !== undefined && Array.isArray(shape);
  if (isTensor && shape.length === 1 && shape[0] === count) return values as Tensor1D;
  throw createArgumentError(
    path,
    'a tensor of shape [batch] with a number for each example',
    isTensor ? `a tensor of shape ${formatShape(shape)}` : describeType(values),
    'Return a tensor: reduce the last axis with tf.mean(..., 1), and do not use async functions.',
  );
}
