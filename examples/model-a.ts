/**
 * Model A: age and gender from face images, trained from scratch.
 *
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

const { values: args } = parseArgs({
  options: {
    data: { type: 'string' },
    epochs: { type: 'string', default: '50' },
    size: { type: 'string', default: '128' },
    'batch-size': { type: 'string', default: '32' },
    limit: { type: 'string' },
    seed: { type: 'string', default: '7' },
    out: { type: 'string', default: 'out/model-a' },
    resume: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (args.help || args.data === undefined) {
  console.log(`usage: npm run model-a -- --data DIR [--epochs N] [--size N] [--batch-size N]
       [--limit N] [--seed N] [--out DIR] [--resume]
DIR holds UTKFace images, named age_gender_race_date.jpg.`);
  process.exit(args.help ? 0 : 1);
}

const size = Number(args.size);
const seed = Number(args.seed);
const batchSize = Number(args['batch-size']);
const store = folderStore(args.out);

const faces = await imageFolder(args.data, {
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
  epochs: Number(args.epochs),
  batchSize,
  seed,
  loss: weightedLoss({ age: 1, gender: 50 }),
  optimizer: adam({
    learningRate: exponentialDecay({
      initial: 1e-3,
      decaySteps: Math.ceil(train.size / batchSize),
      rate: 0.95,
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
