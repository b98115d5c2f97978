/**
 * Trains a small network on wasm and prints the losses as a line of JSON: `trainOnWasm.ts THREADS [STOP_AT]`. With `STOP_AT`, the run is
 * stopped after that number of steps and resumed.
 */
import {
  adam,
  batchNorm,
  branch,
  type Callback,
  conv,
  createRng,
  dense,
  depthwiseConv,
  dropout,
  flatten,
  imagesInMemory,
  maxPool,
  memoryStore,
  multiTask,
  randomFlip,
  regression,
  sharedTrunk,
} from 'tfjs-multitask';

const [threads, stopAt] = process.argv.slice(2).map(Number) as [number, number?];
const random = createRng(1, 'threads');
const images = Array.from({ length: 12 }, () => ({
  image: {
    data: Uint8Array.from({ length: 24 * 24 * 3 }, () => random.nextInt(256)),
    height: 24,
    width: 24,
    channels: 3,
  },
  labels: { age: random.nextInt(80) },
}));
// The kernels compute channels in groups of 4 and 8. Two layers have multiples of 8 channels, the last convolution does not.
const model = () =>
  multiTask({ input: [24, 24, 3], seed: 2 })
    .trunk(sharedTrunk([conv(16, 3), depthwiseConv(3), conv(24, 3), maxPool(2), batchNorm(), conv(6, 3)]))
    .task('age', regression({ unit: 'years' }), branch([flatten(), dense(8), dropout(0.2)]))
    .build();

const checkpoint = memoryStore();
const controller = new AbortController();
let steps = 0;
const stop: Callback = {
  name: 'stop',
  create: () => ({
    onBatchEnd: () => {
      if (++steps === stopAt) controller.abort();
    },
  }),
};
const options = {
  engine: 'wasm',
  threads,
  epochs: 3,
  batchSize: 4,
  optimizer: adam({ learningRate: 1e-2 }),
  checkpoint,
} as const;
const dataset = imagesInMemory(images).augment([randomFlip('horizontal')]);
let history = await model().fit(dataset, { ...options, callbacks: [stop], signal: controller.signal });
if (history.stopped === 'aborted') history = await model().fit(dataset, { ...options, resume: true });
const losses = history.rows.map(({ loss }) => loss);
console.log(JSON.stringify({ reason: history.engine.reason, losses, stopped: history.stopped }));
