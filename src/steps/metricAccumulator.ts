import type { Network } from '../network/network.js';

/**
 * Method of averaging the task losses of an epoch: over all examples, or over batches, as Keras logs them in graph mode. The two averages
 * differ if the last batch is smaller than the others.
 *
 * @category Train
 */
export type LossAverage = 'examples' | 'batches';

/**
 * Object that computes the mean losses and metrics of an epoch, batch by batch. Its state consists of plain numbers, so that a checkpoint
 * can store it and a resumed epoch continues bit for bit.
 */
export interface MetricAccumulator {
  /** Adds the results of one batch of `size` examples. `sums` is `BatchLosses.sums` of that batch. */
  add(sums: ArrayLike<number>, size: number): void;
  /**
   * Returns the means so far, keyed by history column: `loss`, then `age_loss`, `age_mae` and so on. `prefix` is prepended to each key. A
   * task has no columns until the first example with a label for this task.
   */
  toLogs(prefix?: string): Record<string, number>;
  /** Returns the state for a checkpoint. Pass it to {@link createMetricAccumulator} to continue. */
  getState(): number[];
}

/**
 * Creates an accumulator for the losses and metrics of an epoch. If the state of an earlier accumulator is passed, the new accumulator
 * continues from that state.
 */
export function createMetricAccumulator(
  network: Network,
  average: LossAverage,
  state?: readonly number[],
): MetricAccumulator {
  const tasks = Object.entries(network.tasks);
  const metrics = tasks.flatMap(([name, task]) => task.metrics.map((metric) => ({ name, metric })));
  // [examples, Σ total · size, then a sum and a count for each task, then the same for each metric]
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
