import { readFileSync } from 'node:fs';
import { arch, cpus, platform } from 'node:os';
import { bestEpoch, type Dataset, type HistoryRow, type MultiTaskModel } from 'tfjs-multitask';
import { architectureDiagram, type folderStore, learningCurves, saveFigure } from 'tfjs-multitask/node';

type Fit = Awaited<ReturnType<MultiTaskModel<Record<never, never>>['fit']>>;

/** What a study leaves behind beside its history and its best model. */
export interface Outputs {
  readonly store: ReturnType<typeof folderStore>;
  readonly model: Pick<MultiTaskModel<Record<never, never>>, 'architecture'>;
  readonly history: Fit;
  readonly train: Dataset<{ age: number }>;
  readonly validation: Dataset<{ age: number }>;
  /** As the user gave them, defaults filled in. */
  readonly args: { readonly [name: string]: unknown };
  /** What the report says of this network, for real faces only. */
  readonly reported?: {
    readonly training: readonly [string, string];
    readonly validation: readonly [string, string];
  };
}

/** Writes figures and `summary.json`, and prints the last epoch's trace and, for real faces, the reported figures beside. */
export async function writeOutputs({ store, model, history, train, validation, args, reported }: Outputs) {
  for (const task of ['age', 'gender']) {
    await saveFigure(store, `${task}-curves`, await learningCurves(history, { task }));
  }
  await saveFigure(store, 'architecture', await architectureDiagram(model.architecture()));

  const last = history.rows.at(-1)!;
  const best = bestEpoch(history, 'val_loss')!;
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
    cleanValidation: Object.fromEntries(Object.entries(row).filter(([name]) => name.startsWith('clean_'))),
    seed: args.seed,
    arguments: args,
    versions: versions(),
  };
  await store.write('summary.json', new TextEncoder().encode(`${JSON.stringify(summary, null, 2)}\n`));

  console.log(`\nLast epoch (${last.epoch}): ${trace(last)}`);
  console.log(`Best epoch (${best.epoch}): ${trace(row)}`);
  console.log(`Guessing the mean age of the training images: MAE ${guess.toFixed(2)} years`);
  if (reported) console.log(`\n${comparison(row, reported)}`);
  console.log(`\nIn ${store.label}: best/, history.csv, summary.json, and the figures
age-curves, gender-curves and architecture, each as .svg and .png`);
}

function trace(row: HistoryRow): string {
  return Object.entries(row)
    .filter(([name]) => name !== 'epoch')
    .map(([name, value]) => `${name}: ${Number(value.toPrecision(4))}`)
    .join(' - ');
}

function comparison(row: HistoryRow, reported: NonNullable<Outputs['reported']>): string {
  const own = (prefix: string) => [
    `${(100 * row[`${prefix}gender_accuracy`]!).toFixed(1)} %`,
    `${row[`${prefix}age_mae`]!.toFixed(2)} years`,
  ];
  const lines = [
    ['', 'gender', 'age MAE'],
    ['reported, training', ...reported.training],
    ['here, training', ...own('')],
    ['reported, validation', ...reported.validation],
    ['here, validation', ...own('val_')],
    ['here, not augmented', ...own('clean_')],
  ];
  return lines
    .map(([name, ...values]) => name!.padEnd(22) + values.map((v) => v.padStart(13)).join(''))
    .join('\n');
}

/** MAE of one who always says the mean age of the training images. */
function meanGuess(train: Outputs['train'], validation: Outputs['train']): number {
  const ages = (dataset: Outputs['train']) =>
    Array.from({ length: dataset.size }, (_, i) => dataset.labels(i).age!);
  const mean = ages(train).reduce((sum, age) => sum + age, 0) / train.size;
  return ages(validation).reduce((sum, age) => sum + Math.abs(age - mean), 0) / validation.size;
}

function versions() {
  const own = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return {
    'tfjs-multitask': own.version,
    '@tensorflow/tfjs': own.devDependencies['@tensorflow/tfjs'],
    node: process.versions.node,
    machine: `${platform()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
  };
}

const rounded = (value: number) => Number(value.toFixed(3));

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
