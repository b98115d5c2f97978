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
import { createHooks } from '../../src/training/callback.js';

/** Calls the hooks of a callback for epochs with the given values of val_loss, without a network. */
async function drive(callback: Callback<'val_loss'> | Callback, values: readonly number[]) {
  const saved: string[] = [];
  const history: { epoch: number; val_loss: number }[] = [];
  let stopped = false;
  let restored: number | undefined;
  const rates: number[] = [];
  const run = {
    tasks: [],
    engine: { name: 'wasm', reason: 'requested by name' } as const,
    monitorModes: { val_loss: 'min' as const },
    monitor: { column: 'val_loss', mode: 'min' as const },
    resumed: false,
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
  const hooks = await createHooks(callback, run);
  await hooks.onTrainBegin?.(run);
  for (const [i, val_loss] of values.entries()) {
    const row = { epoch: i + 1, val_loss };
    history.push(row);
    await hooks.onEpochEnd?.({ epoch: i + 1, row }, run);
    rates.push(run.learningRate);
    if (stopped) break;
  }
  await hooks.onTrainEnd?.('finished', run);
  return { epochs: history.length, restored, rates, saved, stopped };
}

describe('earlyStopping', () => {
  const table = [
    {
      title: 'patience 0 stops at the first epoch without improvement',
      options: { patience: 0 },
      values: [1, 0.9, 0.95, 0.8],
      epochs: 3,
    },
    {
      title: 'patience 1 stops at the first epoch without improvement',
      options: { patience: 1 },
      values: [1, 0.9, 0.95, 0.8],
      epochs: 3,
    },
    {
      title: 'patience 3 stops after three epochs without improvement',
      options: { patience: 3 },
      values: [1, 0.9, 0.95, 0.95, 0.95, 0.95],
      epochs: 5,
    },
    {
      title: 'minDelta 0.1 ignores smaller improvements',
      options: { patience: 2, minDelta: 0.1 },
      values: [1, 0.95, 0.91, 0.85],
      epochs: 3,
      best: 1,
    },
    {
      title: 'NaN in the first epoch is never improved',
      options: { patience: 2 },
      values: [Number.NaN, 1, 0.5, 0.4],
      epochs: 3,
      best: 1,
    },
    {
      title: 'a tie keeps the first epoch',
      options: { patience: 9 },
      values: [1, 0.5, 0.5, 0.6],
      epochs: 4,
      best: 2,
    },
  ];
  test.each(table)('behaves as in Keras 3.15: $title', async ({ options, values, epochs, best }) => {
    const result = await drive(earlyStopping({ ...options, restoreBestWeights: true }), values);
    expect(result.epochs).toBe(epochs);
    if (best !== undefined) expect(result.restored).toBe(best);
  });
});

test('reduceLROnPlateau with patience 2 reduces the learning rate three times in seven epochs with a constant loss, or twice with a cooldown of 2', async () => {
  const values = [1, 1, 1, 1, 1, 1, 1];
  const rates = async (cooldown: number) =>
    (await drive(reduceLROnPlateau({ factor: 0.5, patience: 2, cooldown }), values)).rates.at(-1);
  expect(await rates(0)).toBe(1 / 8);
  expect(await rates(2)).toBe(1 / 4);
});

test('bestCheckpoint saves only strict improvements, and formats folder names as Keras does', async () => {
  const name = '{epoch:02d}-{val_loss:.3f}';
  const { saved } = await drive(bestCheckpoint(memoryStore(), { folder: name }), [1, 0.5, 0.5, 0.4, 0.9]);
  expect(saved).toEqual(['01-1.000', '02-0.500', '04-0.400']);
  expect((await drive(bestCheckpoint(memoryStore()), [Number.NaN, 1])).saved).toEqual(['best']);
});

test('jsonLinesLogger appends one JSON line after each epoch', async () => {
  const store = memoryStore();
  await drive(jsonLinesLogger(store), [1, 0.5]);
  const text = new TextDecoder().decode(await store.read('history.jsonl'));
  expect(text).toBe('{"epoch":1,"val_loss":1}\n{"epoch":2,"val_loss":0.5}\n');
});

test('terminateOnNaN stops the run after a loss that is not finite', async () => {
  let reason: string | undefined;
  const run = {
    stop: (why: string) => {
      reason = why;
    },
  };
  const hooks = await createHooks(terminateOnNaN(), run as never);
  await hooks.onBatchEnd?.({ epoch: 1, batch: 1, batches: 2, loss: 3, logs: {} }, run as never);
  expect(reason).toBeUndefined();
  await hooks.onBatchEnd?.({ epoch: 1, batch: 2, batches: 2, loss: Number.NaN, logs: {} }, run as never);
  expect(reason).toBe('the loss was NaN in epoch 1, step 2');
});
