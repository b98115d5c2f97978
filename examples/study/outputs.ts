import { exportKeras, findBestEpoch, type HistoryRow, loadModel } from 'tfjs-multitask';
import {
  architectureDiagram,
  type folderStore,
  learningCurves,
  saveFigure,
  writeReport,
} from 'tfjs-multitask/node';
import type { StudyArguments } from './arguments.js';
import type { Faces } from './faces.js';
import { endRecord, saidBy, versions } from './report.js';
import { LOSS, optimizerOf, type StudyModel } from './train.js';

type Fit = Awaited<ReturnType<StudyModel['fit']>>;

/** What one network's outputs say beside what all have. */
export interface Words {
  /** The letter of the network, in the name of its file for Keras. */
  readonly letter: 'A' | 'B';
  /** What the report says of this network; shown beside real faces only. */
  readonly reported: {
    readonly training?: readonly [string, string];
    readonly validation: readonly [string, string];
  };
  /** What a reader must know before the figures: where first weights came from. */
  readonly origin?: string;
}

/** Writes figures, `summary.json` and the best model as a file of Keras, and prints the last epoch's trace and, for real faces, the reported figures beside. */
export async function writeOutputs(
  store: ReturnType<typeof folderStore>,
  model: StudyModel,
  history: Fit,
  { train, validation }: Faces,
  args: StudyArguments,
  { letter, reported, origin }: Words,
) {
  for (const task of ['age', 'gender'] as const) {
    await saveFigure(store, `${task}-curves`, await learningCurves(history, { task }));
  }
  await saveFigure(store, 'architecture', await architectureDiagram(model.architecture()));

  const last = history.rows.at(-1)!;
  const best = findBestEpoch(history, 'val_loss')!;
  const row = history.rows.find(({ epoch }) => epoch === best.epoch)!;
  const guess = meanGuess(train, validation);
  const summary = {
    engine: history.engine,
    stopped: history.stopped,
    // Of a whole epoch, validation included, for each training image.
    millisecondsPerImage: rounded((median(history.rows.map(({ seconds }) => seconds!)) * 1000) / train.size),
    images: { training: train.size, validation: validation.size },
    meanGuessAgeMae: rounded(guess),
    bestEpoch: row,
    unaugmentedValidation: Object.fromEntries(
      Object.entries(row).filter(([name]) => name.startsWith('val_unaugmented_')),
    ),
    seed: args.seed,
    ...(origin && { origin }),
    arguments: saidBy(args),
    versions: versions(),
  };
  const file = `age_gender_${letter}.h5`;
  const keras = await loadModel(store, { folder: 'best', tasks: model.tasks });
  // Who opens the file in Keras has images of bytes at hand, and does not know the range of this model.
  const compiled = { bytes: true, loss: LOSS, optimizer: optimizerOf(train.size, args) };
  await store.write(file, await exportKeras(keras, { format: 'h5', ...compiled }));
  await endRecord(store, `Model ${letter}`, keras, history, { train, validation }, args, origin);
  const page = await writeReport(args.out, { images: args.images });
  keras.dispose();
  await store.write('summary.json', new TextEncoder().encode(`${JSON.stringify(summary, null, 2)}\n`));

  if (origin) console.log(`\n${origin}`);
  console.log(`\nLast epoch (${last.epoch}): ${trace(last)}`);
  console.log(`Best epoch (${best.epoch}): ${trace(row)}`);
  console.log(`Guessing the mean age of the training images: MAE ${guess.toFixed(2)} years`);
  if (!args.demo) console.log(`\n${comparison(row, reported)}`);
  console.log(`\nIn ${store.label}: best/, ${file} for Keras, history.csv, summary.json, and the figures
age-curves, gender-curves and architecture, each as .svg and .png

Report: ${page}`);
}

function trace(row: HistoryRow): string {
  return Object.entries(row)
    .filter(([name]) => name !== 'epoch')
    .map(([name, value]) => `${name}: ${Number(value.toPrecision(4))}`)
    .join(' - ');
}

function comparison(row: HistoryRow, reported: Words['reported']): string {
  const own = (prefix: string) => [
    `${(100 * row[`${prefix}gender_accuracy`]!).toFixed(1)} %`,
    `${row[`${prefix}age_mae`]!.toFixed(2)} years`,
  ];
  const lines = [
    ['', 'gender', 'age MAE'],
    ...(reported.training ? [['reported, training', ...reported.training]] : []),
    ['here, training', ...own('')],
    ['reported, validation', ...reported.validation],
    ['here, validation', ...own('val_')],
    ['here, not augmented', ...own('val_unaugmented_')],
  ];
  return lines
    .map(([name, ...values]) => name!.padEnd(22) + values.map((v) => v.padStart(13)).join(''))
    .join('\n');
}

/** MAE of one who always says the mean age of the training images. */
function meanGuess(train: Faces['train'], validation: Faces['train']): number {
  const ages = (dataset: Faces['train']) =>
    Array.from({ length: dataset.size }, (_, i) => dataset.labels(i).age!);
  const mean = ages(train).reduce((sum, age) => sum + age, 0) / train.size;
  return ages(validation).reduce((sum, age) => sum + Math.abs(age - mean), 0) / validation.size;
}

const rounded = (value: number) => Number(value.toFixed(3));

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
