/**
 * Model A: age and gender from face images, trained from scratch.
 *
 *   npm run model-a                                            (drawn faces)
 *   npm run model-a -- --data FOLDER --limit 2000 --size 64 --epochs 10
 */
import { bestCheckpoint } from 'tfjs-multitask';
import { folderStore } from 'tfjs-multitask/node';
import { readArguments } from './study/arguments.js';
import { CHOSEN, chosenBy } from './study/chosen.js';
import { loadFaces } from './study/faces.js';
import { modelA } from './study/model-a-network.js';
import { writeOutputs } from './study/outputs.js';
import { beginRecord } from './study/report.js';
import { train } from './study/train.js';

const args = readArguments('model-a', 56, CHOSEN);
const faces = await loadFaces(args);
const store = folderStore(args.out);

const model = modelA(args.size, { seed: args.seed, ...chosenBy(args) });
await beginRecord(store, 'Model A', model, faces, args);
const history = await train(model, faces, args, {
  store,
  callbacks: [bestCheckpoint(store, { monitor: 'val_loss' })],
});

if (history.rows.length > 0) {
  await writeOutputs(store, model, history, faces, args, {
    letter: 'A',
    reported: { training: ['93 %', '5.6 years'], validation: ['88 %', '6.8 years'] },
  });
}
