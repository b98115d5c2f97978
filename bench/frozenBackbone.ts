/**
 * Measures an epoch of Model B with a frozen backbone, with and without a feature cache, and compares it with the forward pass of the
 * backbone for the same images.
 *
 * npm run bench:frozen                                     (onnx, 128x128, batch 32, 256 images) npm run bench:frozen -- --engine wasm
 * --images 64
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
import { modelB } from '../examples/study/modelB.js';

const text = (defaultValue: string) => ({ type: 'string', default: defaultValue }) as const;
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

const { reason } = await useEngine(engine);
const createBackbone = () => resnet50Backbone({ weights: null, trainable: false });
// The smallest network that contains the backbone.
const backboneModel = multiTask({ input: [size, size, 3] })
  .trunk(sharedTrunk([await createBackbone(), globalAveragePool()]))
  .task('age', regression({ unit: 'years' }), branch([dense(1)]))
  .build();
const model = modelB(size, await createBackbone());
const options = { batchSize, loss: weightedLoss({ age: 1, gender: 50 }), engine };
const featureCache = memoryStore();
// Fills the cache, so that every timed epoch reads it.
await model.fit(dataset, { ...options, epochs: 1, featureCache });

const minima = { forward: Infinity, epoch: Infinity, cachedEpoch: Infinity };
for (let round = -1; round < rounds; round++) {
  const start = performance.now();
  await backboneModel.predict(images, { batchSize });
  const forward = performance.now() - start;
  const epoch = await timeLastEpoch({});
  const cachedEpoch = await timeLastEpoch({ featureCache });
  if (round < 0) continue; // Warm-up.
  minima.forward = Math.min(minima.forward, forward);
  minima.epoch = Math.min(minima.epoch, epoch);
  minima.cachedEpoch = Math.min(minima.cachedEpoch, cachedEpoch);
}
const formatPerImage = (time: number) => `${(time / count).toPrecision(3)} ms an image`;
const formatRatio = (time: number) => `${(time / minima.forward).toPrecision(3)} times the forward pass`;
console.log(`${reason}; ${count} images of ${size}x${size}, batch ${batchSize}, minimum of ${rounds} rounds`);
console.log(`forward pass of ResNet50         ${formatPerImage(minima.forward)}`);
console.log(`epoch of Model B                 ${formatPerImage(minima.epoch)}, ${formatRatio(minima.epoch)}`);
console.log(
  `epoch of Model B, feature cache  ${formatPerImage(minima.cachedEpoch)}, ${formatRatio(minima.cachedEpoch)}`,
);

/** Trains for two epochs, and returns the time of the second epoch in milliseconds. The first epoch includes compilation. */
async function timeLastEpoch(more: { featureCache?: typeof featureCache }): Promise<number> {
  const { rows } = await model.fit(dataset, { ...options, ...more, epochs: 2 });
  return 1000 * rows.at(-1)!.seconds!;
}
