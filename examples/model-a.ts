/**
 * Model A: a CNN that predicts age and gender from face images, trained from scratch.
 *
 *   npm run model-a                                          (drawn faces)
 *   npm run model-a -- --data FOLDER --limit 2000 --size 64 --epochs 10
 *   npm run model-a -- --help
 */
import {
  adam,
  batchNorm,
  bestCheckpoint,
  binary,
  branch,
  conv,
  csvLogger,
  dense,
  dropout,
  exponentialDecay,
  flatten,
  maxPool,
  multiTask,
  progressBar,
  randomFlip,
  randomRotation,
  randomZoom,
  regression,
  sharedTrunk,
  weightedLoss,
} from 'tfjs-multitask';
import { utkFace } from 'tfjs-multitask/datasets';
import { folderStore, imageFolder } from 'tfjs-multitask/node';
import { readModelAArguments } from './study/arguments.js';
import { drawDemoFaces } from './study/faces.js';
import { writeOutputs } from './study/outputs.js';
import { startRun } from './study/run.js';

const args = readModelAArguments();
// Without --data the example draws its own faces, so that it runs on every machine.
if (args.demo) await drawDemoFaces(args.data);

// Data: the file names of UTKFace contain the labels, for example 34_1_0_20170104.jpg for a woman of 34 years.
const faces = await imageFolder(args.data, {
  labels: utkFace(),
  size: [args.size, args.size],
  unusableFiles: 'skip', // a few files of UTKFace have incomplete names
  ...args.subset,
});
for (const { path, reason } of faces.skipped) console.log(`skipped ${path}: ${reason}`);
const split = faces.split({ validation: 0.2, seed: args.seed });
console.log(`${split.train.size} training images, ${split.validation.size} validation images`);

// Augmentation: new random numbers for every image in every epoch. The study augments the validation images, too.
const augment = (images: typeof faces) =>
  args.augment === 'none'
    ? images
    : images.augment(
        [randomRotation({ degrees: 20 }), randomZoom({ range: 0.1 }), randomFlip('horizontal')],
        {
          fixed: args.augment === 'fixed',
        },
      );
const train = augment(split.train);
const validation = augment(split.validation);

// Model: both tasks share the trunk, and each task has its own branch. The output layer of a task depends on the type of the task, and is added automatically.
const faceBranch = (filters: number) =>
  branch([
    conv(64, 3),
    maxPool(2),
    batchNorm(),
    conv(128, 2),
    maxPool(2),
    batchNorm(),
    conv(filters, 2),
    flatten(),
    dense(128, { l2: args.l2 }),
    dropout(args.dropout),
    dense(16, { l2: args.l2 }),
    dropout(args.dropout),
  ]);

const model = multiTask({ input: [args.size, args.size, 3], seed: args.seed })
  .trunk(sharedTrunk([conv(64, 3), conv(64, 3), maxPool(2), batchNorm(), conv(128, 3), maxPool(2)]))
  .task('age', regression({ unit: 'years' }), faceBranch(args.ageFilters))
  .task('gender', binary(['male', 'female']), faceBranch(args.genderFilters))
  .build();

// Loss: the squared error of ages is in the hundreds, but the cross-entropy of the gender is below 1. With equal weights, the network would
// hardly learn the gender.
const loss = weightedLoss({ age: 1, gender: 50 });

// Optimizer: the learning rate decreases a little at every step. Over one epoch, it is multiplied by args.decayRate: 0.95, or 0.75 for drawn
// faces, which need fewer epochs.
const optimizer = adam({
  learningRate: exponentialDecay({
    initialLearningRate: 1e-3,
    decaySteps: Math.ceil(train.size / args.batchSize),
    decayRate: args.decayRate,
  }),
});

// Training: runs all epochs, and saves the weights with the lowest validation loss.
const store = folderStore(args.out);
const run = await startRun({ name: 'Model A', model, train, validation, args });
const history = await model.fit(train, {
  validation,
  evaluateUnaugmented: true, // also validates on images without augmentation, as a user of the model would pass them
  epochs: args.epochs,
  batchSize: args.batchSize,
  seed: args.seed,
  loss,
  optimizer,
  callbacks: [bestCheckpoint(store, { monitor: 'val_loss' }), csvLogger(store), progressBar()],
  ...run.fitOptions, // engine and threads; Ctrl-C stops the run, and --resume continues it
});

await writeOutputs(run, history, {
  kerasFile: 'age_gender_A.h5',
  loss,
  optimizer,
  published: {
    training: { gender: '93 %', age: '5.6 years' },
    validation: { gender: '88 %', age: '6.8 years' },
  },
});
