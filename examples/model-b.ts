/**
 * Model B: age and gender from face images, on top of a ResNet50 that ImageNet trained.
 *
 *   npm run model-b                                            (drawn faces; downloads 95 MB of weights once)
 *   npm run model-b -- --data FOLDER --limit 2000 --epochs 10 --augment fixed
 *   npm run model-b -- --data FOLDER --fine-tune conv5         (trains the end of the backbone too)
 */
import { bestCheckpoint, earlyStopping } from 'tfjs-multitask';
import { folderStore, resnet50Backbone } from 'tfjs-multitask/node';
import { readArguments } from './study/arguments.js';
import { loadFaces } from './study/faces.js';
import { modelB } from './study/model-b-network.js';
import { writeOutputs } from './study/outputs.js';
import { beginRecord } from './study/report.js';
import { train } from './study/train.js';

const args = readArguments('model-b', 32, {
  weights: {
    value: 'FROM',
    help: 'of the backbone: imagenet (default), none, or a file that Keras or this example wrote',
    default: 'imagenet',
  },
  'fine-tune': {
    value: 'STAGE',
    help: 'train the backbone from here on, conv5 say, or all of it, at a tenth of the rate (nothing)',
  },
});
const { weights, 'fine-tune': stage } = args.own;

const backbone = await resnet50Backbone({
  weights: weights === 'none' ? null : weights!,
  ...(stage === undefined || stage === 'all' ? { trainable: stage === 'all' } : { trainableFrom: stage }),
});
const origin = {
  imagenet: 'The backbone has the official weights, trained on ImageNet.',
  none: 'The backbone began with random weights: no figure here says what transfer from ImageNet gives.',
}[weights!];

const faces = await loadFaces(args);
const store = folderStore(args.out);
const model = modelB(args.size, backbone, args.seed);
await beginRecord(store, 'Model B', model, faces, args);
const history = await train(model, faces, args, {
  store,
  callbacks: [
    bestCheckpoint(store, { monitor: 'val_loss' }),
    earlyStopping({ monitor: 'val_loss', patience: 3 }),
  ],
  ...(stage !== 'all' && { featureCache: folderStore('out/features') }),
});

if (history.rows.length > 0) {
  await writeOutputs(store, model, history, faces, args, {
    letter: 'B',
    reported: { validation: ['84 %', '8.1 years'] },
    origin: origin ?? `The backbone's weights are those of ${weights}, not the official ones of ImageNet.`,
  });
}
