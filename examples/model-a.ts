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
  bestCheckpoint,
  csvLog,
  exponentialDecay,
  horizontalFlip,
  isMultitaskError,
  progress,
  rotation,
  utkFace,
  weightedLoss,
  zoom,
} from 'tfjs-multitask';
import { folderStore, imageFolder, loadPackage } from 'tfjs-multitask/node';
import { DEMO, writeDemoFaces } from './demo-faces/write.js';
import { modelA } from './study/model-a-network.js';
import { writeOutputs } from './study/outputs.js';

const USAGE = `usage: npm run model-a -- [arguments]

  --data DIR         UTKFace images, named age_gender_race_date.jpg; without it faces are drawn
  --epochs N         the last epoch (50; ${DEMO.epochs} on drawn faces)
  --size N           pixels, 56 or more (128; ${DEMO.size} on drawn faces)
  --batch-size N     images in a step (16; ${DEMO.batchSize} on drawn faces)
  --limit N          use so many of the images (all)
  --seed N           names the split, the first weights, the order and the augmentation (7)
  --engine NAME      auto, native, onnx, wasm or cpu (auto)
  --threads N        of the onnx engine (as many as the machine runs)
  --out DIR          where everything goes (out/model-a)
  --resume           go on where the run in --out was stopped
  --help             this text`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;
const { values: args } = parseArgs({
  options: {
    data: text,
    epochs: text,
    size: text,
    'batch-size': text,
    limit: text,
    seed: { ...text, default: '7' },
    engine: { ...text, default: 'auto' },
    threads: text,
    out: { ...text, default: 'out/model-a' },
    resume: flag,
    help: flag,
  },
});

process.once('uncaughtException', (error) => {
  console.error(isMultitaskError(error) ? error.message : error);
  process.exit(1);
});

if (args.help) {
  console.log(USAGE);
  process.exit(0);
}

/** A whole number above zero from the command line. */
function whole(name: 'epochs' | 'size' | 'batch-size' | 'limit' | 'threads', otherwise: number): number {
  const value = Number(args[name] ?? otherwise);
  if (Number.isInteger(value) && value > 0) return value;
  console.error(`--${name}: expected a whole number above zero, received "${args[name]}"\n\n${USAGE}`);
  process.exit(2);
}

const demo = args.data === undefined;
const data = args.data ?? 'out/demo-faces';
const size = whole('size', demo ? DEMO.size : 128);
const batchSize = whole('batch-size', demo ? DEMO.batchSize : 16);
const epochs = whole('epochs', demo ? DEMO.epochs : 50);
const seed = Number(args.seed);
const engine = args.engine as 'auto';
if (demo) {
  console.log('No --data: training on drawn faces. What comes out says nothing about people.');
  await writeDemoFaces(data);
}

const faces = await imageFolder(data, {
  labels: utkFace(),
  size: [size, size],
  unusable: 'skip',
  ...(args.limit === undefined ? {} : { limit: whole('limit', 0) }),
});
for (const { path, reason } of faces.skipped) console.log(`skipped ${path}: ${reason}`);
const { train, validation } = faces.split({ validation: 0.2, seed });
console.log(`${train.size} images for training, ${validation.size} for validation`);

const store = folderStore(args.out);
const model = modelA(size, seed);
const look = augment([rotation({ degrees: 20 }), zoom({ range: 0.1 }), horizontalFlip()]);
const stop = new AbortController();
process.once('SIGINT', () => {
  console.log('\nStopping after this step; --resume goes on from there. Ctrl-C again ends at once.');
  stop.abort();
});

const history = await model.fit(train.augment(look), {
  validation: validation.augment(look),
  clean: true,
  epochs,
  batchSize,
  seed,
  engine,
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
  graphs: folderStore('out/graphs'),
  ...(args.threads === undefined ? {} : { threads: whole('threads', 0) }),
  log: console.log,
});

if (history.rows.length > 0) {
  await writeOutputs({
    store,
    model,
    history,
    train,
    validation,
    args: { data: demo ? 'drawn faces' : data, size, batchSize, epochs, seed, engine, limit: args.limit },
    ...(demo
      ? {}
      : { reported: { training: ['93 %', '5.6 years'], validation: ['88 %', '6.8 years'] } as const }),
  });
}
