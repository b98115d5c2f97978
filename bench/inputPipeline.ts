/**
 * Measures whether the input pipeline keeps up with the training steps. Prints the time of an epoch divided by the total time of its steps,
 * so 1 means that no step waits for images.
 *
 * npm run bench:input                                      (128x128, batch 32, simulated steps) npm run bench:input -- --engine wasm
 * --images 64         (steps of Model A)
 */
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import * as library from 'tfjs-multitask';
import {
  adam,
  type Callback,
  createRng,
  type Dataset,
  type EngineName,
  imagesInMemory,
  weightedLoss,
} from 'tfjs-multitask';
import { workerThreads } from 'tfjs-multitask/node';
import { createAugmentationPipeline } from '../src/augment/augmentationPipeline.js';
import { iterateBatches } from '../src/data/batches.js';
import { WorkerPool } from '../src/data/workerPool.js';
import { createTransforms } from './augmentation.js';
import { createModelA } from './modelA.js';

const { values: args } = parseArgs({
  options: {
    size: { type: 'string', default: '128' },
    batch: { type: 'string', default: '32' },
    images: { type: 'string' },
    engine: { type: 'string' },
    workers: { type: 'string', default: '0,1,2' },
    rounds: { type: 'string', default: '3' },
  },
});
const [size, batchSize, rounds] = [Number(args.size), Number(args.batch), Number(args.rounds)];
const count = Number(args.images ?? (args.engine ? 64 : 320));
const random = createRng(1, 'bench');
const createImage = () => {
  const data = Uint8Array.from({ length: size * size * 3 }, () => random.nextInt(256));
  return { data, height: size, width: size, channels: 3 };
};
const createLabels = () =>
  ({ age: random.nextInt(80), gender: random.nextInt(2) ? 'female' : 'male' }) as const;
const dataset = imagesInMemory(
  Array.from({ length: count }, () => ({ image: createImage(), labels: createLabels() })),
);
const transforms = createTransforms(library);
const augmentation = createAugmentationPipeline(transforms);
const augmented = dataset.augment(transforms);
const pipelines = args.workers
  .split(',')
  .map(Number)
  .map((workers) => ({
    workers,
    dataset: workers === 0 ? augmented : augmented.withWorkers(workerThreads({ count: workers })),
  }));
const steps = Math.ceil(count / batchSize);
/** Runs a measurement several times, and returns the minimum. */
const measureMinimum = async (measure: () => number | Promise<number>, times: number) => {
  let minimum = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i++) minimum = Math.min(minimum, await measure());
  return minimum;
};

console.log(`${count} images of ${size}x${size} in batches of ${batchSize}: ${steps} steps an epoch`);
const image = await dataset.read(0);
const augmentTime = await measureMinimum(() => {
  const start = performance.now();
  for (let i = 0; i < 64; i++) augmentation.apply(image, augmentation.draw(createRng(i), dataset.shape));
  return (performance.now() - start) / 64;
}, 20);
console.log(`rotation, zoom and flip on one thread: ${augmentTime.toFixed(3)} ms an image\n`);

if (args.engine) await timeModelA(args.engine as EngineName);
else await timeSimulatedSteps();

/**
 * Measures epochs with simulated steps of a known length. A busy loop blocks the main thread, like wasm and tfjs-node; a timer does not.
 */
async function timeSimulatedSteps(): Promise<void> {
  const blocked = async (ms: number) => {
    for (const end = performance.now() + ms; performance.now() < end; );
  };
  const free = async (ms: number) => void (await setTimeout(ms));
  for (const perImage of [20, 5, 1]) {
    for (const [name, step] of Object.entries({ blocked, free })) {
      for (const { workers, dataset } of pipelines) {
        const workerPool = new WorkerPool(); // One pool for all epochs, as in a run.
        let epoch = 0;
        const epochTime = await measureMinimum(
          () => timeEpoch(dataset, workerPool, epoch++, () => step(perImage * batchSize)),
          rounds,
        );
        workerPool.close();
        const ratio = epochTime / (steps * perImage * batchSize);
        console.log(`step ${perImage} ms an image, thread ${name}, ${workers} workers: ${ratio.toFixed(3)}`);
      }
    }
  }
}

/** Runs an epoch that calls `step` for each batch, and returns its time in milliseconds. */
async function timeEpoch(
  dataset: Dataset<unknown>,
  workerPool: WorkerPool,
  epoch: number,
  step: () => Promise<void>,
) {
  const start = performance.now();
  for await (const _ of iterateBatches(dataset, { batchSize, epoch, seed: 1, shuffle: true, workerPool }))
    await step();
  return performance.now() - start;
}

/**
 * Measures epochs of Model A, alternately without and with augmentation. An epoch without augmentation shows the total time of the steps.
 */
async function timeModelA(name: EngineName): Promise<void> {
  const epochs = [{ workers: undefined, dataset }, ...pipelines];
  const minima = epochs.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round++) {
    for (const [i, epoch] of epochs.entries()) {
      minima[i] = Math.min(minima[i]!, await timeModelAEpoch(epoch.dataset as typeof dataset, name));
    }
  }
  for (const [i, { workers }] of epochs.entries()) {
    const label = workers === undefined ? 'not augmented' : `augmented, ${workers} workers`;
    const perImage = (minima[i]! / count).toFixed(2);
    console.log(`${name}, ${label}: ${perImage} ms an image, ${(minima[i]! / minima[0]!).toFixed(3)}`);
  }
}

/** Returns the time of the second epoch of a run in milliseconds. The first epoch is a warm-up. */
async function timeModelAEpoch(data: typeof dataset, name: EngineName): Promise<number> {
  let [start, epochTime] = [0, 0];
  const stopwatch: Callback = {
    name: 'stopwatch',
    create: () => ({
      onEpochBegin: () => {
        start = performance.now();
      },
      onBatchEnd: ({ batch: step }) => {
        if (step === steps) epochTime = performance.now() - start;
      },
    }),
  };
  await createModelA(library, size).fit(data, {
    epochs: 2,
    batchSize,
    engine: name,
    loss: weightedLoss({ age: 1, gender: 50 }),
    optimizer: adam({ learningRate: 1e-3 }),
    callbacks: [stopwatch],
  });
  return epochTime;
}
