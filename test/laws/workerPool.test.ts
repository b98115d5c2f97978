import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type AugmentationPipeline,
  createAugmentationPipeline,
} from '../../src/augment/augmentationPipeline.js';
import { getSpec } from '../../src/augment/serializable.js';
import { iterateBatches } from '../../src/data/batches.js';
import type { AugmentationJob } from '../../src/data/worker.js';
import { WorkerPool } from '../../src/data/workerPool.js';
import { WORKER_SCRIPT } from '../../src/data/workerScript.js';
import {
  createRng,
  type Dataset,
  imagesInMemory,
  type PixelTransform,
  randomBrightness,
  randomContrast,
  randomCutout,
  randomFlip,
  randomGrayscale,
  randomRotation,
  randomSaturation,
  randomShear,
  randomTranslation,
  randomZoom,
  type Spawner,
} from '../../src/entries/node.js';
import { bundleWorker } from '../../tools/bundleWorker.js';

const images = (count: number, channels: 1 | 3) => {
  const random = createRng(count, 'feed');
  return imagesInMemory(
    Array.from({ length: count }, (_, i) => ({
      image: {
        data: Uint8Array.from({ length: 6 * 5 * channels }, () => random.nextInt(256)),
        height: 6,
        width: 5,
        channels,
      },
      labels: { n: i },
    })),
  );
};

/** Creates workers without threads. Messages are transferred, and responses of different workers arrive late and in any order. */
function createFakeSpawner(maxWorkers: number) {
  const log = { spawned: 0, ended: 0, posts: 0, waiting: 0, most: 0, fresh: 0 };
  const spawner: Spawner = {
    maxWorkers,
    spawn: (script, { onMessage }) => {
      const answer = new Function(`${script}; return answer;`)() as (m: unknown) => [object, ArrayBuffer[]];
      const pace = 1 + ((log.spawned * 7) % 3);
      log.spawned++;
      let ended = false;
      let before = Promise.resolve();
      return {
        postMessage: (message, transfer) => {
          log.posts++;
          if (new Float32Array((message as AugmentationJob).pixels).every((value) => value === 0))
            log.fresh++;
          log.most = Math.max(log.most, ++log.waiting);
          const [reply, back] = answer(structuredClone(message, { transfer: [...transfer] }));
          const sent = structuredClone(reply, { transfer: back });
          before = before.then(async () => {
            for (let turn = 0; turn < pace; turn++) await new Promise(setImmediate);
            log.waiting--;
            if (!ended) onMessage(sent);
          });
        },
        terminate: () => {
          log.ended++;
          ended = true;
        },
      };
    },
  };
  return { spawner, log };
}

const epochOf = async (
  dataset: Dataset<unknown>,
  options: { batchSize: number; epoch: number; from: number },
) => {
  const all: { indices: readonly number[]; pixels: Float32Array }[] = [];
  for await (const { indices, pixels } of iterateBatches(dataset, { ...options, seed: 3, shuffle: true })) {
    all.push({ indices, pixels: pixels.slice() }); // The pixel buffer is valid only until the next batch.
  }
  return all;
};

const anyPipeline: fc.Arbitrary<AugmentationPipeline> = fc
  .record({
    parts: fc.shuffledSubarray([
      randomRotation({ degrees: 30 }),
      randomZoom({ range: 0.3 }),
      randomTranslation({ heightFactor: 0.2, widthFactor: 0.1 }),
      randomShear({ degrees: 12 }),
      randomFlip('horizontal'),
      randomFlip('vertical'),
      randomBrightness({ range: 0.4 }),
      randomContrast({ range: 0.4 }),
      randomSaturation({ range: 0.4 }),
      randomGrayscale({ probability: 0.5 }),
      randomCutout({ side: 0.5 }),
    ]),
    fill: fc.constantFrom('nearest', 'reflect', 'wrap', 'constant' as const),
    value: fc.integer({ min: 0, max: 255 }),
    keras: fc.boolean(),
  })
  .map(({ parts, fill: fillMode, value: fillValue, keras }) =>
    createAugmentationPipeline(parts, {
      fillMode,
      fillValue,
      ...(keras ? { compat: 'keras' as const } : {}),
    }),
  );

test('worker threads return the same batches as the main thread, bit for bit, for any augmentation, number of workers and batch size, and exit afterwards', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyPipeline,
      fc.record({
        size: fc.integer({ min: 1, max: 14 }),
        channels: fc.constantFrom(1 as const, 3 as const),
        batchSize: fc.integer({ min: 1, max: 6 }),
        epoch: fc.integer({ min: 0, max: 4 }),
        from: fc.integer({ min: 0, max: 2 }),
        fixed: fc.boolean(),
        count: fc.integer({ min: 1, max: 5 }),
      }),
      async (pipeline, { size, channels, fixed, count, ...order }) => {
        const { spawner, log } = createFakeSpawner(count);
        const dataset = images(size, channels).withAugmentation({ pipeline, fixed });
        const mainThread = await epochOf(dataset, order);
        expect(await epochOf(dataset.withWorkers(spawner), order)).toEqual(mainThread);
        expect(log.posts).toBe(mainThread.length);
        expect(log.most).toBeLessThanOrEqual(count + 1);
        expect(log.spawned).toBeLessThanOrEqual(count);
        expect(log.ended).toBe(log.spawned);
      },
    ),
  );
});

test('custom affine transforms run in worker threads, and custom pixel transforms run on the main thread', async () => {
  const { spawner, log } = createFakeSpawner(2);
  const sheared = { ...randomShear({ degrees: 0 }), name: 'lean', draw: () => ({ shear: 9 }) };
  const moving = images(5, 3).augment([sheared, randomBrightness({ range: 0.2 })]);
  const order = { batchSize: 2, epoch: 0, from: 0 };
  expect(await epochOf(moving.withWorkers(spawner), order)).toEqual(await epochOf(moving, order));
  expect(log.posts).toBe(3);

  const invert: PixelTransform = {
    kind: 'pixel',
    name: 'invert',
    options: {},
    draw: () => ({}),
    apply: ({ data }) => data.set(data.map((value) => 255 - value)),
  };
  const copied = { ...randomBrightness({ range: 0.2 }), apply: invert.apply };
  const wrapped = {
    ...createAugmentationPipeline([randomBrightness({ range: 0.2 })]),
    apply: createAugmentationPipeline([invert]).apply,
  };
  for (const pipeline of [
    createAugmentationPipeline([invert]),
    createAugmentationPipeline([copied]),
    wrapped,
  ]) {
    expect(getSpec(pipeline)).toBeUndefined();
    const dataset = images(5, 3).withAugmentation({ pipeline, fixed: false });
    const [first] = await epochOf(dataset.withWorkers(spawner), order);
    const inverted = await dataset.read(first!.indices[0]!);
    expect(first!.pixels[0]).toBe(255 - inverted.data[0]!);
  }
  expect(log.posts).toBe(3);
});

test('an epoch that is stopped while it reads images terminates its worker threads and starts no new ones', async () => {
  const { spawner, log } = createFakeSpawner(3);
  const dataset = images(12, 3)
    .augment([randomFlip('horizontal')])
    .withWorkers(spawner);
  for await (const _ of iterateBatches(dataset, { batchSize: 2, epoch: 0, seed: 1, shuffle: false })) break;
  const { spawned } = log;
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  expect(log).toMatchObject({ spawned, ended: spawned });
});

test('WorkerPool reuses its workers and its pixel buffers in later epochs', async () => {
  const { spawner, log } = createFakeSpawner(2);
  const dataset = images(12, 3)
    .augment([randomFlip('horizontal')])
    .withWorkers(spawner);
  const workerPool = new WorkerPool();
  for (let epoch = 0; epoch < 4; epoch++) {
    for await (const _ of iterateBatches(dataset, {
      batchSize: 4,
      epoch,
      seed: 1,
      shuffle: true,
      workerPool,
    }));
  }
  expect(log).toMatchObject({ spawned: 2, ended: 0, posts: 12 });
  expect(log.fresh).toBeLessThanOrEqual(4); // One buffer per worker, a buffer that is ready, and a buffer in use.
  workerPool.close();
  expect(log.ended).toBe(2);
});

test('the error for an unreadable image contains the image id, with and without worker threads', async () => {
  const bytes = new Uint8Array(12);
  const image = { data: bytes, height: 2, width: 2, channels: 3 };
  const dataset = imagesInMemory([{ image, labels: {}, id: 'a.jpg' }]).augment([randomFlip('horizontal')]);
  (image as { data: Uint8Array }).data = bytes.subarray(1);
  for (const spawner of [null, createFakeSpawner(1).spawner]) {
    await expect(
      epochOf(dataset.withWorkers(spawner), { batchSize: 1, epoch: 0, from: 0 }),
    ).rejects.toMatchObject({
      kind: 'data',
      path: 'a.jpg',
      received: 'an image of 11 bytes',
    });
  }
});

test('workerScript.ts is up to date with its source files (update: npm run worker)', async () => {
  const written = await readFile(new URL('../../src/data/workerScript.ts', import.meta.url), 'utf8');
  expect(written).toBe(await bundleWorker());
  expect(WORKER_SCRIPT.length).toBeLessThan(11_000); // Each thread compiles the script before its first batch.
});
