/**
 * Model B: predicts age and gender from face images with transfer learning, on top of a ResNet50 that was trained on ImageNet.
 *
 *   npm run model-b                                          (drawn faces; downloads 95 MB of weights once)
 *   npm run model-b -- --data FOLDER --limit 2000 --epochs 10 --augment fixed
 *   npm run model-b -- --data FOLDER --fine-tune conv5       (also trains the last stage of the backbone)
 *   npm run model-b -- --help
 */
import {
  adam,
  bestCheckpoint,
  binary,
  branch,
  csvLogger,
  dense,
  dropout,
  earlyStopping,
  exponentialDecay,
  globalAveragePool,
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
import { folderStore, imageFolder, resnet50Backbone } from 'tfjs-multitask/node';
import { readModelBArguments } from './study/arguments.js';
import { drawDemoFaces } from './study/faces.js';
import { describeWeights } from './study/modelB.js';
import { writeOutputs } from './study/outputs.js';
import { startRun } from './study/run.js';

const args = readModelBArguments();
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

// Backbone: frozen by default, { trainable: false }. With --fine-tune conv5 it is { trainableFrom: 'conv5' }.
const backbone = await resnet50Backbone({
  weights: args.weights === 'none' ? null : args.weights,
  ...args.trainableLayers,
});

// Model: the trunk is the backbone, and the branches are the dense layers of Model A.
const faceBranch = () =>
  branch([dense(128, { l2: 1e-3 }), dropout(0.3), dense(16, { l2: 1e-3 }), dropout(0.3)]);

const model = multiTask({ input: [args.size, args.size, 3], seed: args.seed })
  .trunk(sharedTrunk([backbone, globalAveragePool()]))
  .task('age', regression({ unit: 'years' }), faceBranch())
  .task('gender', binary(['male', 'female']), faceBranch())
  .build();

// Loss: the squared error of ages is in the hundreds, but the cross-entropy of the gender is below 1. With equal weights, the network would
// hardly learn the gender.
const loss = weightedLoss({ age: 1, gender: 50 });

// Optimizer: args.learningRate is 1e-3 for new layers, and 1e-4 if --fine-tune trains pretrained layers. Adam's first steps are as large as
// the learning rate, independent of the gradient, so 1e-3 would destroy the pretrained weights. 1e-5 is common if the branches were trained
// before. Here, the branches are new and would hardly learn at that rate.
const optimizer = adam({
  learningRate: exponentialDecay({
    initialLearningRate: args.learningRate,
    decaySteps: Math.ceil(train.size / args.batchSize),
    decayRate: args.decayRate,
  }),
});

// Training: ends after three epochs without a lower validation loss, and saves the weights with the lowest validation loss.
const store = folderStore(args.out);
const run = await startRun({
  name: 'Model B',
  model,
  train,
  validation,
  args,
  origin: describeWeights(args.weights),
});
const history = await model.fit(train, {
  validation,
  evaluateUnaugmented: true, // also validates on images without augmentation, as a user of the model would pass them
  epochs: args.epochs,
  batchSize: args.batchSize,
  seed: args.seed,
  loss,
  optimizer,
  callbacks: [
    bestCheckpoint(store, { monitor: 'val_loss' }),
    earlyStopping({ monitor: 'val_loss', patience: 3 }),
    csvLogger(store),
    progressBar(),
  ],
  // Images that are the same in every epoch pass through the frozen layers only once, in this run and in later runs. With --augment free, only
  // the images of the validation without augmentation are the same.
  ...(args.fineTune !== 'all' && { featureCache: folderStore('out/features') }),
  ...run.fitOptions, // engine and threads; Ctrl-C stops the run, and --resume continues it
});

await writeOutputs(run, history, {
  kerasFile: 'age_gender_B.h5',
  loss,
  optimizer,
  published: { validation: { gender: '84 %', age: '8.1 years' } },
});
