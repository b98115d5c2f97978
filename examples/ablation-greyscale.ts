/**
 * What colour is worth: Model A with images in grey for neither task, for gender, for age, and for both.
 *
 *   npm run ablation                                           (drawn faces)
 *   npm run ablation -- --data FOLDER --limit 1000 --size 64 --epochs 5 --seeds 3
 *
 * Within a seed all four have the same split, first weights, order and augmentation. Every run has a folder in --out: one that
 * was stopped goes on there, and one that is finished is not made again.
 */
import { join } from 'node:path';
import { bestCheckpoint, type HistoryRecord, loadModel } from 'tfjs-multitask';
import {
  architectureDiagram,
  folderStore,
  learningCurveGrid,
  saveFigure,
  writeReport,
} from 'tfjs-multitask/node';
import { compare, tableOf } from './study/ablation-table.js';
import { readArguments } from './study/arguments.js';
import { loadFaces } from './study/faces.js';
import { modelA } from './study/model-a-network.js';
import { beginRecord, endRecord } from './study/report.js';
import { train } from './study/train.js';

const SETTINGS = [
  { title: 'neither', grey: [] },
  { title: 'gender', grey: ['gender'] },
  { title: 'age', grey: ['age'] },
  { title: 'both', grey: ['age', 'gender'] },
] as const;

const args = readArguments(
  'ablation',
  56,
  {
    seeds: { value: 'N', help: 'repeat all of it with so many seeds, from --seed on (2)', default: '2' },
  },
  ['resume', 'watch'],
);
const count = Number(args.own.seeds);
if (!Number.isInteger(count) || count < 1) {
  console.error(`--seeds: expected a whole number above zero, received "${args.own.seeds}"`);
  process.exit(2);
}

const settings = SETTINGS.map(({ title, grey }) => ({
  title,
  name: `grey for ${title}`,
  grey,
  folders: [] as string[],
  runs: [] as HistoryRecord[],
}));
for (let seed = args.seed; seed < args.seed + count; seed++) {
  const faces = await loadFaces({ ...args, seed });
  for (const { name, grey, folders, runs } of settings) {
    console.log(`\nGrey for ${grey.join(' and ') || 'neither'}, seed ${seed}`);
    const out = join(args.out, `seed-${seed}`, name.replaceAll(' ', '-'));
    const own = { ...args, seed, out, resume: true, own: { grey: grey.join(', ') || 'none' } };
    const store = folderStore(out);
    const model = modelA(args.size, { seed, grey });
    const ended = await beginRecord(store, `Model A, ${name}`, model, faces, own);
    const callbacks = [bestCheckpoint(store, { monitor: 'val_loss' })];
    const history = await train(model, faces, own, { store, callbacks });
    await ended();
    if (history.stopped === 'aborted') process.exit(130);
    const kept = await loadModel(store, { folder: 'best', tasks: model.tasks });
    await endRecord(store, `Model A, ${name}`, kept, history, faces, own);
    if (seed === args.seed) {
      await saveFigure(store, 'architecture', await architectureDiagram(model.architecture()));
    }
    kept.dispose();
    model.dispose();
    folders.push(out);
    runs.push(history);
  }
}

const store = folderStore(args.out);
const columns = settings.map(({ name, runs }) => ({ title: name, runs }));
const title = args.demo ? 'Model A on drawn faces, in colour and in grey' : 'Model A in colour and in grey';
await saveFigure(store, 'ablation', await learningCurveGrid(columns, { title }));
const comparison = compare(settings);
const table = tableOf(comparison);
const write = (name: string, text: string) => store.write(name, new TextEncoder().encode(text));
await write('ablation.md', table);
await write('ablation.json', `${JSON.stringify({ seed: args.seed, seeds: count, comparison }, null, 2)}\n`);
console.log(`\n${table}`);
const first = settings.map(({ folders }) => folders[0]!);
const page = await writeReport(first, { out: args.out, images: args.images });
console.log(`In ${store.label}: ablation.svg and .png, ablation.md, ablation.json, and a folder for each run

Report of the first seed: ${page}`);
