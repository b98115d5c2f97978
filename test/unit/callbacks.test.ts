import { describe, expect, test } from 'vitest';
import {
  bestCheckpoint,
  type Callback,
  earlyStopping,
  jsonLinesLogger,
  memoryStore,
  reduceLROnPlateau,
  terminateOnNaN,
} from '../../src/entries/node.js';

/** Drives a callback through epochs of given values, without a network. */
async function drive(callback: Callback<'val_loss'> | Callback, values: readonly number[]) {
  const saved: string[] = [];
  const history: { epoch: number; val_loss: number }[] = [];
  let stopped = false;
  let restored: number | undefined;
  const rates: number[] = [];
  const run = {
    tasks: [],
    engine: { name: 'wasm', reason: 'asked for by name' } as const,
    monitorModes: { val_loss: 'min' as const },
    epochs: values.length,
    history,
    learningRate: 1,
    setLearningRate: (rate: number) => {
      run.learningRate = rate;
    },
    stop: () => {
      stopped = true;
    },
    getWeights: () =>
      Promise.resolve({ epoch: { data: new Float32Array([history.length]), shape: [1] } } as never),
    setWeights: (weights: never) => {
      restored = (weights as { epoch: { data: Float32Array } }).epoch.data[0];
    },
    save: (_: unknown, folder: string) => {
      saved.push(folder);
      return Promise.resolve();
    },
  };
  const listener = await callback.create(run, undefined);
  for (const [i, val_loss] of values.entries()) {
    const row = { epoch: i + 1, val_loss };
    history.push(row);
    await listener.onEpochEnd?.({ epoch: i + 1, row });
    rates.push(run.learningRate);
    if (stopped) break;
  }
  await listener.onTrainEnd?.('finished');
  return { epochs: history.length, restored, rates, saved, stopped };
}

describe('early stopping, as Keras 3.15 was seen to do it,', () => {
  const table = [
    {
      why: 'patience 0 stops at the first miss',
      options: { patience: 0 },
      values: [1, 0.9, 0.95, 0.8],
      epochs: 3,
    },
    { why: 'patience 1 does the same', options: { patience: 1 }, values: [1, 0.9, 0.95, 0.8], epochs: 3 },
    { why: 'patience 3', options: { patience: 3 }, values: [1, 0.9, 0.95, 0.95, 0.95, 0.95], epochs: 5 },
    {
      why: 'minDelta .1',
      options: { patience: 2, minDelta: 0.1 },
      values: [1, 0.95, 0.91, 0.85],
      epochs: 3,
      best: 1,
    },
    { why: 'NaN first', options: { patience: 2 }, values: [Number.NaN, 1, 0.5, 0.4], epochs: 3, best: 1 },
    { why: 'ties keep the first', options: { patience: 9 }, values: [1, 0.5, 0.5, 0.6], epochs: 4, best: 2 },
  ];
  test.each(table)('$why', async ({ options, values, epochs, best }) => {
    const result = await drive(earlyStopping({ ...options, restoreBestWeights: true }), values);
    expect(result.epochs).toBe(epochs);
    if (best !== undefined) expect(result.restored).toBe(best);
  });
});

test('seven constant epochs with patience 2 halve the rate three times, with a cooldown of 2 twice', async () => {
  const values = [1, 1, 1, 1, 1, 1, 1];
  const rates = async (cooldown: number) =>
    (await drive(reduceLROnPlateau({ factor: 0.5, patience: 2, cooldown }), values)).rates.at(-1);
  expect(await rates(0)).toBe(1 / 8);
  expect(await rates(2)).toBe(1 / 4);
});

test('only strict improvements are saved, under names as Keras formats them', async () => {
  const name = '{epoch:02d}-{val_loss:.3f}';
  const { saved } = await drive(bestCheckpoint(memoryStore(), { folder: name }), [1, 0.5, 0.5, 0.4, 0.9]);
  expect(saved).toEqual(['01-1.000', '02-0.500', '04-0.400']);
  expect((await drive(bestCheckpoint(memoryStore()), [Number.NaN, 1])).saved).toEqual(['best']);
});

test('a line of JSON is added after each epoch', async () => {
  const store = memoryStore();
  await drive(jsonLinesLogger(store), [1, 0.5]);
  const text = new TextDecoder().decode(await store.read('history.jsonl'));
  expect(text).toBe('{"epoch":1,"val_loss":1}\n{"epoch":2,"val_loss":0.5}\n');
});

test('a loss that is not finite ends the run', async () => {
  let reason: string | undefined;
  const run = {
    stop: (why: string) => {
      reason = why;
    },
  };
  const listener = await terminateOnNaN().create(run as never, undefined);
  await listener.onBatchEnd?.({ epoch: 1, batch: 1, batches: 2, loss: 3, logs: {} });
  expect(reason).toBeUndefined();
  await listener.onBatchEnd?.({ epoch: 1, batch: 2, batches: 2, loss: Number.NaN, logs: {} });
  expect(reason).toBe('the loss was NaN in epoch 1, step 2');
});
