import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const createImage = (seed) => ({
  data: Uint8Array.from({ length: 12 * 12 * 3 }, (_, i) => (seed * 37 + i * (seed + 3)) % 256),
  height: 12,
  width: 12,
  channels: 3,
});

/** Returns the error kind of a rejected promise. */
const getErrorKind = (promise) =>
  promise.then(
    () => 'no error',
    ({ kind }) => kind,
  );

/**
 * Creates images, trains one epoch on two threads with two augmentation workers, predicts, saves and loads. Returns all results as JSON,
 * without the durations.
 *
 * @param m - The module `tfjs-multitask`.
 * @param n - The module `tfjs-multitask/node`.
 */
export async function runProgram(m, n) {
  const images = Array.from({ length: 16 }, (_, i) => ({
    image: createImage(i),
    labels: { level: i, side: i < 8 ? 'dark' : 'bright' },
  }));
  const dataset = m
    .imagesInMemory(images)
    .augment([
      m.randomRotation({ degrees: 20 }),
      m.randomFlip('horizontal'),
      m.randomBrightness({ range: 0.2 }),
    ]);
  const datasetWithWorkers = dataset.withWorkers(n.workerThreads({ count: 2 }));
  const model = m
    .multiTask({ input: [12, 12, 3], seed: 1 })
    .trunk(m.sharedTrunk([m.conv(4, 3), m.maxPool(2), m.batchNorm(), m.dropout(0.1)]))
    .task('level', m.regression({ unit: 'steps' }), m.branch([m.flatten(), m.dense(4)]))
    .task('side', m.binary(['dark', 'bright']), m.branch([m.flatten(), m.dense(4)]))
    .build();
  const { rows, engine } = await model.fit(datasetWithWorkers, {
    epochs: 1,
    batchSize: 4,
    seed: 3,
    engine: 'wasm',
    threads: 2,
  });
  const prediction = await model.predict(createImage(3));
  const evaluations = [await model.evaluate(dataset), await model.evaluate(datasetWithWorkers)];

  const folder = mkdtempSync(join(tmpdir(), 'runtimes-'));
  const store = n.folderStore(folder);
  await model.save(store);
  const files = await store.list();
  const digest = createHash('sha256');
  for (const name of files) digest.update(await store.read(name));
  const loadedModel = await m.loadModel(store);
  const loadedPrediction = await loadedModel.predict(createImage(3));
  model.dispose();
  loadedModel.dispose();
  rmSync(folder, { recursive: true });

  return {
    engine,
    rows: rows.map(({ seconds: _, ...row }) => row),
    prediction,
    evaluations,
    files,
    digest: digest.digest('hex'),
    loadedPrediction,
    // These packages are not installed.
    errorKinds: [await getErrorKind(m.useEngine('onnx')), await getErrorKind(m.useEngine('native'))],
  };
}
