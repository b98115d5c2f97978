import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { modelA } from '../../examples/study/modelA.js';
import { type Callback, type EngineName, sgd, type Weights, weightedLoss } from '../../src/entries/node.js';
import { largest } from '../parity/close.js';
import { faces } from '../parity/same.js';
import { recordOperations, skipReason } from './native.js';

const SIZE = 64;
const BATCH = 8;
const data = faces('native', BATCH, [SIZE, SIZE, 3], 8);

/** Runs one step of Model A at 64x64 with dropout and a learning rate of 1, so that the change of the weights is their gradient. */
async function runStep(engine: EngineName) {
  const model = modelA(SIZE);
  const snapshots: Weights[] = [];
  const recordWeights: Callback = {
    name: 'recordWeights',
    create: (run) => ({
      onEpochBegin: async () => void snapshots.push(await run.getWeights()),
      onEpochEnd: async () => void snapshots.push(await run.getWeights()),
    }),
  };
  const { rows } = await model.fit(data, {
    epochs: 1,
    batchSize: BATCH,
    engine,
    loss: weightedLoss({ age: 1, gender: 50 }),
    optimizer: sgd({ learningRate: 1 }),
    callbacks: [recordWeights],
  });
  const backend = tf.getBackend();
  model.dispose();
  const [before, after] = snapshots as [Weights, Weights];
  const change = Object.fromEntries(
    Object.entries(before).map(([name, { data }]) => [name, data.map((w, i) => w - after[name]!.data[i]!)]),
  );
  return { backend, row: rows[0]!, change };
}

describe.skipIf(skipReason !== undefined)('one training step of Model A at 64x64 on native', () => {
  test('gives the same losses and gradients as on wasm', async () => {
    const wasm = await runStep('wasm');
    const native = await runStep('native');
    expect([wasm.backend, native.backend]).toEqual(['wasm', 'tensorflow']);
    for (const column of ['loss', 'age_loss', 'age_mae', 'gender_loss', 'gender_accuracy'] as const) {
      const [nativeValue, wasmValue] = [native.row[column]!, wasm.row[column]!];
      expect(Math.abs(nativeValue - wasmValue) / wasmValue, column).toBeLessThan(1e-5);
    }
    expect(Object.keys(native.change)).toEqual(Object.keys(wasm.change));
    for (const [name, change] of Object.entries(wasm.change)) {
      const difference = change.map((value, i) => value - native.change[name]![i]!);
      // The values are float32 sums of thousands of products that are added in a different order.
      expect(largest(difference) / largest(change), name).toBeLessThan(1e-4);
    }
  });

  test('uses the fused operations of TensorFlow', async () => {
    await runStep('native');
    const operations = await recordOperations(() => runStep('native'));
    expect([...operations]).toEqual(
      expect.arrayContaining([
        ...['_MklNativeFusedConv2D', '_MklNativeMaxPoolGrad', 'FusedBatchNormV2', 'FusedBatchNormGradV2'],
        ...['ReluGrad', 'BiasAddGrad'],
      ]),
    );
  });
});
