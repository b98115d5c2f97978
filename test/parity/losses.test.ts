import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  accuracy,
  binary,
  binaryCrossentropy,
  categorical,
  categoricalCrossentropy,
  huber,
  type Loss,
  mae,
  meanAbsoluteError,
  meanSquaredError,
  mse,
  regression,
  rmse,
} from '../../src/entries/node.js';
import type { Network } from '../../src/network/network.js';
import { computeLosses } from '../../src/steps/lossesAndMetrics.js';
import { createMetricAccumulator } from '../../src/steps/metricAccumulator.js';
import type { AnyTask } from '../../src/tasks/task.js';
import { loadWasmBackend } from '../../src/tensor/backends/wasmBackend.js';
import { expectClose, expectCloseToLargest } from './close.js';
import { type FixtureArray, fixture, numbers } from './fixture.js';

const keras = fixture<{
  losses: { [name: string]: Record<'prediction' | 'target' | 'value' | 'gradient', FixtureArray> };
  logit_losses: { [name: string]: Record<'logits' | 'target' | 'value' | 'gradient', FixtureArray> };
  metrics: {
    [name: string]: Record<'prediction' | 'target' | 'weights', FixtureArray> & {
      plain: number;
      weighted: number;
    };
  };
}>('losses');

beforeAll(() => loadWasmBackend());

const tensor = (array: FixtureArray) => tf.tensor2d(numbers(array), array.shape as [number, number]);

describe('the loss functions in the Keras fixture', () => {
  const cases: { [name: string]: Loss } = {
    mean_squared_error: meanSquaredError(),
    mean_absolute_error: meanAbsoluteError(),
    huber: huber(),
    'huber of 2.5': huber({ delta: 2.5 }),
    binary_crossentropy: binaryCrossentropy(),
    categorical_crossentropy: categoricalCrossentropy(),
  };
  test('are all tested', () => {
    expect(Object.keys(cases).sort()).toEqual(Object.keys(keras.losses).sort());
  });
  test.each(Object.entries(cases))(
    'have the same values and gradients in this library as in Keras: %s',
    (name, loss) => {
      const expected = keras.losses[name]!;
      const [prediction, target] = [tensor(expected.prediction), tensor(expected.target)];
      const value = loss.perExample(prediction, target);
      expectCloseToLargest(value.dataSync(), numbers(expected.value), 1e-6, 'loss');
      const gradient = tf.grad((p: Tensor) => tf.sum(loss.perExample(p as Tensor2D, target)))(prediction);
      const theirs = numbers(expected.gradient);
      gradient.dataSync().forEach((g, i) => {
        expectClose([g], [theirs[i]!], 1e-5 * Math.max(1, Math.abs(theirs[i]!)), `gradient ${i}`);
      });
      expect(name.split(' ')[0]).toBe(loss.name);
    },
  );
});

describe('the cross-entropy losses from logits in the Keras fixture', () => {
  const cases: { [name: string]: Loss } = {
    binary_crossentropy: binaryCrossentropy(),
    categorical_crossentropy: categoricalCrossentropy(),
  };
  test('are all tested', () => {
    expect(Object.keys(cases).sort()).toEqual(Object.keys(keras.logit_losses).sort());
  });
  test.each(Object.entries(cases))(
    'have the same values and gradients in this library as in Keras: %s',
    (name, { fromLogits }) => {
      const expected = keras.logit_losses[name]!;
      const [logits, target] = [tensor(expected.logits), tensor(expected.target)];
      const perExample = (z: Tensor) => fromLogits!.perExample(z as Tensor2D, target);
      const values = numbers(expected.value);
      perExample(logits)
        .dataSync()
        .forEach((value, i) => {
          expectClose([value], [values[i]!], 1e-6 * Math.max(1, values[i]!), `loss ${i}`);
        });
      const gradient = tf.grad((z: Tensor) => tf.sum(perExample(z)))(logits);
      expectClose(gradient.dataSync(), numbers(expected.gradient), 1e-6, 'gradient');
      expect(Math.max(...values)).toBeGreaterThan(100);
    },
  );
});

describe('the metrics in the Keras fixture', () => {
  const years = (metrics: readonly ReturnType<typeof mae>[]) =>
    ({ ...regression({ unit: 'years', metrics: metrics as never }), units: 2, targetWidth: 2 }) as AnyTask;
  const cases: { [name: string]: AnyTask } = {
    mae: years([mae(), mae({ weighted: true })] as never),
    mse: years([mse(), mse({ weighted: true })] as never),
    rmse: years([rmse(), rmse({ weighted: true })] as never),
    'binary accuracy': binary(['a', 'b'], { metrics: [accuracy(), accuracy({ weighted: true })] }),
    'categorical accuracy': categorical(['a', 'b', 'c'], {
      metrics: [accuracy(), accuracy({ weighted: true })],
    }),
  };
  test('are all tested', () => {
    expect(Object.keys(cases).sort()).toEqual(Object.keys(keras.metrics).sort());
  });
  test.each(Object.entries(cases))(
    'have the same plain and weighted averages over several batches as in Keras: %s',
    (name, task) => {
      const expected = keras.metrics[name]!;
      const network = { tasks: { y: task } } as unknown as Network;
      const graph = { outputs: [{ tensorId: 0, name: 'y', shape: [task.units] }] };
      const means = createMetricAccumulator(network, 'examples');
      const all = [tensor(expected.prediction), tensor(expected.target)] as const;
      const weights = tf.tensor1d(numbers(expected.weights));
      for (const [from, count] of [
        [0, 5],
        [5, 5],
        [10, 2],
      ] as const) {
        const rows = (values: Tensor2D) => tf.slice(values, [from, 0], [count, -1]);
        const [prediction, target] = all.map(rows);
        const weight = tf.slice(weights, [from], [count]) as Tensor1D;
        const targets = [{ target: target!, present: tf.ones([count]) as Tensor1D, weight }];
        means.add(
          computeLosses(network, graph, { y: 1 }, [prediction!], targets, tf.scalar(0)).sums.dataSync(),
          count,
        );
      }
      const logs = means.toLogs();
      const [plain, weighted] = task.metrics.map((metric) => logs[`y_${metric.name}`]!);
      expectCloseToLargest([plain!], [expected.plain], 1e-6, 'plain');
      expectCloseToLargest([weighted!], [expected.weighted], 1e-6, 'weighted');
      expect(expected.plain).not.toBeCloseTo(expected.weighted, 3);
    },
  );
});
