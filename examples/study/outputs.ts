import { exportKeras, type HistoryRow, loadModel, type Optimizer, type WeightedLoss } from 'tfjs-multitask';
import { architectureDiagram, learningCurves, saveFigure, writeReport } from 'tfjs-multitask/node';
import { describeArguments } from './arguments.js';
import type { FaceDataset } from './faces.js';
import { getVersions, type StudyHistory, type StudyRun } from './run.js';

/** Accuracy of gender and mean absolute error of age, as the study published them. */
export interface PublishedResult {
  readonly gender: string;
  readonly age: string;
}

/** Options of {@link writeOutputs}. */
export interface OutputOptions {
  /** Name of the file for Keras. */
  readonly kerasFile: string;
  readonly loss: WeightedLoss<{ readonly age: number; readonly gender: number }>;
  readonly optimizer: Optimizer;
  /** Results of the study. They are printed for photographs only, because drawn faces are a different problem. */
  readonly published: { readonly training?: PublishedResult; readonly validation: PublishedResult };
}

/**
 * Writes the figures, `summary.json`, the report, and the best model as a file for Keras; then prints the results. Does nothing for a
 * run that was stopped in its first epoch.
 */
export async function writeOutputs(
  run: StudyRun,
  history: StudyHistory,
  { kerasFile, loss, optimizer, published }: OutputOptions,
): Promise<void> {
  const { store, model, train, validation, args, origin } = run;
  const best = history.bestEpoch('val_loss');
  const bestRow = history.rows.find(({ epoch }) => epoch === best?.epoch);
  if (!bestRow) return;
  for (const task of ['age', 'gender'] as const) {
    await saveFigure(store, `${task}-curves`, await learningCurves(history, { task }));
  }
  await saveFigure(store, 'architecture', await architectureDiagram(model.architecture()));

  const baseline = computeMeanAgeError(train, validation);
  const summary = {
    engine: history.engine,
    stopped: history.stopped,
    // Time of a whole epoch, with validation, divided by the number of training images.
    millisecondsPerImage: round((median(history.rows.map(({ seconds }) => seconds)) * 1000) / train.size),
    images: { training: train.size, validation: validation.size },
    meanGuessAgeMae: round(baseline),
    bestEpoch: bestRow,
    unaugmentedValidation: Object.fromEntries(
      Object.entries(bestRow).filter(([name]) => name.startsWith('val_unaugmented_')),
    ),
    seed: args.seed,
    ...(origin && { origin }),
    arguments: describeArguments(args),
    versions: getVersions(),
  };
  const bestModel = await loadModel(store, { folder: 'best', tasks: model.tasks });
  // A program that opens the file in Keras has bytes from 0 to 255, so the file converts them to the range of this model.
  const file = await exportKeras(bestModel, { format: 'h5', bytes: true, loss, optimizer });
  await store.write(kerasFile, file);
  await run.saveRecord(bestModel, history);
  const page = await writeReport(args.out, { images: args.images });
  bestModel.dispose();
  await store.write('summary.json', new TextEncoder().encode(`${JSON.stringify(summary, null, 2)}\n`));

  if (origin) console.log(`\n${origin}`);
  const results = formatResults(history, bestRow, baseline, args.demo ? undefined : published);
  console.log(`\n${results}

Files in ${store.label}:
  report.html         the whole report, to open in a browser
  best/               the model of the best epoch, for loadModel()
  ${kerasFile}     the same model for Keras
  history.csv         losses and metrics of every epoch
  summary.json        best epoch, engine, arguments and versions
  age-curves, gender-curves, architecture
                      figures, each as .svg and .png

Report: ${page}`);
}

/** Returns a table with the results of the best and the last epoch, and of a baseline and the published study for comparison. */
function formatResults(
  { rows }: StudyHistory,
  bestRow: HistoryRow,
  baseline: number,
  published: OutputOptions['published'] | undefined,
): string {
  const lastRow = rows.at(-1)!;
  const formatLine = (title: string, loss: string, age: string, gender: string) =>
    `${title.padEnd(30)}${loss.padStart(10)}${age.padStart(14)}${gender.padStart(10)}`.trimEnd();
  const formatEpoch = (row: HistoryRow) =>
    [
      ['', 'training'],
      ['val_', 'validation'],
      ['val_unaugmented_', 'validation, not augmented'],
    ].map(([prefix, title]) =>
      formatLine(
        `  ${title}`,
        row[`${prefix}loss`]!.toFixed(1),
        `${row[`${prefix}age_mae`]!.toFixed(2)} years`,
        `${(100 * row[`${prefix}gender_accuracy`]!).toFixed(1)} %`,
      ),
    );
  const isLast = bestRow.epoch === lastRow.epoch;
  return [
    formatLine('', 'loss', 'age MAE', 'gender'),
    `${isLast ? 'Last and best' : 'Best'} epoch (${bestRow.epoch}), which has the lowest val_loss`,
    ...formatEpoch(bestRow),
    ...(isLast ? [] : [`Last epoch (${lastRow.epoch})`, ...formatEpoch(lastRow)]),
    'For comparison',
    formatLine('  always the mean age', '', `${baseline.toFixed(2)} years`, ''),
    ...Object.entries(published ?? {}).map(([part, { age, gender }]) =>
      formatLine(`  the published study, ${part}`, '', age, gender),
    ),
  ].join('\n');
}

/** Returns the mean absolute error on `validation` of a baseline that always predicts the mean age of the training images. */
function computeMeanAgeError(train: FaceDataset, validation: FaceDataset): number {
  const getAges = (dataset: FaceDataset) =>
    Array.from({ length: dataset.size }, (_, i) => dataset.labels(i).age!);
  const mean = getAges(train).reduce((sum, age) => sum + age, 0) / train.size;
  return getAges(validation).reduce((sum, age) => sum + Math.abs(age - mean), 0) / validation.size;
}

const round = (value: number) => Number(value.toFixed(3));

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
