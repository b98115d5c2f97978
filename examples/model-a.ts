/**
 * Model A: age and gender from face images, trained from scratch.
 *
 *   npm run model-a                                            (drawn faces)
 *   npm run model-a -- --data FOLDER --limit 2000 --size 64 --epochs 10
 */
import { parseArgs } from 'node:util';
import {
  adam,
  augment,
  batchNorm,
  bestCheckpoint,
  binary,
  branch,
  conv,
  csvLog,
  dense,
  dropout,
  exponentialDecay,
  flatten,
  horizontalFlip,
  maxPool,
  multiTask,
  progress,
  regression,
  rotation,
  sharedTrunk,
  utkFace,
  weightedLoss,
  zoom,
} from 'tfjs-multitask';
import { folderStore, imageFolder, loadPackage } from 'tfjs-multitask/node';
import { DEMO, writeDemoFaces } from './demo-faces/write.js';

const { values: args } = parseArgs({
  options: {
    data: { type: 'string' },
    epochs: { type: 'string' },
    size: { type: 'string' },
    'batch-size': { type: 'string' },
    limit: { type: 'string' },
    seed: { type: 'string', default: '7' },
    out: { type: 'string', default: 'out/model-a' },
    resume: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (args.help) {
  console.log(`usage: npm run model-a -- [--data DIR] [--epochs N] [--size N] [--batch-size N]
       [--limit N] [--seed N] [--out DIR] [--resume]
DIR holds UTKFace images, named age_gender_race_date.jpg. Without --data the faces are drawn.`);
  process.exit(0);
}

const demo = args.data === undefined;
const size = Number(args.size ?? (demo ? DEMO.size : 128));
const seed = Number(args.seed);
const batchSize = Number(args['batch-size'] ?? (demo ? DEMO.batchSize : 32));
const epochs = Number(args.epochs ?? (demo ? DEMO.epochs : 50));
const data = args.data ?? 'out/demo-faces';
if (demo) {
  console.log('No --data: training on drawn faces. What comes out says nothing about people.');
  await writeDemoFaces(data);
}
const store = folderStore(args.out);

const faces = await imageFolder(data, {
  labels: utkFace(),
  size: [size, size],
  unusable: 'skip',
  ...(args.limit === undefined ? {} : { limit: Number(args.limit) }),
});
for (const { path, reason } of faces.skipped) console.log(`skipped ${path}: ${reason}`);
const { train, validation } = faces.split({ validation: 0.2, seed });
console.log(`${train.size} images for training, ${validation.size} for validation`);

const head = () => [dense(128, { l2: 1e-3 }), dropout(0.3), dense(16, { l2: 1e-3 }), dropout(0.3)];
const faceBranch = (filters: number) =>
  branch([
    ...[conv(64, 3), maxPool(2), batchNorm()],
    ...[conv(128, 2), maxPool(2), batchNorm()],
    ...[conv(filters, 2), flatten(), ...head()],
  ]);

const model = multiTask({ input: [size, size, 3] })
  .trunk(sharedTrunk([conv(64, 3), conv(64, 3), maxPool(2), batchNorm(), conv(128, 3), maxPool(2)]))
  .task('age', regression({ unit: 'years' }), faceBranch(128))
  .task('gender', binary(['male', 'female']), faceBranch(64))
  .build();

const look = augment([rotation({ degrees: 20 }), zoom({ range: 0.1 }), horizontalFlip()]);
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

const history = await model.fit(train.augment(look), {
  validation: validation.augment(look),
  clean: true,
  epochs,
  batchSize,
  seed,
  loss: weightedLoss({ age: 1, gender: 50 }),
  optimizer: adam({
    learningRate: exponentialDecay({
      initial: demo ? DEMO.learningRate : 1e-3,
      decaySteps: Math.ceil(train.size / batchSize),
      rate: demo ? DEMO.decay : 0.95,
    }),
  }),
  callbacks: [bestCheckpoint(store, { monitor: 'val_loss' }), csvLog(store), progress(process.stdout)],
  checkpoint: store,
  resume: args.resume,
  signal: stop.signal,
  load: loadPackage,
  log: console.log,
});
console.log(history.stopped, history.rows.at(-1));

const ages = Array.from({ length: train.size }, (_, i) => train.labels(i).age);
const mean = ages.reduce((sum, age) => sum + age, 0) / ages.length;
let guess = 0;
for (let i = 0; i < validation.size; i++)
  guess += Math.abs(validation.labels(i).age - mean) / validation.size;
console.log(`guessing the mean age: ${guess.toFixed(2)} years`);
