/**
 * Grayscale ablation: measures how much color contributes to the accuracy of Model A. Trains the model with grayscale images for neither
 * task, for gender, for age, and for both tasks.
 *
 * npm run ablation                                         (drawn faces) npm run ablation -- --data FOLDER --limit 1000 --size 64 --epochs
 * 5 --seeds 3 npm run ablation -- --help
 *
 * For each seed, the four runs have the same split, weight initialization, order of images and augmentation. Each run has a folder in
 * --out. If you run the same command again, it continues a stopped run and does not repeat finished runs.
 */
import { join } from 'node:path';
import { bestCheckpoint, csvLogger, type HistoryRecord, loadModel, progressBar } from 'tfjs-multitask';
import {
  architectureDiagram,
  folderStore,
  learningCurveGrid,
  saveFigure,
  writeReport,
} from 'tfjs-multitask/node';
import { compareSettings, formatAblationTable } from './study/ablationTable.js';
import { readAblationArguments } from './study/arguments.js';
import { loadFaces } from './study/faces.js';
import { modelA } from './study/modelA.js';
import { startRun } from './study/run.js';
import { createOptimizer, LOSS } from './study/training.js';

const SETTINGS = [
  { title: 'neither', grayscale: [] },
  { title: 'gender', grayscale: ['gender'] },
  { title: 'age', grayscale: ['age'] },
  { title: 'both', grayscale: ['age', 'gender'] },
] as const;

const args = readAblationArguments();
const settings = SETTINGS.map(({ title, grayscale }) => ({
  title,
  name: `gray for ${title}`,
  grayscale,
  folders: [] as string[],
  runs: [] as HistoryRecord[],
}));
for (let seed = args.seed; seed < args.seed + args.seeds; seed++) {
  const { train, validation } = await loadFaces({ ...args, seed });
  for (const { name, grayscale, folders, runs } of settings) {
    console.log(`\nModel A, ${name}, seed ${seed}`);
    const out = join(args.out, `seed-${seed}`, name.replaceAll(' ', '-'));
    const { seeds, ...common } = args;
    const runArgs = {
      ...common,
      ...{ seed, out, resume: true },
      grayscale: grayscale.join(', ') || 'none',
    };
    const model = modelA(args.size, { seed, grayscale });
    const run = await startRun({
      name: `Model A, ${name}`,
      model,
      train,
      validation,
      args: runArgs,
      resumeAdvice: 'Run the same command again to continue.',
    });
    const history = await model.fit(train, {
      validation,
      evaluateUnaugmented: true,
      epochs: args.epochs,
      batchSize: args.batchSize,
      seed,
      loss: LOSS,
      optimizer: createOptimizer({ trainingImages: train.size, ...args }),
      callbacks: [
        bestCheckpoint(run.store, { monitor: 'val_loss' }),
        csvLogger(run.store),
        progressBar(process.stdout),
      ],
      ...run.fitOptions,
    });
    if (history.stopped === 'aborted') process.exit(130);
    const bestModel = await loadModel(run.store, { folder: 'best', tasks: model.tasks });
    await run.saveRecord(bestModel, history);
    if (seed === args.seed) {
      await saveFigure(run.store, 'architecture', await architectureDiagram(model.architecture()));
    }
    bestModel.dispose();
    model.dispose();
    folders.push(out);
    runs.push(history);
  }
}

const store = folderStore(args.out);
const columns = settings.map(({ name, runs }) => ({ title: name, runs }));
const title = args.demo
  ? 'Model A on drawn faces, in color and in grayscale'
  : 'Model A in color and in grayscale';
await saveFigure(store, 'ablation', await learningCurveGrid(columns, { title }));
const comparison = compareSettings(settings);
const table = formatAblationTable(comparison);
const writeText = (name: string, text: string) => store.write(name, new TextEncoder().encode(text));
await writeText('ablation.md', table);
await writeText(
  'ablation.json',
  `${JSON.stringify({ seed: args.seed, seeds: args.seeds, comparison }, null, 2)}\n`,
);
const firstFolders = settings.map(({ folders }) => folders[0]!);
const page = await writeReport(firstFolders, { out: args.out, images: args.images });
console.log(`\n${table}
Files in ${store.label}:
  report.html         report of the runs with the first seed
  ablation.svg, .png  learning curves of all runs
  ablation.md, .json  this table and its numbers
  seed-*/             a folder for each run

Report: ${page}`);
