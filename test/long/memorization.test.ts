import { beforeAll, expect, test } from 'vitest';
import { DEMO, writeDemoFaces } from '../../examples/demo-faces/write.js';
import { utkFace } from '../../src/datasets/index.js';
import {
  adam,
  batchNorm,
  bestCheckpoint,
  binary,
  branch,
  conv,
  dense,
  exponentialDecay,
  flatten,
  maxPool,
  memoryStore,
  multiTask,
  regression,
  sharedTrunk,
  weightedLoss,
} from '../../src/entries/node.js';
import { imageFolder } from '../../src/node/index.js';

/** Folder of images. `FACES=folder npm run test:long` uses photographs instead of drawn faces. */
const FACES = process.env.FACES ?? new URL('../../out/demo-faces', import.meta.url).pathname;

beforeAll(() => (process.env.FACES ? undefined : writeDemoFaces(FACES)));

test('a network without dropout or L2 regularization reaches an accuracy of 1 on its 32 training images', {
  timeout: 1_200_000,
}, async () => {
  const faces = await imageFolder(FACES, {
    labels: utkFace(),
    size: [64, 64],
    unusableFiles: 'skip',
    limit: 32,
  });
  const faceBranch = (filters: number) =>
    branch([
      ...[conv(64, 3), maxPool(2), batchNorm()],
      ...[conv(128, 2), maxPool(2), batchNorm()],
      ...[conv(filters, 2), flatten(), dense(128), dense(16)],
    ]);
  const model = multiTask({ input: [64, 64, 3] })
    .trunk(sharedTrunk([conv(64, 3), conv(64, 3), maxPool(2), batchNorm(), conv(128, 3), maxPool(2)]))
    .task('age', regression({ unit: 'years' }), faceBranch(128))
    .task('gender', binary(['male', 'female']), faceBranch(64))
    .build();
  const store = memoryStore();
  const history = await model.fit(faces, {
    epochs: 300,
    batchSize: 8,
    seed: DEMO.seed,
    engine: 'onnx',
    loss: weightedLoss({ age: 1, gender: 50 }),
    optimizer: adam({
      learningRate: exponentialDecay({ initialLearningRate: 1e-3, decaySteps: 250, decayRate: 0.5 }),
    }),
    callbacks: [bestCheckpoint(store, { monitor: 'loss' })],
  });
  const last = history.rows.at(-1)!;
  console.log('training mode', last.gender_accuracy, last.age_mae);
  const { gender_accuracy, age_mae } = await model.evaluate(faces, { engine: 'wasm' });
  console.log('inference mode', gender_accuracy, age_mae);
  expect(last.gender_accuracy).toBe(1);
  expect(last.age_mae).toBeLessThan(1);
  expect(gender_accuracy).toBe(1);
  expect(age_mae).toBeLessThan(1);
});
