/**
 * What an epoch of Model B costs behind a frozen backbone: beside the backbone's forward pass over the same images, and with
 * its outputs kept.
 *
 *   npm run bench:frozen                                     (onnx, 128x128, batch 32, 256 images)
 *   npm run bench:frozen -- --engine wasm --images 64
 */
import { parseArgs } from 'node:util';
import {
  branch,
  createRng,
  dense,
  type EngineName,
  globalAveragePool,
  imagesInMemory,
  memoryStore,
  multiTask,
  regression,
  resnet50Backbone,
  sharedTrunk,
  useEngine,
  weightedLoss,
} from 'tfjs-multitask';
import { loadPackage } from 'tfjs-multitask/node';
import { modelB } from '../examples/study/model-b-network.js';

const text = (otherwise: string) => ({ type: 'string', default: otherwise }) as const;
const { values: args } = parseArgs({
  options: {
    engine: text('onnx'),
    size: text('128'),
    batch: text('32'),
    images: text('256'),
    rounds: text('3'),
  },
});
const [size, batchSize, count, rounds] = [args.size, args.batch, args.images, args.rounds].map(Number) as [
  number,
  number,
  number,
  number,
];
const engine = args.engine as EngineName;
const random = createRng(1, 'bench');
const images = Array.from({ length: count }, () => ({
  data: Uint8Array.from({ length: size * size * 3 }, () => random.nextInt(256)),
  height: size,
  width: size,
  channels: 3,
}));
const dataset = imagesInMemory(
  images.map((image, i) => ({
    image,
    labels: { age: random.nextInt(80), gender: i % 2 ? ('female' as const) : ('male' as const) },
  })),
);

const choice = await useEngine(engine, { load: loadPackage });
const backbone = () => resnet50Backbone({ weights: null, trainable: false });
// As little behind the backbone as there can be.
const alone = multiTask({ input: [size, size, 3] })
  .trunk(sharedTrunk([await backbone(), globalAveragePool()]))
  .task('age', regression({ unit: 'years' }), branch([dense(1)]))
  .build();
const model = modelB(size, await backbone());
const options = { batchSize, loss: weightedLoss({ age: 1, gender: 50 }), engine, load: loadPackage };
const features = memoryStore();
// Those epochs read what an earlier run kept, so that the first of a run is no exception.
await model.fit(dataset, { ...options, epochs: 1, featureCache: features });

const smallest = { forward: Infinity, epoch: Infinity, kept: Infinity };
for (let round = -1; round < rounds; round++) {
  const began = performance.now();
  await alone.predict(images, { batchSize });
  const forward = performance.now() - began;
  const epoch = await lastEpochOf({});
  const kept = await lastEpochOf({ featureCache: features });
  if (round < 0) continue; // warms up
  smallest.forward = Math.min(smallest.forward, forward);
  smallest.epoch = Math.min(smallest.epoch, epoch);
  smallest.kept = Math.min(smallest.kept, kept);
}
const perImage = (time: number) => `${(time / count).toPrecision(3)} ms an image`;
const beside = (time: number) => `${(time / smallest.forward).toPrecision(3)} of the forward pass`;
console.log(
  `${choice.reason}; ${count} images of ${size}x${size}, batch ${batchSize}, smallest of ${rounds} rounds`,
);
console.log(`forward pass of ResNet50   ${perImage(smallest.forward)}`);
console.log(`epoch of Model B, frozen   ${perImage(smallest.epoch)}, ${beside(smallest.epoch)}`);
console.log(`the same, outputs kept     ${perImage(smallest.kept)}, ${beside(smallest.kept)}`);

/** Milliseconds of the last of two epochs: the first compiles. */
async function lastEpochOf(more: { featureCache?: typeof features }): Promise<number> {
  const { rows } = await model.fit(dataset, { ...options, ...more, epochs: 2 });
  return 1000 * rows.at(-1)!.seconds!;
}
