import { describe, expect, test } from 'vitest';
import { modelA } from '../../examples/study/model-a-network.js';
import { type Callback, type EngineName, sgd, type Weights, weightedLoss } from '../../src/index.js';
import { loadPackage } from '../../src/node/index.js';
import { tf } from '../../src/tensor/tf.js';
import { largest } from '../parity/close.js';
import { faces } from '../parity/same.js';
import { operationsOf, reason } from './native.js';

const SIZE = 64;
const BATCH = 8;
const data = faces('native', BATCH, [SIZE, SIZE, 3], 8);

/** One step of Model A at 64x64 with dropout, at a rate of 1: what the weights lose is their gradient. */
async function step(engine: EngineName) {
  const model = modelA(SIZE);
  const seen: Weights[] = [];
  const look: Callback = {
    name: 'look',
    create: (run) => ({
      onEpochBegin: async () => void seen.push(await run.getWeights()),
      onEpochEnd: async () => void seen.push(await run.getWeights()),
    }),
  };
  const { rows } = await model.fit(data, {
    epochs: 1,
    batchSize: BATCH,
    engine,
    load: loadPackage,
    loss: weightedLoss({ age: 1, gender: 50 }),
    optimizer: sgd({ learningRate: 1 }),
    callbacks: [look],
  });
  const backend = tf.getBackend();
  model.dispose();
  const [before, after] = seen as [Weights, Weights];
  const change = Object.fromEntries(
    Object.entries(before).map(([name, { data }]) => [name, data.map((w, i) => w - after[name]!.data[i]!)]),
  );
  return { backend, row: rows[0]!, change };
}

describe.skipIf(reason !== undefined)('one step of Model A at 64x64 on native', () => {
  test('has the losses and gradients of wasm', async () => {
    const wasm = await step('wasm');
    const native = await step('native');
    expect([wasm.backend, native.backend]).toEqual(['wasm', 'tensorflow']);
    for (const column of ['loss', 'age_loss', 'age_mae', 'gender_loss', 'gender_accuracy'] as const) {
      const [ours, theirs] = [native.row[column]!, wasm.row[column]!];
      expect(Math.abs(ours - theirs) / theirs, column).toBeLessThan(1e-5);
    }
    expect(Object.keys(native.change)).toEqual(Object.keys(wasm.change));
    for (const [name, change] of Object.entries(wasm.change)) {
      const apart = change.map((value, i) => value - native.change[name]![i]!);
      // float32 sums of thousands, added in another order.
      expect(largest(apart) / largest(change), name).toBeLessThan(1e-4);
    }
  });

  test("goes through TensorFlow's fused operations", async () => {
    await step('native');
    const ran = await operationsOf(() => step('native'));
    expect([...ran]).toEqual(
      expect.arrayContaining([
        ...['_MklNativeFusedConv2D', '_MklNativeMaxPoolGrad', 'FusedBatchNormV2', 'FusedBatchNormGradV2'],
        ...['ReluGrad', 'BiasAddGrad'],
      ]),
    );
  });
});
