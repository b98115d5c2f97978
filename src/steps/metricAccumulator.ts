import type { Network } from '../network/network.js';

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
