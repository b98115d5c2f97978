/**
 * Whether the feed keeps up: an epoch beside steps x step time.
 *
 *   npm run bench:feed                                       (128x128, batch 32, stand-ins for the step)
 *   npm run bench:feed -- --engine wasm --images 64          (Model A itself)
 */
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  adam,
  type Callback,
  createRng,
  type Dataset,
  type EngineName,
  imagesInMemory,
  randomFlip,
  randomRotation,
  randomZoom,
  weightedLoss,
} from 'tfjs-multitask';
import { workerThreads } from 'tfjs-multitask/node';
import { modelA } from '../examples/study/model-a-network.js';
import { createAugmentationPipeline } from '../src/augment/augmentationPipeline.js';
import { iterateBatches } from '../src/data/batches.js';
import { WorkerPool } from '../src/data/workerPool.js';

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
const image = () => {
  const data = Uint8Array.from({ length: size * size * 3 }, () => random.nextInt(256));
  return { data, height: size, width: size, channels: 3 };
};
const labels = () => ({ age: random.nextInt(80), gender: random.nextInt(2) ? 'female' : 'male' }) as const;
const plain = imagesInMemory(Array.from({ length: count }, () => ({ image: image(), labels: labels() })));
const transforms = [randomRotation({ degrees: 20 }), randomZoom({ range: 0.1 }), randomFlip('horizontal')];
const pipeline = createAugmentationPipeline(transforms);
const augmented = plain.augment(transforms);
const fed = args.workers
  .split(',')
  .map(Number)
  .map((workers) => ({
    workers,
    dataset: workers === 0 ? augmented : augmented.withWorkers(workerThreads({ count: workers })),
  }));
const steps = Math.ceil(count / batchSize);
const smallest = async (measure: () => number | Promise<number>, times: number) => {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i++) least = Math.min(least, await measure());
  return least;
};

console.log(`${count} images of ${size}x${size} in batches of ${batchSize}: ${steps} steps an epoch`);
const some = await plain.read(0);
const alone = await smallest(() => {
  const began = performance.now();
  for (let i = 0; i < 64; i++) pipeline.apply(some, pipeline.draw(createRng(i), plain.shape));
  return (performance.now() - began) / 64;
}, 20);
console.log(`rotation, zoom and flip on one thread: ${alone.toFixed(3)} ms an image\n`);

if (args.engine) await engine(args.engine as EngineName);
else await standIns();

/** Steps of a known length: a busy loop holds the main thread as wasm and tfjs-node do, a timer leaves it free. */
async function standIns(): Promise<void> {
  const busy = async (ms: number) => {
    for (const end = performance.now() + ms; performance.now() < end; );
  };
  const free = async (ms: number) => void (await setTimeout(ms));
  for (const perImage of [20, 5, 1]) {
    for (const [name, step] of Object.entries({ busy, free })) {
      for (const { workers, dataset } of fed) {
        const crew = new WorkerPool(); // as a run's: it outlives the epoch
        let epoch = 0;
        const took = await smallest(
          () => through(dataset, crew, epoch++, () => step(perImage * batchSize)),
          rounds,
        );
        crew.close();
        const ratio = took / (steps * perImage * batchSize);
        console.log(`step ${perImage} ms an image, thread ${name}, ${workers} workers: ${ratio.toFixed(3)}`);
      }
    }
  }
}

async function through(
  dataset: Dataset<unknown>,
  workerPool: WorkerPool,
  epoch: number,
  step: () => Promise<void>,
) {
  const began = performance.now();
  for await (const _ of iterateBatches(dataset, { batchSize, epoch, seed: 1, shuffle: true, workerPool }))
    await step();
  return performance.now() - began;
}

/** Epochs of Model A, taking turns: without augmentation, which is steps x step time, and with it. */
async function engine(name: EngineName): Promise<void> {
  const epochs = [{ workers: undefined, dataset: plain }, ...fed];
  const least = epochs.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { dataset }] of epochs.entries()) {
      least[i] = Math.min(least[i]!, await epochOf(dataset as typeof plain, name));
    }
  }
  for (const [i, { workers }] of epochs.entries()) {
    const what = workers === undefined ? 'not augmented' : `augmented, ${workers} workers`;
    const perImage = (least[i]! / count).toFixed(2);
    console.log(`${name}, ${what}: ${perImage} ms an image, ${(least[i]! / least[0]!).toFixed(3)}`);
  }
}

/** The second epoch of a run: the first warms up. */
async function epochOf(dataset: typeof plain, name: EngineName): Promise<number> {
  let [began, took] = [0, 0];
  const stopwatch: Callback = {
    name: 'stopwatch',
    create: () => ({
      onEpochBegin: () => {
        began = performance.now();
      },
      onBatchEnd: ({ batch: step }) => {
        if (step === steps) took = performance.now() - began;
      },
    }),
  };
  await modelA(size).fit(dataset, {
    epochs: 2,
    batchSize,
    engine: name,
    loss: weightedLoss({ age: 1, gender: 50 }),
    optimizer: adam({ learningRate: 1e-3 }),
    callbacks: [stopwatch],
  });
  return took;
}
