import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, expect, test } from 'vitest';
import { iterateBatches } from '../../src/data/batches.js';
import {
  branch,
  conv,
  createRng,
  flatten,
  imagesInMemory,
  maxPool,
  multiTask,
  randomBrightness,
  randomFlip,
  randomRotation,
  randomZoom,
  regression,
  type Spawner,
  sharedTrunk,
} from '../../src/entries/node.js';
import { imageFolder, workerThreads } from '../../src/node/index.js';

const folder = mkdtempSync(join(tmpdir(), 'workers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const transforms = [
  randomRotation({ degrees: 20 }),
  randomZoom({ range: 0.1 }),
  randomFlip('horizontal'),
  randomBrightness({ range: 0.2 }),
];
const random = createRng(1, 'images');
const dataset = imagesInMemory(
  Array.from({ length: 20 }, () => ({
    image: {
      data: Uint8Array.from({ length: 9 * 8 * 3 }, () => random.nextInt(256)),
      height: 9,
      width: 8,
      channels: 3,
    },
    labels: { level: random.next() },
  })),
).augment(transforms);
const model = () =>
  multiTask({ input: [9, 8, 3], seed: 2 })
    .trunk(sharedTrunk([conv(4, 3), maxPool(2)]))
    .task('level', regression({ unit: '1' }), branch([flatten()]))
    .build();

/** Returns a spawner that counts the threads that it starts and the threads that end. */
const counted = (maxWorkers: number) => {
  const log = { spawned: 0, ended: 0 };
  const threads = workerThreads({ count: maxWorkers });
  const spawner: Spawner = {
    maxWorkers,
    spawn: (script, listener) => {
      log.spawned++;
      const { postMessage, terminate } = threads.spawn(script, listener);
      return {
        postMessage,
        terminate: () => {
          log.ended++;
          terminate();
        },
      };
    },
  };
  return { spawner, log };
};
/** Returns a spawner whose threads run a different script. */
const broken = (script: string): Spawner => ({
  maxWorkers: 2,
  spawn: (_, listener) => workerThreads().spawn(script, listener),
});
const columns = ({ rows }: { rows: readonly object[] }) => rows.map((row) => ({ ...row, seconds: 0 }));
const options = { epochs: 3, batchSize: 6, engine: 'wasm' } as const;

test('fit with one, two or four worker threads gives the same results as fit without worker threads, bit for bit', async () => {
  const { train, validation } = dataset.split({ validation: 0.3, seed: 1 });
  const alone = columns(await model().fit(train, { ...options, validation, evaluateUnaugmented: true }));
  for (const count of [1, 2, 4]) {
    const { spawner, log } = counted(count);
    const result = await model().fit(train.withWorkers(spawner), {
      ...options,
      validation: validation.withWorkers(spawner),
      evaluateUnaugmented: true,
    });
    expect(columns(result)).toEqual(alone);
    expect(log.spawned).toBeGreaterThan(0); // The same workers run for all epochs.
    expect(log.spawned).toBeLessThanOrEqual(count);
    expect(log.ended).toBe(log.spawned);
  }
});

test('model.evaluate starts worker threads and terminates them afterwards', async () => {
  const { spawner, log } = counted(2);
  const evaluation = await model().evaluate(dataset.withWorkers(spawner), { engine: 'wasm', batchSize: 6 });
  expect(evaluation).toEqual(await model().evaluate(dataset, { engine: 'wasm', batchSize: 6 }));
  expect(log).toEqual({ spawned: 2, ended: 2 });
});

test.each([
  ['throws', 'function answer() { throw new Error("out of memory"); }', 'out of memory'],
  ['exits', 'function answer() { process.exit(3); }', 'exit code 3'],
  ['fails to start', 'this is no script', 'Unexpected'],
])('fit throws an error instead of waiting forever if a worker thread %s', async (_, script, words) => {
  const training = model().fit(dataset.withWorkers(broken(script)), options);
  await expect(training).rejects.toMatchObject({
    kind: 'worker',
    message: expect.stringMatching(new RegExp(`${words}.*withWorkers\\(null\\)`)),
  });
});

test('fit terminates its worker threads when it is aborted', async () => {
  const { spawner, log } = counted(2);
  const stop = new AbortController();
  const { stopped } = await model().fit(dataset.withWorkers(spawner), {
    ...options,
    signal: stop.signal,
    callbacks: [{ name: 'stop', onBatchEnd: () => stop.abort() }],
  });
  expect(stopped).toBe('aborted');
  expect(log.ended).toBe(log.spawned);
});

test('imageFolder uses one to four worker threads by default, and they return the same batches as the main thread', async () => {
  const raw = { width: 16, height: 16, channels: 3 } as const;
  for (let i = 0; i < 5; i++) {
    const file = join(folder, `${i}.png`);
    await sharp(Buffer.alloc(16 * 16 * 3, 40 * i), { raw }).toFile(file);
  }
  const labels = () => ({ labels: { level: 1 } });
  const images = (await imageFolder(folder, { labels, size: [9, 8] })).augment(transforms);
  const count = images.spawner!.maxWorkers;
  expect(count).toBeGreaterThanOrEqual(1);
  expect(count).toBeLessThanOrEqual(4);
  const order = { batchSize: 2, epoch: 1, seed: 4, shuffle: true };
  const alone = iterateBatches(images.withWorkers(null), order);
  for await (const { pixels, indices } of iterateBatches(images, order)) {
    const { value } = await alone.next();
    expect({ pixels, indices }).toEqual({ pixels: value!.pixels, indices: value!.indices });
  }
});

test('workerThreads rejects a count that is not a positive whole number', () => {
  for (const count of [0, 1.5, -1, Number.NaN]) {
    expect(() => workerThreads({ count })).toThrow('workerThreads.count: expected an integer of at least 1');
  }
});

test('a process with worker threads exits after a finished run, an aborted run, and a failed worker', () => {
  const program = join(folder, 'program.ts');
  writeFileSync(
    program,
    `
    import { branch, flatten, imagesInMemory, multiTask, randomFlip, regression } from 'tfjs-multitask';
    import { workerThreads } from 'tfjs-multitask/node';
    const image = { data: new Uint8Array(48), height: 4, width: 4, channels: 3 };
    const threads = workerThreads({ count: 2 });
    const dataset = imagesInMemory(Array.from({ length: 9 }, (_, i) => ({ image, labels: { n: i } })))
      .augment([randomFlip('horizontal')]);
    const model = () => multiTask({ input: [4, 4, 3] }).task('n', regression({ unit: '1' }), branch([flatten()])).build();
    const main = async () => {
      await model().fit(dataset.withWorkers(threads), { epochs: 2, batchSize: 2 });
      const stop = new AbortController();
      const callbacks = [{ name: 'stop', onBatchEnd: () => stop.abort() }];
      const { stopped } = await model().fit(dataset.withWorkers(threads), { epochs: 2, batchSize: 2, signal: stop.signal, callbacks });
      const broken = { maxWorkers: 2, spawn: (_, listener) => threads.spawn('function answer() { process.exit(1) }', listener) };
      const { kind } = await model().fit(dataset.withWorkers(broken), { epochs: 2, batchSize: 2 }).catch((error) => error);
      console.log(stopped, kind);
    };
    main();`,
  );
  const root = new URL('../..', import.meta.url).pathname;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', program], {
    cwd: root,
    encoding: 'utf8',
    timeout: 150_000,
    env: { ...process.env, TSX_TSCONFIG_PATH: join(root, 'tsconfig.json') },
  });
  expect({ stdout, status, stderr }).toMatchObject({ stdout: 'aborted worker\n', status: 0 });
});
