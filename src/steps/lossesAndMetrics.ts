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

/**
 * How an epoch's task losses are averaged: over examples, or over batches as Keras logs them in graph mode.
 *
 * @category Train
 */
export type LossAverage = 'examples' | 'batches';

/**
 * The running means of an epoch. Plain numbers, so that a checkpoint can hold them and a resumed epoch goes on to the
 * same bit.
 */
export interface MetricAccumulator {
  /** Adds one batch of `size` examples: the vector of {@link Judged.sums}. */
  add(sums: ArrayLike<number>, size: number): void;
  /** `loss`, then `age_loss`, `age_mae`, … with `prefix` before each. Tasks without a label so far have no entry. */
  toLogs(prefix?: string): Record<string, number>;
  /** What {@link createMetricAccumulator} takes to go on. */
  getState(): number[];
}

/** An empty tally, or one that goes on from `state`. */
export function createMetricAccumulator(
  network: Network,
  average: LossAverage,
  state?: readonly number[],
): MetricAccumulator {
  const tasks = Object.entries(network.tasks);
  const metrics = tasks.flatMap(([name, task]) => task.metrics.map((metric) => ({ name, metric })));
  // [examples, Σ total·size, then (Σ, count) a task and a metric]
  const sums = state ? [...state] : new Array<number>(2 + 2 * (tasks.length + metrics.length)).fill(0);
  return {
    add: (batch, size) => {
      sums[0]! += size;
      sums[1]! += batch[0]! * size;
      for (let i = 2; i < sums.length; i += 2) {
        const byBatch = average === 'batches' && i < 2 + 2 * tasks.length;
        const count = batch[i + 1]!;
        sums[i]! += byBatch ? (count > 0 ? batch[i]! / count : 0) : batch[i]!;
        sums[i + 1]! += byBatch ? (count > 0 ? 1 : 0) : count;
      }
    },
    toLogs: (prefix = '') => {
      const logs: Record<string, number> = {};
      if (sums[0]! > 0) logs[`${prefix}loss`] = sums[1]! / sums[0]!;
      let metricAt = 2 + 2 * tasks.length;
      tasks.forEach(([name, task], i) => {
        const at = 2 + 2 * i;
        if (sums[at + 1]! > 0) logs[`${prefix}${name}_loss`] = sums[at]! / sums[at + 1]!;
        for (const metric of task.metrics) {
          if (sums[metricAt + 1]! > 0) {
            const mean = sums[metricAt]! / sums[metricAt + 1]!;
            logs[`${prefix}${name}_${metric.name}`] = metric.finalize ? metric.finalize(mean) : mean;
          }
          metricAt += 2;
        }
      });
      return logs;
    },
    getState: () => [...sums],
  };
}
