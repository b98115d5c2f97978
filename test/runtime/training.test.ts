import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import {
  adam,
  batchNorm,
  bestCheckpoint,
  binary,
  branch,
  conv,
  createRng,
  csvLogger,
  dense,
  dropout,
  earlyStopping,
  flatten,
  imagesInMemory,
  isMultitaskError,
  loadModel,
  maxPool,
  memoryStore,
  multiTask,
  randomFlip,
  randomRotation,
  randomZoom,
  regression,
  sharedTrunk,
  weightedLoss,
} from '../../src/entries/node.js';

const GENDERS = ['male', 'female'] as const;

/** Returns noisy squares, each of a single brightness. The label `age` is the brightness, and `gender` is whether the brightness is above the middle. */
function squares(count: number) {
  const random = createRng(1, 'squares');
  return imagesInMemory(
    Array.from({ length: count }, () => {
      const value = random.nextInt(256);
      const data = Uint8Array.from({ length: 16 * 16 * 3 }, () =>
        Math.min(255, Math.max(0, value + random.nextInt(20) - 10)),
      );
      return {
        image: { data, height: 16, width: 16, channels: 3 },
        labels: { age: value / 10, gender: GENDERS[value > 127 ? 1 : 0]! },
      };
    }),
  );
}

const compose = () =>
  multiTask({ input: [16, 16, 3] })
    .trunk(sharedTrunk([conv(8, 3), maxPool(2), batchNorm()]))
    .task('age', regression({ unit: 'years' }), branch([conv(8, 3), flatten(), dense(16), dropout(0.1)]))
    .task('gender', binary(GENDERS), branch([flatten(), dense(16)]))
    .build();

const transforms = [randomRotation({ degrees: 20 }), randomZoom({ range: 0.1 }), randomFlip('horizontal')];
const { train, validation } = squares(46).split({ validation: 0.25, seed: 1 });

const settings = {
  validation: validation.augment(transforms),
  batchSize: 4,
  engine: 'wasm',
  loss: weightedLoss({ age: 1, gender: 50 }),
} as const;

describe('fit with two tasks', () => {
  test('reduces the loss, leaks no tensors, and writes history.csv and the best model', async () => {
    const store = memoryStore();
    const model = compose();
    const before = tf.memory().numTensors;
    const { rows, stopped } = await model.fit(train.augment(transforms), {
      ...settings,
      epochs: 20,
      evaluateUnaugmented: true,
      optimizer: adam({ learningRate: 0.01 }),
      callbacks: [bestCheckpoint(store, { monitor: 'val_loss' }), csvLogger(store)],
    });
    expect(tf.memory().numTensors).toBe(before);
    expect(stopped).toBe('finished');
    expect(rows.at(-1)!.loss!).toBeLessThan(rows[0]!.loss! / 2);
    const text = new TextDecoder().decode(await store.read('history.csv'));
    expect(text.split('\n')[0]).toBe(
      'epoch,loss,age_loss,age_mae,gender_loss,gender_accuracy,' +
        'val_loss,val_age_loss,val_age_mae,val_gender_loss,val_gender_accuracy,' +
        'val_unaugmented_loss,val_unaugmented_age_loss,val_unaugmented_age_mae,' +
        'val_unaugmented_gender_loss,val_unaugmented_gender_accuracy,learning_rate,seconds',
    );
    expect(text.trim().split('\n')).toHaveLength(21);

    const loaded = await loadModel(store, { folder: 'best' });
    const best = rows.reduce((a, b) => (b.val_loss! < a.val_loss! ? b : a));
    // The same weights, augmentation plans and loss weights give the history row within 1e-6.
    const evaluation: { readonly [column: string]: number } = await loaded.evaluate(
      validation.augment(transforms),
      {
        loss: settings.loss as never,
        batchSize: settings.batchSize,
        epoch: best.epoch,
      },
    );
    for (const [column, value] of Object.entries(evaluation)) {
      expect(Math.abs(value / best[`val_${column}` as 'val_loss']! - 1), column).toBeLessThan(1e-6);
    }
    expect(Object.keys(evaluation)).toHaveLength(5);
  });

  test('gives a run that is stopped and resumed the same history as an uninterrupted run, bit for bit', async () => {
    const history = async (stopAt: number | undefined) => {
      const checkpoint = memoryStore();
      const options = { ...settings, epochs: 4, checkpoint };
      if (stopAt === undefined) return (await compose().fit(train.augment(transforms), options)).rows;
      const controller = new AbortController();
      let steps = 0;
      const stop = {
        name: 'stop',
        onBatchEnd: () => {
          if (++steps === stopAt) controller.abort();
        },
      };
      const first = await compose().fit(train.augment(transforms), {
        ...options,
        callbacks: [stop],
        signal: controller.signal,
      });
      expect(first.stopped).toBe('aborted');
      return (await compose().fit(train.augment(transforms), { ...options, resume: true })).rows;
    };
    const whole = (await history(undefined)).map(({ seconds: _, ...row }) => row);
    for (const stopAt of [3, 9, 14]) {
      const resumed = (await history(stopAt)).map(({ seconds: _, ...row }) => row);
      expect(resumed).toEqual(whole);
    }
  });

  test('rejects a checkpoint from a run with a different batch size, and the error names the batch size', async () => {
    const checkpoint = memoryStore();
    await compose().fit(train, { ...settings, epochs: 1, checkpoint });
    const other = compose().fit(train, { ...settings, epochs: 2, checkpoint, resume: true, batchSize: 5 });
    const error = await other.catch((caught: unknown) => caught);
    expect(isMultitaskError(error) && error.kind).toBe('checkpoint');
    expect(String(error)).toContain('batch size');
  });

  test('ends with the best weights if earlyStopping has restoreBestWeights: true', async () => {
    const model = compose();
    const fixed = validation.withoutAugmentation();
    const { rows } = await model.fit(train, {
      ...settings,
      validation: fixed,
      epochs: 8,
      callbacks: [earlyStopping({ monitor: 'val_age_mae', patience: 50, restoreBestWeights: true })],
    });
    const best = Math.min(...rows.map((row) => row.val_age_mae!));
    const { age_mae } = await model.evaluate(fixed);
    expect(Math.abs(age_mae - best)).toBeLessThan(1e-5); // float32 sums depend on the order of the terms.
  });
});
